"""Two published logs of policies that ran side by side: each says what the other's estimates should have been."""

from pathlib import Path

import numpy as np
import pytest

from rl_assets.routing.estimators import Estimates, estimate, reward_model
from rl_assets.routing.logged import SegmentLog
from rl_assets.routing.off_policy import PolicyValue, evaluate, weigh
from rl_assets.routing.overlap import log_refusals
from rl_assets.routing.policies import Policy
from rl_assets_tests.support.choice_logs import frequencies, logged, open_bandit

Logs = dict[str, SegmentLog]


@pytest.fixture(scope="module")
def logs(published_data: Path) -> Logs:
    return {name: logged(open_bandit(published_data / "logs-open-bandit", name)) for name in ("random", "bts")}


def value_of(log: SegmentLog, shares: np.ndarray) -> tuple[PolicyValue, Estimates]:
    """A policy of these shares (positions x items) on the log."""
    policy = Policy("other", shares[None])
    sessions, part = weigh(log, policy, reward_model(log.answers, len(log.categories), len(log.arms)))
    return evaluate(part, policy, sessions, list(log_refusals(log))), estimate(sessions)


def rounded(*values: float | None) -> list[float | None]:
    return [None if value is None else round(value, 6) for value in values]


def test_the_random_log_holds_what_thompson_sampling_earned_in_its_interval_only(logs: Logs) -> None:
    value, estimates = value_of(logs["random"], frequencies(logs["bts"]))
    assert value.verdict == "OK" and value.value and value.value.low and value.value.high
    assert rounded(value.overlap.mean_weight, value.overlap.ess) == [1.000594, 1368.310176]
    assert rounded(estimates.ips, estimates.snips) == [0.004646, 0.004643]
    assert rounded(value.value.low, value.value.high) == [0.001331, 0.010133]
    assert value.value.low < logs["bts"].answers.reward.mean() == 0.009 < value.value.high


def test_the_log_of_thompson_sampling_says_little_of_uniform_choices(logs: Logs) -> None:
    items = len(logs["bts"].arms)
    value, estimates = value_of(logs["bts"], np.full((3, items), 1 / items))
    assert rounded(value.overlap.mean_weight, value.overlap.ess) == [0.956475, 278.359893]
    assert round(value.overlap.largest_seen, 1) == 77.4
    assert rounded(estimates.ips, estimates.snips) == [0.004911, 0.005135]
    assert value.value and value.value.low and value.value.high
    assert value.value.low < logs["random"].answers.reward.mean() == 0.00425 < value.value.high
    # The model repeats the log's own mean.
    assert estimates.dm > 0.007


def test_no_click_in_111_effective_sessions_is_no_proof_of_none(logs: Logs) -> None:
    most_shown = np.eye(len(logs["bts"].arms))[frequencies(logs["bts"]).argmax(axis=1)]
    value, estimates = value_of(logs["random"], most_shown)
    assert value.verdict == "OK" and value.value
    assert rounded(value.overlap.ess, value.overlap.largest_weight) == [111.0, 34.0]
    assert rounded(estimates.snips, value.value.low, value.value.high) == [0.0, 0.0, 0.025515]
