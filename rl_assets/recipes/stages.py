"""How each stage of training is optimised: plain, validated values; unknown keys are errors, torch is not imported."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

RewardName = Literal["json_format", "exact_answer", "brevity", "image_answer", "reward_model"]
Sampling = Literal["random", "group_by_length"]


class Frozen(BaseModel):
    """A value that refuses keys it does not know and cannot be changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LoraRecipe(Frozen):
    """Low-rank adaptation (Hu et al. 2021, arXiv:2106.09685); updates are scaled by alpha / r."""

    r: int = Field(16, ge=1)
    alpha: int = Field(32, ge=1)
    dropout: float = Field(0.05, ge=0, lt=1)
    target_modules: Literal["all-linear"] | tuple[str, ...] = "all-linear"


class StageRecipe(Frozen):
    """How one stage is optimised. The effective batch is `batch` x `accumulate`; `max_steps` overrides `epochs`."""

    learning_rate: float = Field(gt=0)
    schedule: Literal["cosine", "linear", "constant"] = "linear"
    warmup: float = Field(0.1, ge=0, lt=1, description="Share of the steps.")
    batch: int = Field(16, ge=1)
    accumulate: int = Field(1, ge=1)
    epochs: float = Field(1, gt=0)
    max_steps: int | None = Field(None, ge=1)
    max_grad_norm: float = Field(1.0, gt=0)
    optimizer: Literal["adamw_torch", "adamw_torch_fused", "paged_adamw_8bit"] = "adamw_torch_fused"
    gradient_checkpointing: bool = False
    checkpoint_every: int = Field(100, ge=1, description="Steps between checkpoints.")


class SftRecipe(StageRecipe):
    """Supervised fine-tuning on the answer's tokens, its end of turn included."""

    learning_rate: float = Field(2e-4, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(0.03, ge=0, lt=1)
    epochs: float = Field(3, gt=0)
    sampling: Sampling = "random"
    padding_free: bool = Field(False, description="Rows of a batch lie end to end, each seeing itself alone.")


class DpoRecipe(StageRecipe):
    """Direct preference optimisation (Rafailov et al. 2023, arXiv:2305.18290) against the SFT adapter.

    `loss` with "sft" adds the chosen answer's negative log-likelihood, which keeps its probability from falling.
    """

    learning_rate: float = Field(5e-6, gt=0)
    beta: float = Field(0.1, gt=0)
    loss: tuple[Literal["sigmoid", "sft"], ...] = ("sigmoid",)
    precompute_reference: bool = True
    sampling: Sampling = "random"


class KtoRecipe(StageRecipe):
    """Kahneman-Tversky optimisation (Ethayarajh et al. 2024, arXiv:2402.01306) against the SFT adapter.

    The KL term pairs answers with the prompts beside them in a batch, so a batch has two rows or more. Weights of None
    make good and bad answers count alike, the rarer kind above 1.
    """

    learning_rate: float = Field(5e-6, gt=0)
    batch: int = Field(16, ge=2)
    beta: float = Field(0.1, gt=0)
    desirable_weight: float | None = Field(None, gt=0)
    undesirable_weight: float | None = Field(None, gt=0)


class RewardRecipe(StageRecipe):
    """A pairwise (Bradley-Terry) reward model: LoRA on a sequence classifier with one output.

    `centring` pulls rewards to mean 0 (Eisenstein et al. 2023, arXiv:2312.09244).
    """

    learning_rate: float = Field(1e-4, gt=0)
    centring: float = Field(0.01, ge=0)
    min_held_out: int = Field(20, ge=1, description="Fewest held-out pairs to measure it on.")


class GrpoRecipe(StageRecipe):
    """Learning from groups of answers to one prompt, in one of four ways.

    raft: supervised on the best answer of each group (Dong et al. 2023, arXiv:2304.06767).
    advantage_weighted: likelihood of every answer times min(largest_weight, exp(A / temperature)), A = r - mean(r)
    (Peng et al. 2019, arXiv:1910.00177).
    clipped: the clipped ratio to the policy that answered, plus beta x KL to the reference (arXiv:2402.03300, eq. 3).
    online: TRL's GRPO on answers of its own, scored by `rewards`.
    Supervised ways learn at some ten times the rate of the others, which is the default unless one is given.
    """

    way: Literal["raft", "advantage_weighted", "clipped", "online"] = "raft"
    parent: Literal["sft", "dpo"] = "sft"
    learning_rate: float = Field(1e-4, gt=0)
    temperature: float = Field(0.5, gt=0)
    largest_weight: float = Field(5.0, gt=0)
    epsilon_low: float = Field(0.2, gt=0, lt=1)
    epsilon_high: float = Field(0.28, gt=0)
    drift: float = Field(
        2.0, gt=0, description="Nats a token: a worse-than-average answer that got this much less likely is left alone."
    )
    beta: float = Field(0.04, ge=0)
    rewards: tuple[RewardName, ...] = Field(("json_format", "exact_answer"), min_length=1)
    group_size: int = Field(8, ge=2)
    max_completion: int = Field(256, ge=1, description="Most new tokens of an answer.")
    entropy_coef: float = Field(0.0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _rate_of_the_way(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("way") in {"clipped", "online"}:
            return {"learning_rate": 1e-5} | values
        return values

    @model_validator(mode="after")
    def _whole(self) -> "GrpoRecipe":
        if self.beta == 0 and self.way == "clipped":
            raise ValueError("way 'clipped' needs beta > 0: logged answers say nothing of where the policy drifts to")
        if self.beta == 0 and self.way == "online" and "reward_model" in self.rewards:
            raise ValueError("a learned reward needs beta > 0: without it the policy learns to cheat the reward model")
        if self.way == "online" and (self.batch * self.accumulate) % self.group_size:
            raise ValueError(f"batch x accumulate must be a multiple of group_size ({self.group_size})")
        return self
