"""Values of policies whose truth is known, and what they may not depend on."""

import numpy as np
import pyarrow as pa
import pytest

from rl_assets.routing.config import RouterFile
from rl_assets.routing.estimators import FOLDS, STRENGTH, Answers, Sessions, reward_model, switch_dr
from rl_assets.routing.off_policy import OffPolicyReport, PolicyValue, off_policy_report
from rl_assets.routing.policies import GREEDY, LEARNED, Policy, evaluated_policies
from rl_assets_tests.support.bandit_worlds import WORLDS, World, sample
from rl_assets_tests.support.choice_logs import FIRST, choices, connect, logged, one_thread

ROWS, DAYS = 1_500, 3
MEANS = np.array([0.3, 0.5, 0.8])
SHARES = np.array([0.5, 0.3, 0.2])


def some_days(repeat: int = 1) -> pa.Table:
    """Answers of three arms on three days, each given `repeat` times in its conversation."""
    rng = np.random.default_rng(7)
    arm = rng.choice(3, ROWS, p=SHARES)
    reward = (rng.random(ROWS) < MEANS[arm]).astype(float)
    columns = [rng.integers(0, 2, ROWS), arm, SHARES[arm], reward]
    day, session = np.arange(ROWS) * DAYS // ROWS, np.arange(ROWS)
    return choices(
        *(np.repeat(column, repeat) for column in columns),
        session=np.repeat(session, repeat),
        day=np.repeat(day, repeat),
    )


def report(rows: pa.Table) -> OffPolicyReport:
    return off_policy_report(connect(rows), FIRST, RouterFile())


def values(found: OffPolicyReport) -> dict[str, PolicyValue]:
    return {policy.policy: policy for policy in found.segments[0].policies}


@pytest.fixture(scope="module")
def of_some_days() -> OffPolicyReport:
    return report(some_days())


def test_intervals_hold_what_each_policy_earns(of_some_days: OffPolicyReport) -> None:
    truth = {"uniform": MEANS.mean(), "always 0": 0.3, "always 1": 0.5, "always 2": 0.8}
    for policy, mean in truth.items():
        value = values(of_some_days)[policy].value
        assert value and value.low and value.high and value.low < mean < value.high
    assert values(of_some_days)["always 2"].earns == "more" and values(of_some_days)["always 0"].earns == "less"


def test_rows_in_another_order_give_the_same_bytes(of_some_days: OffPolicyReport) -> None:
    rows = some_days()
    shuffled = rows.take(np.random.default_rng(1).permutation(len(rows)))
    assert report(shuffled).model_dump_json() == of_some_days.model_dump_json()


def test_several_answers_of_a_conversation_are_no_further_evidence(of_some_days: OffPolicyReport) -> None:
    twice = values(report(some_days(repeat=2)))
    for name in ("uniform", "always 2"):
        once = values(of_some_days)[name]
        assert (once.value, once.overlap.ess) == (twice[name].value, twice[name].overlap.ess)
        assert twice[name].overlap.answers == 2 * once.overlap.answers


def test_policies_that_learn_know_the_days_before_and_no_other(of_some_days: OffPolicyReport) -> None:
    # On the first day arm 0 earns, on the second arm 1 does, on the third nothing is earned.
    rng = np.random.default_rng(2)
    arm, day = rng.integers(0, 2, 600), np.arange(600) // 200
    log = logged(choices(np.zeros(600, int), arm, np.full(600, 0.5), (arm == day).astype(float), day=day))
    policies = {policy.name: policy for policy in evaluated_policies(log, RouterFile(discount=0.5))}
    assert policies[GREEDY].first_day == policies[LEARNED].first_day == 1
    assert policies[GREEDY].shares[1:, 0].tolist() == [[1, 0], [0, 1]]
    assert policies[LEARNED].shares[1, 0] == pytest.approx([0.975, 0.025])
    assert of_some_days.segments[0].policies[-1].since == of_some_days.segments[0].until.replace(day=2)


def test_the_reward_model_never_saw_the_fold_that_it_predicts() -> None:
    fold, arm = np.arange(10) % FOLDS, np.arange(10) // 5
    reward = (fold == 0).astype(float)
    model = reward_model(Answers(np.arange(10), fold, np.zeros(10, int), arm, reward), 1, 2)
    assert model[0].tolist() == [[0, 0]]
    assert model[1, 0, 0] == pytest.approx((1 + STRENGTH * 0.25) / (4 + STRENGTH))


def test_switch_trusts_the_model_where_few_choices_would_outweigh_all_others() -> None:
    count, weights = 400, np.full(400, 0.9)
    weights[0] = 300.0
    answers = Answers(np.arange(count), *(np.zeros(count, int) for _ in range(3)), np.ones(count))
    modelled, possible, masses = (np.full(count, value) for value in (0.6, 0.2)), [300.0, 0.9], [0.1, 0.9]
    sessions = Sessions.of(answers, weights, *modelled, np.array(possible), np.array(masses))
    estimate, tau = switch_dr(sessions)
    assert tau == 0.9 and estimate == pytest.approx(0.6 + 0.9 * 0.8 * 399 / 400)


def test_a_policy_that_is_the_logged_one_is_weighed_by_nothing() -> None:
    rng = np.random.default_rng(3)
    arm = rng.integers(0, 2, 300)
    found = values(report(choices(np.zeros(300, int), arm, np.full(300, 0.5), (rng.random(300) < 0.4).astype(float))))
    uniform = found["uniform"]
    assert uniform.overlap.ess == 300 and uniform.value and uniform.value.low is not None
    assert uniform.difference and uniform.difference.mean == 0 and uniform.earns == "undecided"


def test_few_rewards_do_not_tell_policies_apart() -> None:
    rng = np.random.default_rng(4)
    arm, reward = rng.integers(0, 2, 900), np.zeros(900)
    reward[np.flatnonzero(arm == 1)[:49]] = 1
    found = values(report(choices(np.zeros(900, int), arm, np.full(900, 0.5), reward)))
    assert found["always 1"].value and found["always 1"].rewards == 49 and found["always 1"].difference is None


def test_disabled_and_undeclared_arms_are_no_policies() -> None:
    log = logged(some_days())
    names = [policy.name for policy in evaluated_policies(log, RouterFile(arms=["0", "1"], disabled=["2"]))]
    assert names == ["uniform", "always 0", "always 1", GREEDY, LEARNED]
    uniform = next(evaluated_policies(log, RouterFile(disabled=["2"])))
    assert isinstance(uniform, Policy) and uniform.shares[0, 0].tolist() == [0.5, 0.5, 0]


@pytest.mark.slow  # Evaluates 60 logs of each world.
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_intervals_cover_the_truth(world: World) -> None:
    connection, held = one_thread(), []
    for seed in range(60):
        drawn = sample(world, seed, connection)
        if drawn.value.value:
            held.append((drawn.value.value.low or 0) <= drawn.truth <= (drawn.value.value.high or 1))
    assert len(held) >= 20 and np.mean(held) >= 0.94
