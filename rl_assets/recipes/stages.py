"""How each stage of training is optimised: plain, validated values; unknown keys are errors, torch is not imported.

A key that maps one to one to transformers', PEFT's or TRL's has their name and meaning.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

GrpoMethod = Literal["raft", "awr", "offline_grpo", "online_grpo"]
RewardName = Literal["json_format", "exact_answer", "task_success", "brevity", "image_answer", "reward_model"]
SamplingStrategy = Literal["random", "group_by_length"]
Scheduler = Literal["cosine", "linear", "constant_with_warmup"]


class Frozen(BaseModel):
    """A value that rejects keys it does not know and cannot be changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LoraRecipe(Frozen):
    """Low-rank adaptation (Hu et al. 2021, arXiv:2106.09685); updates are scaled by lora_alpha / r."""

    r: int = Field(16, ge=1)
    lora_alpha: int = Field(32, ge=1)
    lora_dropout: float = Field(0.05, ge=0, lt=1)
    target_modules: Literal["all-linear"] | tuple[str, ...] = "all-linear"


class OptimizerRecipe(Frozen):
    """How the weights of any stage are optimised.

    `effective_batch_size` is the rows of one optimizer step: over all accumulation steps and all devices together. It
    is not TRL's `per_device_train_batch_size`, which would train another adapter on another number of GPUs.
    """

    learning_rate: float = Field(gt=0)
    lr_scheduler_type: Scheduler = "linear"
    warmup_steps: float = Field(0.1, ge=0, description="Number of steps; below 1, a share of all steps.")
    effective_batch_size: int = Field(16, ge=1)
    gradient_accumulation_steps: int = Field(1, ge=1, description="Forward passes per optimizer step on one device.")
    max_grad_norm: float = Field(1.0, gt=0)
    optim: Literal["adamw_torch", "adamw_torch_fused", "paged_adamw_8bit"] = "adamw_torch_fused"
    gradient_checkpointing: bool = False

    @property
    def micro_batch_size(self) -> int:
        """Rows of one forward pass on a single device."""
        return self.effective_batch_size // self.gradient_accumulation_steps

    @model_validator(mode="after")
    def _batch_divides(self) -> "OptimizerRecipe":
        if self.effective_batch_size % self.gradient_accumulation_steps:
            raise ValueError(
                f"effective_batch_size ({self.effective_batch_size}) must be a multiple of "
                f"gradient_accumulation_steps ({self.gradient_accumulation_steps})"
            )
        return self


class StageRecipe(OptimizerRecipe):
    """How one stage on a dataset's rows is optimised; `max_steps` overrides `num_train_epochs`."""

    num_train_epochs: float = Field(1, gt=0)
    max_steps: int | None = Field(None, ge=1)
    save_steps: int = Field(100, ge=1, description="Steps between checkpoints.")

    def is_within_one_epoch(self, rows: int) -> bool:
        """Whether no row is trained on twice, of so many: then nothing is worth computing for all of them before."""
        if self.max_steps is None:
            return self.num_train_epochs <= 1
        return self.max_steps * self.effective_batch_size <= rows


class SftRecipe(StageRecipe):
    """Supervised fine-tuning on the answer's tokens, its end of turn included."""

    learning_rate: float = Field(2e-4, gt=0)
    lr_scheduler_type: Scheduler = "cosine"
    warmup_steps: float = Field(0.03, ge=0)
    num_train_epochs: float = Field(3, gt=0)
    train_sampling_strategy: SamplingStrategy = "random"
    padding_free: bool = Field(False, description="Rows of a batch lie end to end, each seeing itself alone.")


class DpoRecipe(StageRecipe):
    """Direct preference optimisation (Rafailov et al. 2023, arXiv:2305.18290) against the SFT adapter.

    `loss_type` with "sft" adds the chosen answer's negative log-likelihood, which keeps its probability from falling.
    `precompute_ref_log_probs` computes the reference's log-probabilities of all pairs before the first step; if steps
    see no pair twice, they are computed in the steps in any case, of the pairs that these see.
    """

    learning_rate: float = Field(5e-6, gt=0)
    beta: float = Field(0.1, gt=0)
    loss_type: tuple[Literal["sigmoid", "sft"], ...] = ("sigmoid",)
    precompute_ref_log_probs: bool = True
    train_sampling_strategy: SamplingStrategy = "random"


class KtoRecipe(StageRecipe):
    """Kahneman-Tversky optimisation (Ethayarajh et al. 2024, arXiv:2402.01306) against the SFT adapter.

    Weights of None make good and bad answers count alike, the rarer kind above 1.
    """

    learning_rate: float = Field(5e-6, gt=0)
    beta: float = Field(0.1, gt=0)
    desirable_weight: float | None = Field(None, gt=0)
    undesirable_weight: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _rows_have_neighbours(self) -> "KtoRecipe":
        if self.micro_batch_size < 2:
            raise ValueError(
                "the KL term pairs each answer with another row's prompt: effective_batch_size must be at least twice "
                "gradient_accumulation_steps"
            )
        return self


class RewardRecipe(StageRecipe):
    """A pairwise (Bradley-Terry) reward model: LoRA on a sequence classifier with one output.

    `center_rewards_coefficient` pulls rewards to mean 0 (Eisenstein et al. 2023, arXiv:2312.09244). With `half: first`
    it learns from half of the pairs, whole clusters of prompts at a time; `second_reward_model` then learns from the
    others, so that the two err apart and one can check the other.
    """

    learning_rate: float = Field(1e-4, gt=0)
    half: Literal["first", "second"] | None = None
    center_rewards_coefficient: float = Field(0.01, ge=0)
    min_held_out: int = Field(20, ge=1, description="Minimum number of held-out pairs to measure it on.")


class GrpoRecipe(StageRecipe):
    """Learning from groups of answers to one prompt, by one of four methods.

    raft: supervised on the best answer of each group (Dong et al. 2023, arXiv:2304.06767).
    awr: likelihood of every answer times min(max_weight, exp(A / advantage_temperature)), A = r - mean(r)
    (Peng et al. 2019, arXiv:1910.00177).
    offline_grpo: the clipped ratio to the policy that answered, plus beta x KL to the reference
    (Shao et al. 2024, arXiv:2402.03300, eq. 3).
    online_grpo: TRL's GRPO on answers of its own, scored by `reward_funcs`.
    Supervised methods (raft, awr) learn at some ten times the rate of the others: that is the default of each.
    """

    method: GrpoMethod = "raft"
    parent: Literal["sft", "dpo"] = "sft"
    learning_rate: float = Field(1e-4, gt=0)
    advantage_temperature: float = Field(0.5, gt=0)
    max_weight: float = Field(5.0, gt=0)
    epsilon: float = Field(0.2, gt=0, lt=1)
    epsilon_high: float = Field(0.28, gt=0)
    log_ratio_cap: float = Field(
        2.0, gt=0, description="Nats per token: a worse-than-average answer this much less likely is left alone."
    )
    beta: float = Field(0.04, ge=0)
    reward_funcs: tuple[RewardName, ...] = Field(("json_format", "exact_answer", "task_success"), min_length=1)
    num_generations: int = Field(8, ge=2)
    max_completion_length: int = Field(256, ge=1, description="Maximum new tokens of an answer.")
    entropy_coef: float = Field(0.0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _default_rate_of_the_method(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("method") in {"offline_grpo", "online_grpo"}:
            return {"learning_rate": 1e-5} | values
        return values

    @model_validator(mode="after")
    def _method_is_possible(self) -> "GrpoRecipe":
        if self.beta == 0 and self.method == "offline_grpo":
            raise ValueError("method offline_grpo needs beta > 0: offline data do not show where the policy drifts to")
        if self.beta == 0 and self.uses_reward_model:
            raise ValueError("a learned reward needs beta > 0: without it the policy learns to cheat the reward model")
        if self.method == "online_grpo" and self.effective_batch_size % self.num_generations:
            raise ValueError(f"effective_batch_size must be a multiple of num_generations ({self.num_generations})")
        return self

    @property
    def uses_reward_model(self) -> bool:
        """Whether a trained reward model scores the answers."""
        return self.method == "online_grpo" and "reward_model" in self.reward_funcs


class PpoRecipe(OptimizerRecipe):
    """Proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347) of answers of the policy's own.

    In each of `rollouts` the policy answers `rollout_size` prompts once, and learns from these answers in
    `epochs_per_rollout` passes of `effective_batch_size` answers per step. A second LoRA, the critic, says what each
    token may still earn. `beta` is the weight of the KL to the parent, and follows `target_kl` (nats per answer) by
    `kl_gain`; without a target it stays. `reward_funcs` are as in `grpo`, and are added up by `reward_weights`.
    """

    parent: Literal["sft", "dpo"] = "sft"
    learning_rate: float = Field(1e-5, gt=0)
    critic_learning_rate: float = Field(5e-5, gt=0)
    warmup_steps: float = Field(0.0, ge=0)
    rollouts: int = Field(100, ge=1)
    rollout_size: int = Field(64, ge=1, description="Answers per rollout.")
    epochs_per_rollout: int = Field(2, ge=1)
    save_rollouts: int = Field(1, ge=1, description="Rollouts between checkpoints.")
    clip: float = Field(0.2, gt=0, lt=1, description="Of the ratio of probabilities.")
    value_clip: float = Field(0.2, gt=0, description="Of the change of a value.")
    value_coef: float = Field(0.5, ge=0)
    gamma: float = Field(1.0, gt=0, le=1)
    lam: float = Field(0.95, ge=0, le=1)
    beta: float = Field(0.1, ge=0)
    target_kl: float | None = Field(6.0, gt=0)
    kl_gain: float = Field(1.0, ge=0)
    stop_kl: float = Field(
        0.05, gt=0, description="Nats per token from the policy that answered, at which a rollout's passes end."
    )
    temperature: float = Field(1.0, gt=0)
    reward_funcs: tuple[RewardName, ...] = Field(("json_format", "exact_answer", "task_success"), min_length=1)
    reward_weights: tuple[float, ...] | None = None
    max_completion_length: int = Field(256, ge=1, description="Maximum new tokens of an answer.")
    no_end_penalty: float = Field(-1.0, description="The most that an answer gets that does not end its turn.")
    whiten_rewards: bool = False
    entropy_coef: float = Field(0.0, ge=0)

    @model_validator(mode="after")
    def _rollout_is_possible(self) -> "PpoRecipe":
        if self.rollout_size % self.effective_batch_size:
            raise ValueError(
                f"rollout_size ({self.rollout_size}) must be a multiple of effective_batch_size "
                f"({self.effective_batch_size})"
            )
        if self.reward_weights is not None and len(self.reward_weights) != len(self.reward_funcs):
            raise ValueError(
                f"reward_weights has {len(self.reward_weights)} values for {len(self.reward_funcs)} reward_funcs"
            )
        if self.beta == 0 and self.uses_reward_model:
            raise ValueError("a learned reward needs beta > 0: without it the policy learns to cheat the reward model")
        return self

    @property
    def uses_reward_model(self) -> bool:
        """Whether a trained reward model scores the answers."""
        return "reward_model" in self.reward_funcs

    @property
    def steps_per_rollout(self) -> int:
        """Optimizer steps on the answers of one rollout."""
        return self.epochs_per_rollout * self.rollout_size // self.effective_batch_size
