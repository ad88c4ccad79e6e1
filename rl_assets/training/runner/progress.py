"""Progress of a training run: lines for its log, the loss curve, and an end if the loss is no finite number."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rl_assets.training.errors import TrainingDiverged

LINE_EVERY_S = 30.0
LINES = 10
CURVE_POINTS = 200


@dataclass
class Progress:
    """What one run has done so far. A line is due at each tenth of the steps, and every 30 s in between.

    `bad_rows` gives the ids of the rows whose loss is no finite number.
    """

    log: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    bad_rows: Callable[[], list[str]] = list
    started: float = 0.0
    first_step: int = 0
    tokens: int = 0
    last_line: float = -math.inf
    last_tenth: int = 0

    def start_at(self, step: int) -> None:
        """Training starts after `step` steps (not 0 when it resumes)."""
        self.started, self.first_step = self.clock(), step
        self.last_line = self.started

    def report_step(self, step: int, steps: int, values: dict[str, Any]) -> None:
        """Record the trainer's values after `step` of `steps`; TrainingDiverged if the loss is no finite number."""
        if "loss" not in values:
            return
        loss = float(values["loss"])
        if not math.isfinite(loss):
            raise TrainingDiverged(
                f"The loss is {loss} at step {step} of {steps}{self._name_bad_rows()}: lower the learning rate or "
                "max_grad_norm, or look at these rows. The last checkpoint before it is kept."
            )
        self.tokens = int(values.get("num_tokens", self.tokens))
        now = self.clock()
        if step * LINES // steps > self.last_tenth or now - self.last_line >= LINE_EVERY_S:
            self.last_line, self.last_tenth = now, step * LINES // steps
            self.log(self._line(step, steps, loss, now))

    def _name_bad_rows(self) -> str:
        rows = self.bad_rows()
        return f", in a batch of the rows {', '.join(rows)}" if rows else ""

    def _line(self, step: int, steps: int, loss: float, now: float) -> str:
        elapsed = max(now - self.started, 1e-9)
        left = elapsed / max(step - self.first_step, 1) * (steps - step)
        return f"step {step}/{steps} loss {loss:.3f} {self.tokens / elapsed:,.0f} tokens/s ETA {left:.0f} s"


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
