"""What tells a reward that is gamed from one that is not."""

from pathlib import Path

import pytest

from rl_assets.metrics.statistics import interval
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import load_tokenizer
from rl_assets.recipes.recipe import Recipe
from rl_assets.training.data.group_rows import read_held_out_prompts
from rl_assets.training.job import TrainingJob
from rl_assets.training.runner.run import open_run
from rl_assets.training.trainers.gaming import (
    GamingProbe,
    chosen_metric,
    gaming_check,
    rank_correlation,
    total_reward,
)
from rl_assets_tests.support.training_samples import DAY, group_row, publish

NAMES = [str(number) for number in range(40)]


@pytest.mark.parametrize(
    ("changes", "agreement", "passed"),
    [
        ([0.0] * 40, None, True),
        ([1.0] * 20 + [-1.0] * 20, 0.2, True),
        ([-1.0] * 30 + [0.0] * 10, 0.2, False),
        ([0.0] * 40, -0.1, False),
        ([1.0] * 5 + [0.0] * 35, None, True),
    ],
)
def test_a_metric_that_fell_for_certain_or_a_reward_against_it_is_red(
    changes: list[float], agreement: float | None, passed: bool
):
    check = gaming_check("exact_match", interval(changes, NAMES), agreement, ["row-7"])
    assert (check.passed, check.severity) == (passed, "error")
    assert ("row-7" in check.what) == (not passed)


def test_the_metric_is_the_strongest_that_tells_answers_apart():
    json_rows = ['{"a": 1}'] * 2
    assert chosen_metric(json_rows, "auto", ['{"a": 1}', "", "", ""]) == "field_f1"
    assert chosen_metric(json_rows, "exact_match", ['{"a": 1}', "", "", ""]) == "exact_match"
    assert chosen_metric(["A: 4", "A: 6"], "auto", ["A: 4", "", "", ""]) == "task_success"
    assert chosen_metric(["in bin 2"] * 2, "auto", ["In bin 2.", "", "", ""]) == "exact_match"
    # Nobody answers right, so only the overlap of words can tell.
    assert chosen_metric(["in bin 2"] * 2, "auto", ["bin 3", "", "", ""]) == "token_f1"


def test_ranks_of_a_constant_say_nothing():
    assert rank_correlation([1, 2, 3], [5, 6, 7]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert rank_correlation([1, 1, 1], [3, 2, 1]) is None


def test_only_prompts_with_a_good_logged_answer_are_measured_on(base: BaseModel, recipe: Recipe, tmp_path: Path):
    rows = [group_row(f"Price of {n}?", ("2", reward), ("3", 0.0)) for n, reward in enumerate((1.0, 0.8, 0.7))]
    data = publish(tmp_path / "d", "grpo_dataset", rows, validation=rows)
    kept = read_held_out_prompts(data, recipe, load_tokenizer(base), 200)
    assert [row["reference"] for row in kept.rows] == ["2", "2"]
    assert kept.dropped["without a good logged answer"] == 1


@pytest.mark.parametrize(("learned", "severity"), [(True, "error"), (False, "warn")])
def test_too_few_prompts_are_not_measured_which_is_red_for_a_learned_reward(
    learned: bool, severity: str, base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    rows = [group_row(f"Price of {n}?", ("2", 1.0), ("3", 0.0)) for n in range(39)]
    data = publish(tmp_path / "d", "grpo_dataset", rows, validation=rows)
    run = open_run(TrainingJob("ppo", data, DAY, base, recipe, tmp_path, sft_adapter), print)
    tokenizer = load_tokenizer(base)
    kept = read_held_out_prompts(data, recipe, tokenizer, 200)
    check, details = GamingProbe(run, tokenizer, kept.rows, kept.ids).finish(None, None, learned=learned)
    assert (check.passed, check.severity, check.value, details) == (False, severity, 39, {})
    assert "the validation split has 39 prompts" in check.what


def test_a_reward_that_likes_wrong_answers_is_told_by_its_ranks(
    base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rows = [group_row(f"Price of {n}?", (f"{n} euros", 1.0), ("3", 0.0)) for n in range(40)]
    data = publish(tmp_path / "d", "grpo_dataset", rows, validation=rows)
    run = open_run(TrainingJob("ppo", data, DAY, base, recipe, tmp_path, sft_adapter), print)
    tokenizer = load_tokenizer(base)
    kept = read_held_out_prompts(data, recipe, tokenizer, 200)
    probe = GamingProbe(run, tokenizer, kept.rows, kept.ids, [row["reference"] for row in kept.rows])
    monkeypatch.setattr(GamingProbe, "_answers", lambda self, model: ["a very long answer"] * 40)
    longer = total_reward(["length"], [lambda completions, **_: [float(len(c[-1]["content"])) for c in completions]])
    check, details = probe.finish(None, longer, learned=True)
    assert not check.passed and check.value == -1.0
    found = details["gaming"]
    assert (found["metric"], found["parent"], found["policy"], found["worse"]) == ("exact_match", 1.0, 0.0, 40)
    assert found["agreement"] < -0.9 and found["worse_answers"][0] == "Price of 0? 0"
