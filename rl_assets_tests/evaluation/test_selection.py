"""Of several adapters that may win, one becomes champion; each needs its share of the evidence."""

import pytest

from rl_assets.evaluation.promotion.decide import decide
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.promotion.selection import select
from rl_assets.evaluation.schema.decision import Decision
from rl_assets_tests.support.evaluation_samples import EVEN, SHOWN, evidence, report


def decided(name: str, found=SHOWN, verdict: str = "PROMOTE", day: str = "2026-10-14") -> Decision:
    changes = {"candidate": name, "evidence": found, "verdict": verdict, "day": day}
    return decide(report(), None, PromotionRules(), SHOWN).model_copy(update=changes)


def verdicts(*decisions: Decision) -> list[str]:
    return [decision.verdict for decision in select(decisions)]


def test_a_single_candidate_is_decided_as_before():
    assert select([decided("a")]) == [decided("a")]


def test_of_two_that_are_better_the_one_with_more_evidence_is_promoted():
    found = select([decided("a"), decided("b", evidence(40, 5, 35))])
    assert [decision.verdict for decision in found] == ["HOLD", "PROMOTE"]
    assert found[0].reasons[-1] == "b is better still."


def test_equal_candidates_give_the_first():
    assert verdicts(decided("a"), decided("b")) == ["PROMOTE", "HOLD"]


def test_other_verdicts_stay_as_they_are():
    assert verdicts(decided("a", EVEN, "REJECT"), decided("b")) == ["REJECT", "PROMOTE"]
    assert verdicts(decided("a", EVEN, "HOLD"), decided("b", EVEN, "CANARY")) == ["HOLD", "CANARY"]


def test_nights_are_not_mixed():
    with pytest.raises(ValueError, match="different days"):
        select([decided("a"), decided("b", day="2026-10-15")])
