"""The gate does not promote luck, finds what is there, and knows how little few items say."""

import json

import numpy as np
import pytest

from rl_assets.metrics.text import token_f1
from rl_assets_tests.benchmarks.gate import answers, half_width, promoted, share_promoted

pytestmark = pytest.mark.slow  # Hundreds of simulated nights, each with its bootstrap.


@pytest.mark.parametrize("clusters", [50, 200])
def test_a_model_against_its_equal_is_promoted_in_at_most_5_of_100_nights(clusters):
    assert share_promoted(100, clusters, 4, 0.0) <= 0.05


def test_real_answers_of_one_agent_against_each_other_are_promoted_in_at_most_5_of_100_nights(published_data):
    path = published_data / "pref-finegrained-qa" / "feedback.jsonl"
    rows = [json.loads(line) for line in path.open(encoding="utf-8")]
    scores = np.array([[token_f1(row[f"prediction {n}"], [row["gold"]]) for n in range(1, 5)] for row in rows])
    names = [row["question"] for row in rows]
    found = 0
    for seed in range(100):
        shuffled = np.random.default_rng(seed).permuted(scores, axis=1)
        found += promoted(shuffled[:, 0], shuffled[:, 1], names)
    assert found <= 5


def test_a_gain_of_ten_points_is_found_with_800_clusters_and_rarely_with_50():
    assert share_promoted(20, 800, 1, 0.1) >= 0.9
    assert share_promoted(20, 50, 1, 0.1) <= 0.5


def test_a_loss_is_never_promoted():
    assert share_promoted(20, 200, 4, -0.1) == 0


def test_answers_taken_as_independent_would_be_promoted_by_luck_more_often():
    naive, clustered = (share_promoted(100, 50, 16, 0.0, naive) for naive in (True, False))
    assert naive > 0.05 >= clustered
    assert half_width(50, 16, naive=True) < 0.8 * half_width(50, 16, naive=False)


def test_the_simulated_models_are_alike_without_an_effect():
    ours, theirs, names = answers(0, 4000, 2, 0.0)
    assert abs(ours.mean() - theirs.mean()) < 0.03
    assert len(set(names)) == 4000
