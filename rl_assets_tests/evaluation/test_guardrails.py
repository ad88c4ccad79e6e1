"""Guardrails: what each reads of two models' answers, when it fails, and when it only holds."""

from dataclasses import replace
from typing import Any

import pytest

from rl_assets.evaluation.promotion.guardrails import GUARDRAILS, check_guardrails
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.run.guarded import Answered, guarded_values
from rl_assets.evaluation.run.inputs import Item
from rl_assets.evaluation.run.repeats import repeated_answers
from rl_assets.evaluation.schema.report import EvalReport, JudgeResult, RewardComparison, RewardResult
from rl_assets.evaluation.schema.served import ServedArm, ServedResult
from rl_assets.llm.prices import Price
from rl_assets.metrics.statistics import Interval
from rl_assets.models.adapters import AdapterReference
from rl_assets.models.generation import Answer
from rl_assets_tests.support.evaluation_samples import comparison, primary, report, span, verdicts

RULES = PromotionRules()
COUNT = 60


def answer(text: str, **changes: Any) -> Answer:
    return Answer(**({"text": text, "tokens": len(text.split()), "finished": True, "prompt_tokens": 10} | changes))


def items(*references: str) -> list[Item]:
    return [
        Item(({"role": "user", "content": f"Question {n}?"},), (text,), f"c{n}", None, None)
        for n, text in enumerate(references)
    ]


def told(number: int, words: int = 12) -> str:
    """A text of its own."""
    return " ".join(f"word{number}x{place}" for place in range(words))


def guarded(ours: list[Answer], theirs: list[Answer], references: list[str] | None = None, **changes: Any):
    asked = items(*(references or [told(n) for n in range(len(ours))]))
    return guarded_values(Answered(asked, ours, theirs), changes.get("price"))


def statuses(whole: EvalReport, theirs: str = "champion") -> dict[str, str]:
    deciding = whole.comparison(theirs)
    return {found.name: found.status for found in check_guardrails(whole, deciding, RULES)}


def status(name: str, observed: Interval, metric: str = "exact_match") -> str:
    compared = comparison("champion").model_copy(update={"guarded": {name: observed}})
    whole = report("champion", comparisons={"candidate-champion": compared}, primary=primary(metric=metric))
    return statuses(whole)[name]


@pytest.mark.parametrize(
    ("observed", "expected"),
    [(span(1.8, 1.5, 2.1), "pass"), (span(2.2, 1.9, 2.5), "inconclusive"), (span(2.6, 2.2, 3.0), "fail")],
)
def test_twice_the_champions_distance_from_the_base_is_the_limit(observed, expected):
    assert status("kl_ratio", observed, "reward_score") == expected
    assert "kl_ratio" not in statuses(report(primary=primary(metric="likelihood_accuracy")), "base")
    assert "kl" not in statuses(report("champion"))


def second(first: Interval, found: Interval | None) -> dict[str, str]:
    """Statuses where a reward model decides, and a second one says this."""
    scored = RewardResult(
        reward_model=AdapterReference(inputs_hash="one", sha256="a" * 64),
        second_is_missing=None if found else "no second reward model learned from the other half of its pairs",
        by_role={"candidate": RewardComparison(first=first, second=found)},
    )
    return statuses(report("champion", primary=primary(metric="reward_score", strength="CANARY"), reward=scored))


@pytest.mark.parametrize(
    ("first", "found", "expected"),
    [
        (span(0.3, 0.2, 0.4), span(0.1, -0.1, 0.3), "pass"),
        (span(0.3, 0.2, 0.4), span(-0.1, -0.3, 0.1), "inconclusive"),
        (span(0.3, 0.2, 0.4), span(-0.2, -0.3, -0.1), "fail"),
        (span(-0.3, -0.4, -0.2), span(-0.2, -0.3, -0.1), "pass"),
        (span(-0.3, -0.4, -0.2), span(0.2, 0.1, 0.3), "fail"),
        (span(0.3, 0.2, 0.4), None, "not measured"),
    ],
)
def test_a_second_reward_model_must_agree_in_sign(first, found, expected):
    assert second(first, found)["second_reward_model"] == expected


def served(failed: float, rated: Interval) -> dict[str, str]:
    """Statuses where users decide, and so much more of our conversations failed."""
    arms = (ServedArm(name=name, conversations=900, rated=600, failed=9, reward=0.6) for name in ("ours", "theirs"))
    errors = span(failed, failed - 0.005, failed + 0.005, 900)
    result = ServedResult(
        **dict(zip(("ours", "theirs"), arms, strict=True)), gain=span(0.1, 0.05, 0.15), errors=errors, rated=rated
    )
    return statuses(report("champion", primary=primary(metric="served_reward"), served=result))


def test_a_served_adapter_may_not_fail_more_often_nor_be_rated_by_other_users():
    alike, other = span(0.01, -0.01, 0.03), replace(span(0.05, 0.02, 0.08), p=0.002)
    assert served(0.0, alike) | {"served_errors": "pass", "served_rated": "pass"} == served(0.0, alike)
    assert served(0.03, alike)["served_errors"] == "fail"
    assert served(0.0, other)["served_rated"] == "inconclusive"
    assert "token_f1" not in served(0.0, alike) and "served_errors" not in statuses(report("champion"))


FINE = [answer(told(n)) for n in range(COUNT)]


@pytest.mark.parametrize(
    ("name", "worse"),
    [
        ("unfinished_answers", [answer(told(n), finished=n % 4 > 0) for n in range(COUNT)]),
        (
            "refusals",
            [answer("I'm sorry, but I can't help with that." if n % 4 == 0 else told(n)) for n in range(COUNT)],
        ),
        ("repeated_answers", [answer("Thank you for asking!" if n % 4 == 0 else told(n)) for n in range(COUNT)]),
        ("token_f1", [answer("no" if n % 4 == 0 else told(n)) for n in range(COUNT)]),
        ("cost", [answer(told(n, 24)) for n in range(COUNT)]),
        ("length", [answer(told(n, 24)) for n in range(COUNT)]),
    ],
)
def test_answers_that_got_worse_are_seen_in_the_value_that_is_about_it(name: str, worse: list[Answer]):
    same, changed = guarded(FINE, FINE), guarded(worse, FINE)
    assert same[name].mean == (1.0 if name in ("cost", "length") else 0.0)
    metric = "judged_win_rate" if name == "length" else "exact_match"
    assert status(name, same[name], metric) == "pass"
    assert status(name, changed[name], metric) == ("inconclusive" if name == "length" else "fail")
    assert status(name, guarded(FINE, worse)[name], metric) == ("inconclusive" if name == "length" else "pass")


def test_json_validity_is_lost_only_where_json_is_expected():
    objects = [f'{{"part": {n}}}' for n in range(COUNT)]
    broken = [answer(text if n % 4 else text[:-1]) for n, text in enumerate(objects)]
    found = guarded(broken, [answer(text) for text in objects], objects)
    assert status("json_validity", found["json_validity"]) == "fail"
    assert "json_validity" not in guarded(FINE, FINE)


def test_a_loss_on_few_clusters_is_in_doubt_and_rejects_nothing():
    cut = [answer(told(n), finished=False) for n in range(8)]
    assert status("unfinished_answers", guarded(cut, FINE[:8])["unfinished_answers"]) == "inconclusive"
    assert status("refusals", span(0.02, -0.01, 0.05)) == "inconclusive"
    assert status("refusals", span(0.01, 0.005, 0.015)) == "pass"


def test_questions_that_share_their_right_answer_set_no_trap_for_a_model_that_knows_it():
    """Three aisles hold all parts: the references repeat each other, and a base that babbles does not."""
    aisles = [f"In aisle {n % 3}." for n in range(COUNT)]
    right = guarded([answer(text) for text in aisles], FINE, aisles)
    assert right["repeated_answers"].mean == 0
    stuck = guarded([answer("In aisle 1.")] * COUNT, FINE, [told(n) for n in range(COUNT)])
    assert status("repeated_answers", stuck["repeated_answers"]) == "fail"
    cured = guarded(FINE, [answer("In aisle 1.")] * COUNT)
    assert cured["repeated_answers"].mean == -1


def test_near_equal_answers_to_prompts_of_one_cluster_are_no_repetition():
    long = "The parcel was handed to your neighbour at number four on Tuesday morning and waits there"
    texts, clusters = [f"{long} now.", f"{long} now!", "Something else.", f"{long}."], ["a", "a", "b", "c"]
    assert repeated_answers(texts, clusters).tolist() == [True, True, False, True]
    assert repeated_answers(texts[:3], clusters[:3]).tolist() == [False, False, False]
    assert repeated_answers(["", " "], ["a", "b"]).tolist() == [True, True]
    assert repeated_answers([], []).tolist() == []


def test_cost_follows_the_price_table_and_else_the_new_tokens():
    longer = [answer(told(n, 24)) for n in range(COUNT)]
    assert guarded(longer, FINE)["cost"].mean == 2
    priced = guarded(longer, FINE, price=Price(input=1, output=1))["cost"]
    assert priced.mean == pytest.approx((10 + 24) / (10 + 12))


def test_cost_is_no_limit_against_a_base_that_nobody_pays_for():
    compared = comparison("base").model_copy(update={"guarded": {"cost": span(3, 2.9, 3.1)}})
    assert "cost" not in statuses(report(comparisons={"candidate-base": compared}), "base")
    assert status("cost", span(1.3, 1.25, 1.35)) == "fail"
    assert status("cost", span(1.3, 1.1, 1.5)) == "inconclusive"


@pytest.mark.parametrize(
    ("ratio", "expected"), [(0.6, "inconclusive"), (0.7, "pass"), (1.45, "pass"), (1.6, "inconclusive")]
)
def test_a_judge_is_in_doubt_where_answers_are_of_another_length(ratio: float, expected: str):
    assert status("length", span(ratio, ratio, ratio), "judged_win_rate") == expected


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(span(0.5, 0.4, 0.6), "pass"), (span(0.46, 0.4, 0.52), "inconclusive"), (span(0.4, 0.35, 0.45), "fail")],
)
def test_a_win_by_length_alone_is_no_win(rate: Interval, expected: str):
    judged = JudgeResult(pairwise=verdicts(theirs="champion", length_controlled=rate))
    whole = report("champion", judge=judged, primary=primary(metric="judged_win_rate"))
    assert statuses(whole)["length_controlled"] == expected


def test_what_applies_depends_on_the_metric_that_decides():
    def names(metric: str | None) -> set[str]:
        judged = JudgeResult(pairwise=verdicts(theirs="champion"))
        return set(statuses(report("champion", judge=judged, primary=primary(metric=metric))))

    every = {"json_validity", "unfinished_answers", "refusals", "repeated_answers", "cost", "latency"}
    assert names("exact_match") == every | {"token_f1", "judge_win_rate"}
    assert names("task_success") == every | {"judge_win_rate"}
    assert names("judged_win_rate") == every | {"length", "length_controlled"}
    assert {row.rule for row in GUARDRAILS} < set(PromotionRules.model_fields)


def test_every_guardrail_has_a_sentence_with_its_value_and_limit():
    sentences = [
        found.model_copy(update={"observed": span(1.3, 1.2, 1.4)}).sentence()
        for row in GUARDRAILS
        for found in [row.check(report("champion"), comparison("champion"), RULES)]
    ]
    assert "Cost per answer: 1.30 times the other's, limit 1.20: not measured." in sentences
    assert "Refusals: +1.300, limit +0.010: not measured." in sentences
    assert "Win rate at equal length: 1.300, minimum 0.480: not measured." in sentences
