"""Evidence from served conversations: fair for whatever baseline, and strong enough for real traffic."""

from datetime import date, timedelta

import numpy as np
import pytest

from rl_assets.evaluation.online.conversations import Conversation
from rl_assets.evaluation.online.served import (
    NOT_SERVED,
    baselines_of,
    served_before,
    served_between,
    served_differences,
    served_result,
    share_difference,
    weighted_differences,
)
from rl_assets.evaluation.promotion.evidence import STAKES, log_evidence

DAY = date(2026, 10, 14)
CHAMPION, CANARY, FORMER = "c" * 64, "a" * 64, "f" * 64
OURS, THEIRS, BEFORE = (f"product--dpo-{sha256[:12]}" for sha256 in (CANARY, CHAMPION, FORMER))
LN_20 = np.log(20)


def conversation(number, model=OURS, reward=1.0, day=DAY, share=0.3, **changes):
    arms = {f"assistant@{OURS}": share, f"assistant@{THEIRS}": 1 - share}
    content = {"category": "colour", "arm": f"assistant@{model}", "arms": arms, "reward": reward}
    return Conversation(name=f"{number:05d}", day=day, **(content | changes))


def traffic(count, seed=0, gain=0.1, share=0.3, day=DAY):
    """So many conversations of both arms, rated at random."""
    random = np.random.default_rng(seed)
    ours = random.random(count) < share
    rewards = random.random(count) < 0.6 + gain * ours
    return [
        conversation(n, OURS if own else THEIRS, float(good), day, share)
        for n, (own, good) in enumerate(zip(ours, rewards, strict=True))
    ]


def simulated(nights, seeds, gain, share, rated=200, start=0):
    """ln E by seed and night: `rated` conversations a night, and the mean of the nights before as baseline."""
    evidence = []
    for seed in range(start, start + seeds):
        random = np.random.default_rng(seed)
        ours = random.random((nights, rated)) < share
        rewards = (random.random((nights, rated)) < 0.6 + gain * ours).astype(float)
        before = np.cumsum(rewards.sum(axis=1)) / (rated * np.arange(1, nights + 1))
        baselines = np.concatenate([[0.5], before[:-1]])[:, None]
        bets = weighted_differences(rewards, baselines, ours, (share, 1 - share))
        gains = np.log1p(bets[..., None] * STAKES).sum(axis=1).cumsum(axis=0)
        evidence.append(log_evidence(gains))
    return np.array(evidence)


@pytest.mark.slow
def test_a_true_gain_is_shown_within_sixty_nights_in_nearly_all_years():
    shown = simulated(60, 200, 0.05, 0.3) >= LN_20
    assert shown.any(axis=1).mean() >= 0.95
    first = np.argmax(shown, axis=1)
    assert 10 <= np.median(first) <= 25


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.1, 0.3])
def test_equal_arms_are_hardly_ever_told_apart_however_often_one_looks(share):
    ever = (simulated(120, 300, 0.0, share, start=1000) >= LN_20).any(axis=1)
    assert ever.mean() <= 0.05


def test_the_mean_is_the_gain_times_the_smaller_share_whatever_the_baseline():
    random = np.random.default_rng(1)
    ours = random.random(400_000) < 0.3
    rewards = (random.random(400_000) < 0.6 + 0.05 * ours).astype(float)
    for baseline in (0.0, 0.6, 1.0):
        mean = weighted_differences(rewards, baseline, ours, (0.3, 0.7)).mean()
        assert mean == pytest.approx(0.05 * 0.3, abs=0.002)


def test_every_difference_lies_between_minus_one_and_one():
    random = np.random.default_rng(2)
    shares = random.uniform(0.05, 0.95, 1000)
    for reward, baseline in ((1.0, 0.0), (0.0, 1.0)):
        found = weighted_differences(reward, baseline, random.random(1000) < 0.5, (shares, 1 - shares))
        assert np.abs(found).max() <= 1


def test_a_baseline_knows_earlier_days_alone():
    days = [DAY, DAY, DAY + timedelta(1), DAY + timedelta(1), DAY + timedelta(2)]
    rewards, categories = [1.0, 0.0, 1.0, None, 1.0], ["a", "b", "a", "c", "c"]
    rows = [
        conversation(n, reward=reward, day=day, category=category)
        for n, (day, reward, category) in enumerate(zip(days, rewards, categories, strict=True))
    ]
    assert baselines_of(rows) == [0.5, 0.5, 1.0, 0.5, pytest.approx(2 / 3)]
    assert baselines_of(rows[::-1]) == baselines_of(rows)[::-1]


def test_the_canary_is_the_newest_adapter_of_the_lineage_that_was_never_champion():
    rows = [conversation(n) for n in range(3)] + [conversation(n, THEIRS) for n in range(3, 6)]
    rows += [conversation(9, BEFORE, day=DAY + timedelta(1)), conversation(10, "product--grpo-" + "b" * 12)]
    found = served_between(rows, (None, "dpo"), [CHAMPION, FORMER], DAY + timedelta(1))
    assert (found.ours, found.theirs, found.counts()) == (OURS, THEIRS, (3, 3))
    assert served_between(rows, ("docs", "dpo"), [CHAMPION], DAY).ours is None
    assert served_between(rows, (None, "dpo"), [CHAMPION, FORMER], DAY + timedelta(4)).ours is None, (
        "nobody is given it"
    )


def test_without_a_champion_the_base_is_what_it_would_replace():
    arms = {f"assistant@{OURS}": 0.1, "assistant@base": 0.9}
    rows = [conversation(0, arms=arms), conversation(1, "base", arms=arms)]
    assert served_between(rows, (None, "dpo"), [], DAY).counts() == (1, 1)


def test_conversations_that_one_of_the_two_could_hardly_have_been_given_do_not_count():
    rows = [conversation(0, share=0.04), conversation(1, THEIRS, share=0.04), conversation(2), conversation(3, THEIRS)]
    assert served_between(rows, (None, "dpo"), [CHAMPION], DAY).counts() == (1, 1)


def test_five_hundred_rated_conversations_of_each_decide_and_the_basis_counts_them():
    rows = traffic(2000)
    served = served_between(rows, (None, "dpo"), [CHAMPION], DAY)
    assert served.decides and not served_between(rows[:1000], (None, "dpo"), [CHAMPION], DAY).decides
    ours, theirs = served.counts()
    assert served.basis().startswith(f"{ours:,} rated conversations of {OURS} and {theirs:,} of {THEIRS}")
    assert "no adapter was served" in NOT_SERVED.basis()


def test_what_the_epoch_has_counted_is_not_counted_again():
    served = served_between(traffic(50), (None, "dpo"), [CHAMPION], DAY)
    found = served_differences(served)
    assert len(found) == 50 and {row.source for row in found} == {"served"}
    rest = served_differences(served, {row.cluster for row in found[:20]})
    assert [row.cluster for row in rest] == [row.cluster for row in found[20:]]


def test_the_result_states_the_gain_itself_and_how_the_arms_differ():
    rows = traffic(4000, gain=0.1)
    found = served_result(served_between(rows, (None, "dpo"), [CHAMPION], DAY))
    assert found.gain.mean == pytest.approx(found.ours.reward - found.theirs.reward, abs=0.01)
    assert found.gain.low < 0.1 < found.gain.high
    assert (found.errors.mean, found.rated.mean) == (0.0, 0.0)
    assert served_result(NOT_SERVED) is None


def test_two_shares_that_differ_by_far_have_a_small_p_value():
    found = share_difference([True] * 60 + [False] * 40, [True] * 30 + [False] * 70)
    assert found.mean == pytest.approx(0.3) and found.p < 0.001
    assert share_difference([True] * 5 + [False] * 5, [True] * 6 + [False] * 4).p > 0.5
    assert share_difference([False] * 5, [False] * 5).p == 1.0


def test_the_previous_champion_is_compared_in_conversations_after_the_promotion_alone():
    arms = {f"assistant@{BEFORE}": 0.2, f"assistant@{THEIRS}": 0.8}
    rows = [
        conversation(n, model, day=DAY + timedelta(n % 2), arms=arms)
        for n, model in enumerate((BEFORE, BEFORE, THEIRS, THEIRS, OURS, OURS))
    ]
    found = served_before(rows, FORMER, CHAMPION, DAY)
    assert (found.ours, found.theirs, found.counts()) == (BEFORE, THEIRS, (1, 1))
    assert served_before(rows, CANARY, "9" * 64, DAY).ours is None
