"""Over years of nightly looks the gate does not promote luck, and finds what is there."""

import json

import numpy as np
import pytest

from rl_assets.evaluation.promotion.evidence import night_of
from rl_assets.metrics.text import token_f1
from rl_assets_tests.benchmarks.promotions import (
    first_promotion,
    judged,
    nights_of,
    one_look,
    paired,
    streams,
    three_lineages,
    verdict,
    years,
)

pytestmark = pytest.mark.slow  # Hundreds of simulated nights in each of many years.


def test_equal_models_are_promoted_in_few_years_however_often_they_are_looked_at():
    """Expected are 2.6 % of years; the interval of one look promotes in most years."""
    assert years(40, 40, 0.0).share() <= 0.1
    assert one_look(60, 0.8) >= 0.6


def test_a_decision_on_every_night_is_the_same_as_one_where_the_evidence_is_within_reach():
    promoted = 0
    for rng in streams(12):
        gains = np.repeat([0.0, 0.05, -0.05], 20)
        nights = nights_of(paired(rng, 60, 40, gains))
        verdicts = [verdict(nights[: last + 1]) for last in range(len(nights))]
        first = verdicts.index("PROMOTE") + 1 if "PROMOTE" in verdicts else len(nights) + 1
        assert first_promotion(nights) == first
        promoted += first <= len(nights)
    assert promoted > 0


def test_sums_of_many_nights_at_once_are_those_of_each():
    values = np.random.default_rng(0).uniform(-1, 1, (3, 7))
    for night, row in zip(nights_of(values), values, strict=True):
        alone = night_of(row)
        assert (night.clusters, night.total, night.squares) == pytest.approx((7, alone.total, alone.squares))
        assert night.gains == pytest.approx(alone.gains) and night.losses == pytest.approx(alone.losses)


def test_models_that_are_all_a_little_worse_are_not_promoted():
    assert years(40, 40, -0.02).share() == 0
    assert one_look(40, 0.8, -0.02) >= 0.2


def test_a_gain_of_five_points_is_found_within_a_season():
    found = years(60, 40, 0.05)
    assert found.share(90) >= 0.9 and found.median <= 30
    assert years(40, 133, 0.05).share(30) >= 0.9
    # No night has ten new clusters there: the latest nights stand for the adapter.
    assert years(20, 7, 0.05).share() >= 0.8


def test_three_lineages_at_once_share_the_chance_of_an_error():
    assert three_lineages(20, 40) <= 0.1


def test_a_judge_with_a_taste_for_length_promotes_the_better_and_not_the_longer():
    balanced, raw = judged(8, 0.5, 0.5, nights=120)
    assert raw.share() >= 0.9 and balanced.share() <= 0.25
    better, _ = judged(8, 0.5, 0.55, nights=120)
    assert better.share() >= 0.75


def test_real_answers_of_one_agent_against_each_other_are_promoted_in_at_most_5_of_100_nights(published_data):
    path = published_data / "pref-finegrained-qa" / "feedback.jsonl"
    rows = [json.loads(line) for line in path.open(encoding="utf-8")]
    scores = np.array([[token_f1(row[f"prediction {n}"], [row["gold"]]) for n in range(1, 5)] for row in rows])
    found = 0
    for seed in range(100):
        shuffled = np.random.default_rng(seed).permuted(scores, axis=1)
        found += first_promotion([night_of(shuffled[:, 0] - shuffled[:, 1])]) == 1
    assert found <= 5
