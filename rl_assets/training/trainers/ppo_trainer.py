"""PPO on `transformers.Trainer`: its loop, optimizer, schedule, checkpoints and log; the steps are our own.

An optimizer step is one mini-batch of a rollout's answers. A rollout is made before its first step, and checkpoints are
written between rollouts alone: answers are not saved, so one inside a rollout would go on with others. Steps that a
rollout gives up, since the policy has moved far enough, change nothing and still count, so schedule and checkpoints
stay in place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from rl_assets.core.files import write_json
from rl_assets.models.adapters import WEIGHTS
from rl_assets.models.runtime import process_count
from rl_assets.recipes.stages import PpoRecipe
from rl_assets.training.errors import NoSignal, TrainingRefused
from rl_assets.training.runner.checks import max_or_nan
from rl_assets.training.runner.finite import require_finite_weights
from rl_assets.training.trainers.ppo_checks import Measured
from rl_assets.training.trainers.ppo_losses import (
    adapted_beta,
    advantages,
    divergence,
    explained_variance,
    masked_mean,
    policy_losses,
    token_rewards,
    value_losses,
    whitened,
)
from rl_assets.training.trainers.ppo_models import CRITIC, HEAD, POLICY, ActorCritic
from rl_assets.training.trainers.ppo_rewards import Rewards
from rl_assets.training.trainers.ppo_rollout import Rollout, Sampler, look_at, prompt_order, seed_of

STATE = "ppo.json"
# What a checkpoint holds besides what all do.
FILES = (f"{CRITIC}/{WEIGHTS}", HEAD, STATE)
SILENT_ROLLOUTS = 5
ADAM_EPSILON = 1e-5


@dataclass
class RunState:
    """What goes on from rollout to rollout, besides weights: beta, what was measured, and each answer's score.

    `answers` hold (row of the prompt, score) by rollout.
    """

    beta: float
    first_ratio: float = 0.0
    rollouts: list[Measured] = field(default_factory=list)
    answers: list[list[tuple[int, float]]] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> RunState:
        """What `write` wrote."""
        saved = json.loads(path.read_text(encoding="utf-8"))
        rollouts = [Measured(**one) for one in saved["rollouts"]]
        answers = [[(row, score) for row, score in one] for one in saved["answers"]]
        return cls(saved["beta"], saved["first_ratio"], rollouts, answers)


@dataclass
class Batch:
    """A rollout with advantages (whitened) and returns; `order` holds the answers of each of its steps.

    `clipped` and `loss` are of the steps so far; `stopped` says that the others are given up.
    """

    rollout: Rollout
    gains: Any
    returns: Any
    order: list[list[int]]
    measured: dict[str, Any]
    steps: int = 0
    clipped: float = 0.0
    loss: Any = None
    stopped: bool = False


def mini_batches(answers: int, size: int, epochs: int, seed: int) -> list[list[int]]:
    """The answers of each step: all of them in each epoch, in an order of its own."""
    steps = []
    for epoch in range(epochs):
        order = list(range(answers))
        Random(f"{seed}/{epoch}").shuffle(order)
        steps += [order[at : at + size] for at in range(0, answers, size)]
    return steps


def ppo_trainer(
    arguments: dict[str, Any], stage: PpoRecipe, seed: int, models: ActorCritic, sampler: Sampler, rewards: Rewards
) -> Any:
    """The trainer, for arguments of transformers besides those that PPO decides."""
    from transformers import TrainingArguments

    steps = stage.rollouts * stage.steps_per_rollout
    own: dict[str, Any] = {
        "max_steps": steps,
        "save_steps": stage.steps_per_rollout * stage.save_rollouts,
        "per_device_train_batch_size": 1,
        "adam_epsilon": ADAM_EPSILON,
        # Policy and critic are clipped apart, each by the recipe's norm.
        "max_grad_norm": 0.0,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "remove_unused_columns": False,
        "ignore_data_skip": True,
    }
    trainer_class = _trainer_class()
    trainer = trainer_class(
        model=models.model,
        args=TrainingArguments(**arguments, **own),
        train_dataset=[{"step": at} for at in range(steps * process_count())],
        data_collator=_numbers_of_steps,
    )
    trainer.prepare_rollouts(stage, seed, models, sampler, rewards)
    return trainer


def _numbers_of_steps(examples: Sequence[dict[str, int]]) -> dict[str, Any]:
    import torch

    return {"step": torch.tensor([example["step"] for example in examples])}


def _trainer_class() -> Any:
    import torch
    from accelerate.utils import gather_object
    from transformers import Trainer

    class PpoTrainer(Trainer):
        stage: PpoRecipe
        models: ActorCritic
        sampler: Sampler
        rewards: Rewards
        run_state: RunState
        batch: Batch | None
        _total_train_tokens: int = 0

        def prepare_rollouts(
            self, stage: PpoRecipe, seed: int, models: ActorCritic, sampler: Sampler, rewards: Rewards
        ) -> None:
            self.stage, self.seed, self.models = stage, seed, models
            self.sampler, self.rewards = sampler, rewards
            self.run_state, self.batch = RunState(stage.beta), None

        # What the loop of the Trainer calls, in its order.

        def create_optimizer(self, model: Any = None) -> Any:
            """One optimizer, whose groups have rates of their own, and moments of their own as all weights have."""
            if self.optimizer is None:
                kind, options = self.get_optimizer_cls_and_kwargs(self.args, self.models.model)
                options = {name: value for name, value in options.items() if name != "lr"}
                rates = (self.stage.learning_rate, self.stage.critic_learning_rate)
                weights = (self.models.policy_weights, self.models.critic_weights)
                groups = [
                    {"params": some, "lr": rate, "weight_decay": 0.0} for some, rate in zip(weights, rates, strict=True)
                ]
                self.optimizer = kind(groups, **options)
            return self.optimizer

        def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
            number, at = divmod(self.state.global_step, self.stage.steps_per_rollout)
            if at == 0:
                require_finite_weights(self.model, self.state.global_step)
                self.batch = self.collect(number)
            assert self.batch is not None, "training resumes between rollouts alone"
            if not self.batch.stopped:
                self.learn(self.batch, self.batch.order[at], is_first=number == at == 0)
            if at == self.stage.steps_per_rollout - 1:
                self.finish(self.batch)
            return self.batch.loss

        def log(self, logs: dict[str, float], *rest: Any, **options: Any) -> None:
            done = self.state.global_step and self.state.global_step % self.stage.steps_per_rollout == 0
            if done and "loss" in logs and self.run_state.rollouts:
                values = asdict(self.run_state.rollouts[-1])
                logs |= {name: value for name, value in values.items() if value is not None}
            logs["num_tokens"] = self._total_train_tokens
            super().log(logs, *rest, **options)

        def floating_point_ops(self, inputs: Any) -> int:
            return 0

        def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
            folder = Path(str(output_dir or self.args.output_dir))
            folder.mkdir(parents=True, exist_ok=True)
            self.models.save(folder)
            self.run_state.write(folder / STATE)

        def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
            self.models.load(Path(resume_from_checkpoint))
            self.run_state = RunState.read(Path(resume_from_checkpoint) / STATE)

        # The rollouts.

        def collect(self, number: int) -> Batch:
            """Answers of the policy to the next prompts, of this process's share, with advantages and returns."""
            stage, rank, processes = self.stage, self.accelerator.process_index, self.accelerator.num_processes
            prompts = len(self.sampler.encoded)
            rows = prompt_order(prompts, self.seed, number * stage.rollout_size, stage.rollout_size)[rank::processes]
            answered, ids, attention, mask = self.sampler.sample(rows, seed_of(self.seed, number, rank))
            scores = self.rewards.scores(answered)
            scored = [score is not None for score in scores]
            mask = mask & torch.tensor(scored, device=mask.device)[:, None]
            self._total_train_tokens += int(self._sum(attention.sum()))
            records = gather_object(list(zip(rows, scores, answered.lengths, answered.ended, strict=True)))
            self._record(records, number)
            self.models.model.train()
            at_once = max(1, stage.micro_batch_size // processes)
            autocast = self.accelerator.autocast
            rollout = look_at(self.models, ids, attention, mask, stage.temperature, at_once, autocast)
            given = torch.tensor([score or 0.0 for score in scores], device=mask.device)
            rewards = token_rewards(given, rollout.behaviour, rollout.reference, mask, self.run_state.beta)
            if stage.whiten_rewards:
                rewards = whitened(rewards, mask, self._sum, centred=False)
            gains, returns = advantages(rewards, rollout.values, mask, stage.gamma, stage.lam)
            order = mini_batches(
                len(rows), stage.effective_batch_size // processes, stage.epochs_per_rollout, seed_of(self.seed, number)
            )
            measured = self._measure(rollout, returns, records)
            return Batch(rollout, whitened(gains, mask, self._sum), returns, order, measured)

        def learn(self, batch: Batch, rows: list[int], *, is_first: bool) -> None:
            """Gradients of one mini-batch; none if the policy has moved too far from the one that answered."""
            mask = batch.rollout.mask[rows]
            tokens = self._sum(mask.sum()).clamp(min=1)
            size = -(-len(rows) // self.stage.gradient_accumulation_steps)
            parts = [rows[at : at + size] for at in range(0, len(rows), size)]
            policies = [self._learn_policy(batch, part, tokens) for part in parts]
            policy = torch.cat([one for one, *_ in policies])
            behaviour = batch.rollout.behaviour[rows]
            if is_first:
                away = ((policy - behaviour) * mask).exp().sub(1).abs().max()
                self.run_state.first_ratio = max_or_nan(gather_object([float(away)]))
            if float(divergence(policy, behaviour, mask, self._sum)) > self.stage.stop_kl:
                self.models.model.zero_grad()
                batch.stopped = True
                return
            values = sum(self._learn_critic(batch, part, tokens) for part in parts)
            loss = self._sum(sum(loss for _, loss, _ in policies) + values)
            self._clip_apart()
            batch.steps += 1
            batch.clipped += float(self._sum(sum(count for *_, count in policies)) / tokens)
            batch.loss = loss if batch.loss is None else batch.loss + (loss - batch.loss) / batch.steps

        def finish(self, batch: Batch) -> None:
            """Keep what the rollout measured, and adapt beta to its KL."""
            clip_share = batch.clipped / max(1, batch.steps)
            measured = Measured(**batch.measured, clip_share=clip_share, steps=batch.steps)
            self.run_state.rollouts.append(measured)
            stage, beta = self.stage, self.run_state.beta
            self.run_state.beta = adapted_beta(beta, measured.kl, stage.target_kl, stage.kl_gain)

        def _learn_policy(self, batch: Batch, rows: list[int], tokens: Any) -> tuple[Any, Any, Any]:
            """(log-probabilities, loss, clipped tokens) of some answers; their gradients are added to the policy's."""
            own, stage = batch.rollout, self.stage
            with self.accelerator.autocast():
                policy, entropy = self.models.log_probabilities(
                    POLICY, own.ids[rows], own.attention[rows], own.tokens, stage.temperature
                )
            mask = own.mask[rows]
            losses, clipped = policy_losses(policy, own.behaviour[rows], batch.gains[rows], mask, stage.clip)
            loss = (losses.sum() - stage.entropy_coef * (entropy * mask).sum()) / tokens
            self.accelerator.backward(loss)
            return policy.detach(), loss.detach(), clipped.sum()

        def _learn_critic(self, batch: Batch, rows: list[int], tokens: Any) -> Any:
            """The critic's loss on some answers; its gradients are added to the critic's."""
            own = batch.rollout
            with self.accelerator.autocast():
                values = self.models.values(own.ids[rows], own.attention[rows], own.tokens)
            old, mask = own.values[rows], own.mask[rows]
            losses = value_losses(values, old, batch.returns[rows], mask, self.stage.value_clip)
            loss = self.stage.value_coef * losses.sum() / tokens
            self.accelerator.backward(loss)
            return loss.detach()

        def _clip_apart(self) -> None:
            """Add up the gradients of all processes, and clip policy and critic by a norm of their own."""
            for weights in (self.models.policy_weights, self.models.critic_weights):
                for weight in weights:
                    if weight.grad is not None and self.accelerator.num_processes > 1:
                        torch.distributed.all_reduce(weight.grad)
                torch.nn.utils.clip_grad_norm_(weights, self.stage.max_grad_norm)

        def _measure(self, rollout: Rollout, returns: Any, records: list[Any]) -> dict[str, Any]:
            """What is known of a rollout before it is learned from, over all processes."""
            away, count = rollout.behaviour - rollout.reference, len(records)
            scores = [score for _, score, *_ in records if score is not None]
            return {
                "reward": sum(scores) / len(scores),
                "kl": float(self._sum((away * rollout.mask).sum())) / len(scores),
                "kl_size": float(masked_mean(away.abs(), rollout.mask, self._sum)),
                "length": sum(length for *_, length, _ in records) / count,
                "share_ended": sum(ended for *_, ended in records) / count,
                "explained_variance": explained_variance(returns, rollout.values, rollout.mask, self._sum),
                "beta": self.run_state.beta,
                "entropy": float(masked_mean(rollout.entropy, rollout.mask, self._sum)),
                "unscored": count - len(scores),
            }

        def _record(self, records: list[Any], number: int) -> None:
            """Keep each answer's score; refuse rewards that reward nothing, or tell nothing apart."""
            scored = [(row, score) for row, score, *_ in records if score is not None]
            if not scored:
                raise TrainingRefused(
                    f"None of the rewards {', '.join(self.stage.reward_funcs)} rewards any of the {len(records)} "
                    f"answers of rollout {number + 1}: name others in the recipe's ppo.reward_funcs. Nothing is "
                    "published."
                )
            self.run_state.answers.append(scored)
            seen = {score for answers in self.run_state.answers for _, score in answers}
            if number + 1 == SILENT_ROLLOUTS and len(seen) == 1:
                ended = sum(ended for *_, ended in records) / len(records)
                raise NoSignal(
                    f"No signal: all answers of the first {SILENT_ROLLOUTS} rollouts got the reward {seen.pop():.3g}, "
                    f"so there is nothing to learn. {ended:.0%} of the last ones end: raise "
                    "ppo.max_completion_length if they are cut, train the parent longer if it cannot solve the task, "
                    "or name other ppo.reward_funcs."
                )

        def require_equal_processes(self) -> None:
            """Raise RuntimeError if policy or critic differ between processes, whose updates must be one."""
            weights = (*self.models.policy_weights, *self.models.critic_weights)
            own = [float(weight.detach().double().sum()) for weight in weights]
            every = gather_object([own])
            if any(other != own for other in every):
                raise RuntimeError("policy or critic differ between the processes that trained them")

        def _sum(self, total: Any) -> Any:
            """The sum over all processes."""
            if self.accelerator.num_processes == 1:
                return total
            return self.accelerator.reduce(total.detach().clone(), reduction="sum")

    return PpoTrainer
