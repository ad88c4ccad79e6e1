import random
from dataclasses import replace
from pathlib import Path

import pytest

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.reward_scoring import reward_scorer
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.training.data.rows import half_of
from rl_assets.training.errors import NotEnoughRows
from rl_assets.training.job import TrainingJob
from rl_assets.training.runner.checks import beats_longer_wins_check
from rl_assets.training.train import train
from rl_assets.training.trainers.reward_model import gain_over_length, longer_wins
from rl_assets_tests.support.training_samples import DAY, chat, dpo_row, parts_rows, publish, split_by_prompt


@pytest.fixture(scope="module")
def scorer_adapter(reward_pairs: Path, base: BaseModel, recipe: Recipe, home: Path) -> Adapter:
    return train(TrainingJob("reward", reward_pairs, DAY, base, recipe, home / "adapters"), print)


def test_it_beats_preferring_the_longer_answer_on_held_out_pairs(scorer_adapter: Adapter):
    held_out, checks = scorer_adapter.manifest.held_out, scorer_adapter.manifest.checks
    assert held_out["pairs"] >= 20
    assert held_out["accuracy"] > held_out["longer_wins"]
    assert all(check.passed for check in checks.values()), checks


def test_loaded_again_it_scores_as_it_was_measured(scorer_adapter: Adapter, base: BaseModel):
    pairs = split_by_prompt(parts_rows()["dpo"])[1]
    score = reward_scorer(base, scorer_adapter)
    chosen, rejected = (score([pair["prompt"] + pair[side] for pair in pairs]) for side in ("chosen", "rejected"))
    right = sum(better > worse for better, worse in zip(chosen, rejected, strict=True))
    assert right / len(pairs) == pytest.approx(scorer_adapter.manifest.held_out["accuracy"], abs=0.02)


def test_an_adapter_that_writes_is_no_reward_model(sft_adapter: Adapter, base: BaseModel):
    with pytest.raises(ValueError, match="kind 'sft', a reward model is needed"):
        reward_scorer(base, sft_adapter)
    with pytest.raises(ValueError, match="trained on a base model with hash"):
        reward_scorer(replace(base, sha256="0" * 64), sft_adapter)


def test_too_few_held_out_pairs_train_nothing(base: BaseModel, recipe: Recipe, tmp_path: Path):
    pairs = [dpo_row(f"What is part {number}?", "a bolt", "a nut") for number in range(30)]
    data = publish(tmp_path / "reward_dataset" / DAY, "reward_dataset", pairs, pairs[:3])
    demanding = adjusted(recipe, {"reward": {"min_held_out": 20}})
    with pytest.raises(NotEnoughRows, match="has 3 usable rows, training needs 20"):
        train(TrainingJob("reward", data, DAY, base, demanding, tmp_path), print)


def test_equal_lengths_count_half_for_the_longer_answer():
    pairs = [
        {"prompt": chat("Price?"), "chosen": chat("", chosen)[1:], "rejected": chat("", rejected)[1:]}
        for chosen, rejected in (("longer", "short"), ("one", "two"), ("1", "22"))
    ]
    assert longer_wins(pairs) == 0.5


def test_near_duplicates_are_in_one_half_and_the_halves_are_alike_in_size():
    records = [
        {"prompt": chat(f"Price {n}?"), "metadata": {"cluster_key": f"c{n // 3}", "prompt_key": f"p{n}"}}
        for n in range(900)
    ]
    halves = [half_of(record) for record in records]
    assert all(len(set(halves[n : n + 3])) == 1 for n in range(0, 900, 3))
    assert 0.4 < halves.count("first") / len(halves) < 0.6


def length_pairs(longer: int, shorter: int) -> list[dict]:
    """Pairs of which so many have the longer and the shorter answer as the chosen one."""
    sides = [("a long answer", "short")] * longer + [("short", "a long answer")] * shorter
    return [
        {"prompt": chat(f"Price {i}?"), "chosen": chat("", chosen)[1:], "rejected": chat("", rejected)[1:]}
        for i, (chosen, rejected) in enumerate(sides)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_a_coin_does_not_beat_length(seed: int):
    pairs = length_pairs(longer=45, shorter=55)
    coin = random.Random(seed)
    assert not beats_longer_wins_check(gain_over_length([coin.random() < 0.5 for _ in pairs], pairs, pairs)).passed


def test_a_preference_for_short_answers_does_not_beat_length():
    pairs = length_pairs(longer=20, shorter=80)
    assert not beats_longer_wins_check(gain_over_length([False] * 20 + [True] * 80, pairs, pairs)).passed


def test_a_model_that_is_right_on_most_pairs_beats_length():
    pairs = length_pairs(longer=55, shorter=45)
    check = beats_longer_wins_check(gain_over_length([i % 10 > 0 for i in range(100)], pairs, pairs))
    assert check.passed and check.value > 0


@pytest.mark.parametrize("seed", range(5))
def test_where_the_shorter_answer_wins_a_coin_fails_although_it_beats_preferring_the_longer(seed: int):
    pairs, coin = length_pairs(longer=90, shorter=210), random.Random(seed)
    right = [float(coin.random() < 0.5) for _ in pairs]
    assert sum(right) / len(right) > longer_wins(pairs)
    gain = gain_over_length(right, pairs, length_pairs(longer=30, shorter=70))
    assert gain.mean == pytest.approx(-0.2, abs=0.1) and not beats_longer_wins_check(gain).passed


def test_the_length_rule_is_that_of_the_training_pairs_not_the_better_one_of_the_pairs_that_measure_it():
    pairs = length_pairs(longer=45, shorter=55)
    against_longer = gain_over_length([0.5] * 100, pairs, length_pairs(longer=60, shorter=40))
    assert against_longer.mean == pytest.approx(0.05)
    assert gain_over_length([0.5] * 100, pairs, pairs).mean == pytest.approx(-0.05)
