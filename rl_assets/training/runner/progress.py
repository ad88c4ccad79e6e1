"""Progress of a training: lines for its log, values to plot, the loss curve, and an end if the loss is no number."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rl_assets.training.errors import TrainingDiverged

LINE_EVERY_S = 30.0
LINES = 10
CURVE_POINTS = 200
# Values of the trainers by the names that their plots have. A reward is that of the policy's own answers; in training
# on preferences it is the implicit one, and its accuracy the share of pairs in which the better answer has the higher.
PLOTTED = {
    "loss": "loss",
    "reward": "reward",
    "rewards/margins": "reward_margin",
    "rewards/accuracies": "reward_accuracy",
    "accuracy": "reward_accuracy",
    "kl": "kl",
    "clip_share": "clip_share",
    "explained_variance": "explained_variance",
    "length": "length",
    "share_ended": "share_ended",
    "beta": "beta",
}
# Of these, what a line of the log says too.
IN_LINES = ("reward", "reward_margin", "reward_accuracy", "length", "share_ended", "beta")

Observe = Callable[[dict[str, float]], None]


def observe_nothing(values: dict[str, float]) -> None:
    """For those who look at the log alone."""


@dataclass
class Progress:
    """What one run has done so far. A line is due at each tenth of the steps, and every 30 s in between.

    `observe` gets the values to plot with each line: means since the line before. `bad_rows` gives the ids of the rows
    whose loss is no finite number. `tokens` counts those of earlier attempts too, of which there are `tokens_before`.
    """

    log: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    bad_rows: Callable[[], list[str]] = list
    observe: Observe = observe_nothing
    tokens_before: int = 0
    started: float = 0.0
    first_step: int = 0
    tokens: int = 0
    last_line: float = -math.inf
    last_tenth: int = 0
    recent: dict[str, list[float]] = field(default_factory=dict)

    def start_at(self, step: int) -> None:
        """Training starts after `step` steps (not 0 when it resumes)."""
        self.started, self.first_step = self.clock(), step
        self.last_line, self.tokens = self.started, self.tokens_before

    def report_step(self, step: int, steps: int, values: dict[str, Any]) -> None:
        """Record the trainer's values after `step` of `steps`; TrainingDiverged if loss or gradient are not finite."""
        if "loss" not in values:
            return
        loss = float(values["loss"])
        self._require_finite(step, steps, loss, float(values.get("grad_norm", 0.0)))
        self.tokens = int(values.get("num_tokens", self.tokens))
        for name, plotted in PLOTTED.items():
            if name in values:
                # Before the first update every pair is a tie, which the trainer counts as lost.
                is_tie = name == "rewards/accuracies" and values.get("rewards/margins") == 0
                self.recent.setdefault(plotted, []).append(0.5 if is_tie else float(values[name]))
        now = self.clock()
        if step * LINES // steps > self.last_tenth or now - self.last_line >= LINE_EVERY_S:
            self.last_line, self.last_tenth = now, step * LINES // steps
            self.log(self._line(step, steps, loss, now))
            self.observe(self._plotted(step, steps, now))

    def _require_finite(self, step: int, steps: int, loss: float, gradient: float) -> None:
        """Raise TrainingDiverged with the last step whose weights were of use."""
        if not math.isfinite(loss):
            # It is that of the weights of the step before.
            raise TrainingDiverged(
                f"The loss is {loss} at step {step} of {steps}{self._name_bad_rows()}: lower the learning rate or "
                "max_grad_norm, or look at these rows.",
                last_good_step=step - 2,
            )
        if not math.isfinite(gradient):
            raise TrainingDiverged(
                f"The gradient's norm is {gradient} at step {step} of {steps}, where the loss is {loss:.3f}: lower the "
                "learning rate.",
                last_good_step=step - 1,
            )

    def _plotted(self, step: int, steps: int, now: float) -> dict[str, float]:
        """Means since the last line, with speed and time left."""
        means = {name: sum(values) / len(values) for name, values in self.recent.items()}
        self.recent.clear()
        return means | {
            "step": step,
            "steps": steps,
            "tokens_per_s": round(self._tokens_per_second(now), 1),
            "seconds_left": round(self._seconds_left(step, steps, now), 1),
        }

    def _name_bad_rows(self) -> str:
        rows = self.bad_rows()
        return f", in a batch of the rows {', '.join(rows)}" if rows else ""

    def _line(self, step: int, steps: int, loss: float, now: float) -> str:
        rewards = "".join(
            f"{name.replace('_', ' ')} {sum(values) / len(values):.3f} "
            for name, values in self.recent.items()
            if name in IN_LINES
        )
        return (
            f"step {step}/{steps} loss {loss:.3f} {rewards}{self._tokens_per_second(now):,.0f} tokens/s "
            f"ETA {self._seconds_left(step, steps, now):.0f} s"
        )

    def _tokens_per_second(self, now: float) -> float:
        return (self.tokens - self.tokens_before) / max(now - self.started, 1e-9)

    def _seconds_left(self, step: int, steps: int, now: float) -> float:
        return (now - self.started) / max(step - self.first_step, 1) * (steps - step)


def progress_callback(progress: Progress) -> Any:
    """The trainer callback that feeds `progress`."""
    from transformers import TrainerCallback

    class ProgressCallback(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            progress.start_at(state.global_step)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            progress.report_step(state.global_step, state.max_steps, logs or {})

    return ProgressCallback()


def loss_curve(history: list[dict[str, Any]]) -> list[tuple[int, float, float]]:
    """(step, loss, learning rate) from the trainer's history, evenly thinned to some 200 points; the last is kept."""
    points = [(entry["step"], entry["loss"], entry["learning_rate"]) for entry in history if "loss" in entry]
    every = max(1, math.ceil(len(points) / CURVE_POINTS))
    return points[::-1][::every][::-1]
