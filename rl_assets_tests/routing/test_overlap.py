"""What is refused, each with its reason: planted logs that cannot tell what a policy would have earned."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from rl_assets.routing.config import RouterFile
from rl_assets.routing.off_policy import PolicyValue, SegmentValues, evaluate_segment
from rl_assets_tests.support.bandit_worlds import WORLDS, sample
from rl_assets_tests.support.choice_logs import as_json, choices, logged, one_thread

ROWS = 1_200
SHARES = np.array([0.6, 0.3, 0.1])


def planted(shares: np.ndarray = SHARES, **changes: Any) -> pa.Table:
    """Answers drawn by these shares, alike in two categories, with what a planted fault changes."""
    rng = np.random.default_rng(5)
    arm = rng.choice(len(shares), ROWS, p=shares)
    columns = {"category": rng.integers(0, 2, ROWS), "arm": arm, "propensity": shares[arm]}
    columns["reward"] = (rng.random(ROWS) < 0.5).astype(float)
    return choices(**columns | {name: make(columns) for name, make in changes.items()})


def policies(rows: pa.Table) -> tuple[SegmentValues, dict[str, PolicyValue]]:
    values, _ = evaluate_segment(logged(rows), RouterFile())
    return values, {policy.policy: policy for policy in values.policies}


def only_reason(policy: PolicyValue) -> tuple[str, float]:
    (refusal,) = policy.refusals
    assert policy.verdict == "INSUFFICIENT_OVERLAP" and policy.value is None and policy.estimates is None
    return refusal.reason, round(refusal.value, 3)


def test_a_good_log_is_not_refused() -> None:
    values, found = policies(planted())
    assert not values.refusals and not any(policy.refusals for policy in found.values())


def test_a_log_without_propensities_names_the_remedy() -> None:
    values, found = policies(planted(propensity=lambda row: np.full(ROWS, np.nan)))
    assert [refusal.reason for refusal in values.refusals] == ["no_propensity"] and not found
    assert "Log `propensity`" in values.refusals[0].text


def test_more_than_a_twentieth_without_propensity_is_refused_and_less_is_not() -> None:
    for missing, refused in ((60, False), (61, True)):
        values, found = policies(planted(propensity=lambda row, n=missing: np.r_[[np.nan] * n, row["propensity"][n:]]))
        assert [refusal.reason for refusal in values.refusals] == ["missing_propensities"] * refused
        assert found["uniform"].overlap.answers == ROWS - missing


@pytest.mark.parametrize("value", [0.0, -0.1, 1.5])
def test_a_propensity_that_is_no_probability_is_refused(value: float) -> None:
    _, found = policies(planted(propensity=lambda row: np.r_[value, row["propensity"][1:]]))
    assert only_reason(found["uniform"]) == ("propensity_out_of_range", 1)


def test_propensities_of_1_leave_nothing_but_a_replay() -> None:
    rows = planted(arm=lambda row: row["category"], propensity=lambda row: np.ones(ROWS))
    values, found = policies(rows)
    assert [refusal.reason for refusal in values.refusals] == ["no_exploration"]
    assert found["always 0"].replay and found["always 0"].value is None and found["uniform"].replay is None
    assert found["always 0"].replay.sessions == found["always 0"].overlap.sessions - found["always 1"].replay.sessions


def test_an_arm_that_could_not_be_drawn_is_refused_by_the_logged_probabilities() -> None:
    shares = np.array([0.7, 0.3, 0.0])
    _, found = policies(planted(shares, arms=lambda row: [as_json(shares)] * ROWS))
    assert [policy for policy in found if policy.startswith("always")] == ["always 0", "always 1"]
    never = policies(planted(shares, arms=lambda row: [as_json(shares)] * (ROWS - 1) + [as_json(SHARES)]))[1]
    assert never["uniform"].refusals[0].reason == "no_support" and never["uniform"].overlap.unsupported > 0.33


def test_an_arm_without_an_answer_in_a_category_is_refused_where_only_propensities_are_logged() -> None:
    rows = planted(category=lambda row: np.where(row["arm"] == 2, 0, row["category"]))
    _, found = policies(rows)
    assert "no_support" in [refusal.reason for refusal in found["always 2"].refusals]
    assert found["always 0"].overlap.unsupported == 0


def test_few_effective_sessions_are_refused_with_their_number() -> None:
    shares = np.array([0.95, 0.05])
    _, found = policies(planted(shares))
    reason, value = only_reason(found["always 1"])
    assert reason == "small_sample" and value == round(found["always 1"].overlap.ess, 3) < 100


def test_propensities_of_another_policy_are_refused() -> None:
    others = np.array([0.3, 0.6, 0.1])
    values, found = policies(planted(propensity=lambda row: others[row["arm"]]))
    assert [refusal.reason for refusal in values.refusals] == ["arm_frequency"]
    assert "standard errors" in values.refusals[0].text
    assert "mean_weight" in [refusal.reason for refusal in found["always 0"].refusals]


def test_weights_that_do_not_average_1_are_refused() -> None:
    # Answers of one arm were rewarded half as often as those of the others.
    rows = planted(reward=lambda row: np.where((row["arm"] == 0) & (np.arange(ROWS) % 2 == 0), np.nan, row["reward"]))
    _, found = policies(rows)
    reason, value = only_reason(found["always 0"])
    assert reason == "mean_weight" and value < 0.8


@pytest.mark.slow  # Evaluates 50 logs.
def test_logs_that_overlap_are_rarely_refused() -> None:
    connection = one_thread()
    refused = [sample(WORLDS[0], seed, connection).value.refusals for seed in range(50)]
    assert sum(map(bool, refused)) <= 2, refused
