import math

import pytest

from rl_assets.training.errors import TrainingDiverged
from rl_assets.training.runner.progress import Progress, loss_curve


def test_a_line_tells_step_loss_speed_and_time_left():
    lines: list[str] = []
    now = iter([0.0, 2.0])
    progress = Progress(lines.append, clock=lambda: next(now))
    progress.start_at(0)
    progress.report_step(40, 200, {"loss": 0.5123, "num_tokens": 2468})
    assert lines == ["step 40/200 loss 0.512 1,234 tokens/s ETA 8 s"]


def test_lines_come_once_a_tenth_and_every_half_minute_in_between():
    lines: list[str] = []
    seconds = [0.0]
    progress = Progress(lines.append, clock=lambda: seconds[0])
    progress.start_at(0)
    for step in range(1, 101):
        seconds[0] += 1
        progress.report_step(step, 100, {"loss": 1.0})
    assert len(lines) == 10
    for step in range(1, 101):
        seconds[0] += 20
        progress.report_step(step, 1000, {"loss": 1.0})
    assert len(lines) > 50


def test_values_to_plot_are_means_since_the_line_before_with_speed_and_time_left():
    lines: list[str] = []
    seen: list[dict[str, float]] = []
    seconds = [0.0]
    progress = Progress(lines.append, clock=lambda: seconds[0], observe=seen.append, tokens_before=1000)
    progress.start_at(0)
    for step in range(1, 5):
        seconds[0] += 2
        values = {"loss": step, "rewards/margins": 0.1 * (step - 1), "rewards/accuracies": 0.25 * (step - 1)}
        progress.report_step(step, 20, values | {"num_tokens": 1000 + 10 * step})
    assert lines[0].startswith("step 2/20 loss 2.000 reward margin 0.050 reward accuracy 0.375 5 tokens/s ETA 36 s")
    assert seen[1] == pytest.approx(
        {
            "loss": 3.5,
            "reward_margin": 0.25,
            "reward_accuracy": 0.625,
            "step": 4,
            "steps": 20,
            "tokens_per_s": 5.0,
            "seconds_left": 32.0,
        }
    )


def test_a_gradient_that_is_no_number_stops_the_run_before_its_update_is_saved():
    progress = Progress(print)
    progress.start_at(0)
    with pytest.raises(TrainingDiverged, match="gradient's norm is nan at step 7 of 10") as raised:
        progress.report_step(7, 10, {"loss": 1.0, "grad_norm": math.nan})
    assert raised.value.last_good_step == 6


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_the_run_and_names_the_step(loss: float):
    progress = Progress(print)
    progress.start_at(0)
    with pytest.raises(TrainingDiverged, match="at step 7 of 10"):
        progress.report_step(7, 10, {"loss": loss})


def test_the_loss_curve_is_thinned_and_keeps_its_end():
    history = [{"step": step, "loss": 1 / step, "learning_rate": 0.1} for step in range(1, 1002)]
    curve = loss_curve([*history, {"step": 1001, "train_runtime": 3.0}])
    assert len(curve) <= 200
    assert curve[-1] == (1001, 1 / 1001, 0.1)
