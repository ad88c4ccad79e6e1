import pytest

from rl_assets.evaluation.promotion.decide import PromotionRules, decide, select
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.metrics.statistics import Interval
from rl_assets_tests.support.evaluation_samples import report


def decided(name: str, mean: float, p: float, verdict: str = "PROMOTE", day: str = "2026-10-14") -> Decision:
    difference = Interval(mean, mean - 0.1, mean + 0.1, 0.05, 80, 80, p)
    changes = {"candidate": name, "difference": difference, "verdict": verdict, "day": day}
    return decide(report(), None, PromotionRules()).model_copy(update=changes)


def verdicts(*decisions: Decision) -> list[str]:
    return [decision.verdict for decision in select(decisions)]


def test_a_single_candidate_is_decided_as_before():
    alone = decided("a", 0.2, 0.04)
    assert select([alone]) == [alone]


def test_one_lucky_try_among_several_is_held():
    tries = [decided("a", 0.2, 0.03), decided("b", 0.0, 0.9, "HOLD"), decided("c", 0.1, 0.5, "HOLD")]
    assert verdicts(*tries) == ["HOLD", "HOLD", "HOLD"]
    assert select(tries)[0].reasons[-1] == (
        "Among the candidates of this day the difference is not significant: p = 0.090 (Holm)."
    )


def test_of_two_that_hold_up_the_better_is_promoted():
    found = select([decided("a", 0.2, 0.001), decided("b", 0.3, 0.002)])
    assert [decision.verdict for decision in found] == ["HOLD", "PROMOTE"]
    assert found[0].reasons[-1] == "b is better still."


def test_equal_candidates_give_the_first():
    assert verdicts(decided("a", 0.2, 0.001), decided("b", 0.2, 0.001)) == ["PROMOTE", "HOLD"]


def test_other_verdicts_stay_as_they_are():
    assert verdicts(decided("a", -0.2, 0.001, "REJECT"), decided("b", 0.3, 0.01)) == ["REJECT", "PROMOTE"]


def test_nights_are_not_mixed():
    with pytest.raises(ValueError, match="different days"):
        select([decided("a", 0.2, 0.01), decided("b", 0.2, 0.01, day="2026-10-15")])
