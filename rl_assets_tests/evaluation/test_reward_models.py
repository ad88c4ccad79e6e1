"""Which reward models may score answers: those that beat length on held-out pairs, in two that learned apart."""

import shutil

import pytest

from rl_assets.core.home import Home
from rl_assets.evaluation.run.reward_models import RewardModels, find_reward_models
from rl_assets.models.adapters import AdapterReference
from rl_assets_tests.support.evaluation_samples import DAY, primary
from rl_assets_tests.support.reward_samples import GOOD, both, planted_reward_model

BASE = "b" * 64
LATER = "2026-10-20"


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path)


def of_epoch(reward: RewardModels):
    """The choice of an epoch in which that reward model decides."""
    first = reward.first
    named = AdapterReference(inputs_hash=first.inputs_hash, sha256=first.sha256)
    return primary(metric="reward_score", strength="CANARY", reward_model=named)


def test_two_that_learned_apart_and_beat_length_may_decide(home: Home):
    both(home)
    found = find_reward_models(home, DAY, BASE, None)
    assert found.problem() is None
    assert found.basis() == (
        "the reward model of 2026-10-14 is right on 0.75 of 200 held-out pairs (at least 0.69), +0.20 against a "
        "preference for length"
    )


@pytest.mark.parametrize(
    ("held_out", "problem"),
    [
        (GOOD | {"accuracy_low": 0.54}, "is right on at least 0.54 of the held-out pairs; more than 0.55 is needed"),
        (GOOD | {"gain_low": -0.01}, "does not beat a preference for length on held-out pairs: +0.20, at least -0.01"),
        ({"accuracy": 0.9}, "has no interval of its accuracy on held-out pairs: train it again"),
        (None, "has no interval of its accuracy"),
    ],
)
def test_one_that_does_not_know_enough_may_not(home: Home, held_out, problem):
    both(home, held_out=held_out)
    assert f"the reward model of 2026-10-14 {problem}" in find_reward_models(home, DAY, BASE, None).basis()


def test_what_is_missing_is_said_with_what_to_set(home: Home):
    to_do = "set `half: first` in the recipe's `reward`, and materialize reward_model and second_reward_model"
    assert find_reward_models(home, DAY, BASE, None).basis() == f"there is no reward model: {to_do}"
    planted_reward_model(home, "all", half=None)
    planted_reward_model(home, "two", "second")
    lone = "no second reward model learned from the other half of its pairs"
    assert find_reward_models(home, DAY, BASE, None).basis() == f"{lone}: {to_do}"


def test_a_second_one_counts_only_if_it_learned_from_the_other_half_of_the_same_pairs(home: Home):
    planted_reward_model(home, "one")
    planted_reward_model(home, "other", "second", dataset=first_dataset() | {"sha256": "e" * 64})
    planted_reward_model(home, "same", "second", seed=0)
    assert find_reward_models(home, DAY, BASE, None).second is None
    right = planted_reward_model(home, "right", "second")
    assert find_reward_models(home, DAY, BASE, None).second.sha256 == right.sha256


def first_dataset() -> dict:
    return {"name": "reward_dataset", "day": DAY, "sha256": "d" * 64, "used": 80, "dropped": {}, "cut": 0}


def test_one_of_another_base_may_not(home: Home):
    both(home)
    assert "belongs to another base model" in find_reward_models(home, DAY, "c" * 64, None).basis()


def test_the_newest_of_the_day_or_before_is_found_and_none_of_a_later_day(home: Home):
    planted_reward_model(home, "one", day=DAY)
    planted_reward_model(home, "late", day=LATER)
    assert [find_reward_models(home, day, BASE, None).first.inputs_hash for day in (DAY, "2026-10-19", LATER)] == [
        "one",
        "one",
        "late",
    ]
    assert find_reward_models(home, "2026-10-13", BASE, None).first is None


def test_an_epoch_keeps_its_reward_model_until_that_is_gone(home: Home):
    epoch = of_epoch(both(home))
    planted_reward_model(home, "late", day=LATER)
    kept = find_reward_models(home, LATER, BASE, epoch)
    assert (kept.first.inputs_hash, kept.problem()) == ("one", None)
    by_rule = primary(metric="exact_match", reward_model=epoch.reward_model)
    assert find_reward_models(home, LATER, BASE, by_rule).first.inputs_hash == "late"
    shutil.rmtree(kept.first.folder)
    assert find_reward_models(home, LATER, BASE, epoch).first.inputs_hash == "late"
