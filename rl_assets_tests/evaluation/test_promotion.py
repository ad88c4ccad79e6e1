from datetime import date
from typing import Any

import pytest

from rl_assets.evaluation.promotion.champion import Champion
from rl_assets.evaluation.promotion.decide import decide
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.evaluation.schema.evidence import Evidence
from rl_assets.evaluation.schema.report import Contamination, JudgeResult, LatencyRatio
from rl_assets.metrics.statistics import Interval
from rl_assets_tests.support.evaluation_samples import (
    DAY,
    EVEN,
    LOST,
    SHOWN,
    comparison,
    evidence,
    lineage,
    primary,
    report,
    span,
    verdicts,
)

RULES = PromotionRules()
BETTER = span(0.3, 0.2, 0.4)
FINE = span(0.0, -0.01, 0.01)


def champion(sha256: str = "champion") -> Champion:
    decided = decide(report(), None, RULES, SHOWN)
    return Champion(adapter="adapters/dpo/abc", hash=sha256, day=date(2026, 10, 1), decision=decided)


def decide_on(
    found: Evidence,
    f1: Interval = FINE,
    validity: Interval | None = FINE,
    rules: PromotionRules = RULES,
    **changes: Any,
) -> Decision:
    measured = {"exact_match": BETTER, "token_f1": f1} | ({"json_validity": validity} if validity else {})
    whole = report(comparisons={"candidate-base": comparison("base", **measured)}, **changes)
    return decide(whole, None, rules, found)


def test_better_beyond_doubt_is_promoted():
    decided = decide_on(SHOWN)
    assert decided.verdict == "PROMOTE"
    assert decided.against == "base"
    (reason,) = decided.reasons
    assert reason == (
        "Exact match against the base: +0.300 on 80 clusters, at least +0.087 whenever looked at; evidence 285 of 20: "
        "better, and no guardrail fails."
    )


def test_an_adapter_whose_reward_was_gamed_is_not_promoted():
    whole = report(comparisons={"candidate-base": comparison("base", exact_match=BETTER, token_f1=FINE)})
    gamed = whole.models["candidate"].model_copy(update={"failed_checks": ["reward_is_not_gamed (it fell)"]})
    decided = decide(whole.model_copy(update={"models": whole.models | {"candidate": gamed}}), None, RULES, SHOWN)
    assert decided.verdict == "INSUFFICIENT"
    assert "failed a check of its training: reward_is_not_gamed (it fell)." in decided.reasons[0]


def test_worse_beyond_doubt_is_rejected():
    assert decide_on(LOST).verdict == "REJECT"


def test_no_clear_difference_is_held_with_the_nights_it_would_take():
    decided = decide_on(EVEN)
    assert decided.verdict == "HOLD"
    assert decided.reasons[1] == "If the mean is true, it takes about 82 more nights like these."
    assert decide_on(evidence(5, 5, 70)).reasons[1] == "At this mean no number of nights would show a gain."


def test_nights_add_up_and_the_adapter_of_tonight_must_not_lose():
    assert decide_on(evidence(15, 2, 43)).verdict == "HOLD"
    assert decide_on(evidence(60, 8, 172, nights=4)).verdict == "PROMOTE"
    held = decide_on(evidence(60, 8, 172, nights=4).model_copy(update={"latest_mean": -0.1}))
    assert held.verdict == "HOLD"
    assert "itself answered 60 new clusters, -0.100 on average" in held.reasons[1]
    none = decide_on(evidence(60, 8, 172, nights=4).model_copy(update={"tonight": 0}))
    assert none.verdict == "HOLD" and "itself answered 0 new clusters" in none.reasons[1]


def test_where_no_night_has_ten_clusters_the_latest_nights_stand_for_the_adapter():
    few = evidence(60, 8, 172, nights=60)
    assert (few.tonight, few.latest, few.latest_nights) == (4, 12, 3)
    assert decide_on(few).verdict == "PROMOTE"
    held = decide_on(few.model_copy(update={"latest_mean": -0.25}))
    assert held.verdict == "HOLD"
    assert "4 new clusters, with those of the 3 latest nights 12, -0.250 on average, and 10" in held.reasons[1]


def test_two_lineages_that_may_win_need_twice_the_evidence():
    assert decide_on(weaker := evidence(17, 2, 41)).verdict == "PROMOTE"
    assert 20 < weaker.value < 40
    assert decide_on(weaker.model_copy(update={"threshold": 40.0})).verdict == "HOLD"


def test_lengths_that_cannot_be_balanced_are_insufficient():
    decided = decide_on(SHOWN.model_copy(update={"unbalanced": 0.7}))
    assert decided.verdict == "INSUFFICIENT"
    assert decided.reasons[0].startswith("70% of the judged pairs cannot be balanced for length")


@pytest.mark.parametrize(("f1", "validity"), [(span(-0.05, -0.08, -0.02), FINE), (FINE, span(-0.03, -0.05, -0.01))])
def test_a_failed_guardrail_rejects_what_would_be_promoted(f1: Interval, validity: Interval):
    decided = decide_on(SHOWN, f1, validity)
    assert decided.verdict == "REJECT"
    assert "fail" in decided.reasons[-1]


def test_a_loss_that_may_be_an_accident_holds_instead_of_promoting():
    decided = decide_on(SHOWN, span(-0.05, -0.12, 0.02))
    assert decided.verdict == "HOLD"
    assert "Token F1: -0.050, limit -0.020: inconclusive." in decided.reasons


def test_a_loss_within_the_tolerance_breaks_nothing():
    assert decide_on(SHOWN, span(-0.015, -0.019, -0.011)).verdict == "PROMOTE"


def test_without_json_references_validity_is_not_a_guardrail():
    decided = decide_on(SHOWN, validity=None)
    assert decided.verdict == "PROMOTE"
    statuses = {guardrail.name: guardrail.status for guardrail in decided.guardrails}
    assert (statuses["token_f1"], statuses["json_validity"]) == ("pass", "not measured")


@pytest.mark.parametrize(("ratio", "verdict"), [(span(1.3, 1.2, 1.4), "REJECT"), (span(1.15, 1.05, 1.25), "PROMOTE")])
def test_latency_breaks_only_when_its_whole_interval_is_over_the_limit(ratio: Interval, verdict: str):
    measured = LatencyRatio(ours="candidate", against="base", ratio=ratio, equal_work=True)
    assert decide_on(SHOWN, latency_ratio=measured).verdict == verdict


def test_49_clusters_are_insufficient_and_50_are_not():
    few = decide_on(evidence(49, 0, nights=7))
    assert (few.verdict, few.difference) == ("INSUFFICIENT", None)
    assert few.reasons == [
        "There are 49 held-out clusters; a decision takes 50. At 7 a night that takes 1 more nights, and a gain of "
        "+0.05 takes about 107 to show. Raise the traffic, or decide on several segments as one: a wider `segment` of "
        "the recipe, or none."
    ]
    assert decide_on(evidence(50, 0)).verdict == "PROMOTE"


def test_no_held_out_item_is_insufficient():
    decided = decide(report(comparisons={"candidate-base": comparison("base")}), None, RULES, Evidence())
    assert decided.reasons[0].startswith("There are 0 held-out clusters; a decision takes 50. Raise the traffic")


def test_leakage_is_insufficient_however_good_the_metrics():
    decided = decide_on(SHOWN, contamination=Contamination(prompts=["key-1", "key-2"]))
    assert decided.verdict == "INSUFFICIENT"
    assert "2 held-out prompts are in a training split, the first key-1." in decided.reasons


def test_a_champion_of_another_base_is_insufficient():
    other = report("champion", lineage=lineage("champion", champion_base_sha256="c" * 64), comparisons={})
    decided = decide(other, champion(), RULES, SHOWN)
    assert decided.verdict == "INSUFFICIENT"
    assert "another base model" in decided.reasons[0]


def test_a_report_on_another_champion_is_insufficient():
    decided = decide(report("champion"), champion("newer"), RULES, SHOWN)
    assert decided.verdict == "INSUFFICIENT"
    assert "evaluate again" in decided.reasons[0]


def test_the_champion_is_what_the_candidate_must_beat_once_there_is_one():
    found = report("champion", comparisons={"candidate-champion": comparison("champion", exact_match=BETTER)})
    decided = decide(found, champion(), RULES, EVEN)
    assert (decided.against, decided.verdict) == ("champion", "HOLD")


def test_the_champion_itself_is_held():
    decided = decide(report(), champion("candidate"), RULES, SHOWN)
    assert (decided.verdict, decided.reasons) == ("HOLD", ["The candidate is already the champion."])


def test_the_decision_survives_being_written_and_read():
    decided = decide_on(SHOWN)
    assert decided.day == DAY
    assert Decision.model_validate_json(decided.model_dump_json()) == decided


def test_an_unreliable_judge_carries_no_decision_unless_the_rules_allow_it():
    unreliable = report(judge=JudgeResult(pairwise=verdicts(problems=["It contradicts itself."])))
    decided = decide(unreliable, None, RULES, SHOWN)
    assert decided.verdict == "INSUFFICIENT"
    assert decided.reasons == ["The judge is not reliable. It contradicts itself."]
    assert decide(unreliable, None, PromotionRules(require_reliable_judge=False), SHOWN).verdict == "PROMOTE"


@pytest.mark.parametrize(
    ("rate", "verdict", "status"),
    [
        (span(0.69, 0.58, 0.79), "PROMOTE", "pass"),
        (span(0.46, 0.36, 0.56), "PROMOTE", "pass"),
        (span(0.40, 0.30, 0.50), "HOLD", "inconclusive"),
        (span(0.30, 0.20, 0.40), "REJECT", "fail"),
        (None, "PROMOTE", "not measured"),
    ],
)
def test_what_a_judge_finds_clearly_worse_is_not_promoted(rate, verdict, status):
    decided = decide(report(judge=JudgeResult(pairwise=verdicts(win_rate=rate))), None, RULES, SHOWN)
    assert decided.verdict == verdict
    (guardrail,) = [guardrail for guardrail in decided.guardrails if guardrail.name == "judge_win_rate"]
    assert guardrail.status == status and guardrail.sentence().startswith("Win rate by the judge")


def test_the_parent_can_be_decided_as_a_candidate_of_its_own():
    found = comparison("base", exact_match=BETTER).model_copy(update={"ours": "parent"})
    whole = report(comparisons=report().comparisons | {"parent-base": found})
    models = whole.models | {"parent": whole.candidate.model_copy(update={"sha256": "the parent"})}
    decided = decide(whole.model_copy(update={"models": models}), None, RULES, SHOWN, "parent")
    assert (decided.verdict, decided.candidate) == ("PROMOTE", "the parent")
    assert "latency" not in {guardrail.name for guardrail in decided.guardrails}, "nobody timed the parent"


def test_a_verdict_on_an_adapter_of_an_earlier_day_says_so():
    against = comparison("base", exact_match=BETTER).model_copy(update={"ours": "entrant"})
    whole = report(comparisons=report().comparisons | {"entrant-base": against})
    entrant = whole.candidate.model_copy(update={"role": "entrant", "label": "dpo aaaa1111", "sha256": "earlier"})
    found = decide(whole.model_copy(update={"models": whole.models | {"entrant": entrant}}), None, RULES, SHOWN)
    assert (found.verdict, found.role, found.candidate) == ("PROMOTE", "entrant", "earlier")
    assert found.reasons[-1].startswith("This is about dpo aaaa1111, the adapter of an earlier day")
    assert "today" not in " ".join(decide(report(), None, RULES, SHOWN).reasons)


def test_without_a_metric_the_decision_says_what_to_provide():
    without = primary(metric=None, strength=None, why="no metric qualifies")
    found = decide(report(primary=without), None, RULES, Evidence())
    assert (found.verdict, found.primary) == ("INSUFFICIENT", None)
    assert "No metric can decide on these answers." in found.reasons[0]


def ranked(**guarded):
    """A report in which the likelihood of logged answers decides."""
    weak = primary(metric="likelihood_accuracy", strength="CANARY")
    compared = comparison("base", likelihood_accuracy=span(0.3, 0.2, 0.4)).model_copy(update={"guarded": guarded})
    return report(primary=weak, comparisons={"candidate-base": compared})


def test_a_weak_metric_asks_for_a_share_of_the_traffic_and_leaves_the_champion():
    found = decide(ranked(kl=span(3.0, 2.5, 3.5)), None, RULES, SHOWN)
    assert found.verdict == "CANARY"
    assert found.reasons[0].startswith("Likelihood accuracy against the base: +0.300 on 80 clusters")
    assert "log `adapter` and `propensity`" in found.reasons[1]


@pytest.mark.parametrize(
    ("kl", "verdict", "sentence"),
    [
        (span(14.0, 12.0, 16.0), "REJECT", "own answers: 14.00 nats per answer, limit 10.00: fail"),
        (span(11.0, 9.0, 13.0), "HOLD", "own answers: 11.00 nats per answer, limit 10.00: inconclusive"),
    ],
)
def test_a_weak_metric_is_not_believed_far_from_the_base(kl, verdict, sentence):
    found = decide(ranked(kl=kl), None, RULES, SHOWN)
    assert found.verdict == verdict
    assert sentence in " ".join(found.reasons)


def test_a_distance_that_was_not_measured_holds_the_adapter():
    found = decide(ranked(), None, RULES, SHOWN)
    assert found.verdict == "HOLD"
    assert "own answers: not measured, since no answer could be scored" in found.reasons[-1]


def test_a_judge_that_decides_is_no_guardrail_of_itself():
    judged = primary(metric="judged_win_rate", strength="PROMOTE")
    net = comparison("base", judged_win_rate=span(-0.2, -0.3, -0.1))
    losing = JudgeResult(pairwise=verdicts(win_rate=span(0.4, 0.35, 0.45)))
    found = decide(report(primary=judged, judge=losing, comparisons={"candidate-base": net}), None, RULES, LOST)
    assert found.verdict == "REJECT"
    assert "judge_win_rate" not in [guardrail.name for guardrail in found.guardrails]
