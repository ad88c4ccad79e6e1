"""The report on feedback, and the check on the order in which pairs were shown, from files that were dropped."""

import json
import random
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.defs.feedback.insights import feedback_insights
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.feedback.insights import FeedbackInsights, GroupFeedback
from rl_assets.settings import Settings
from rl_assets_tests.support.logs import DAY, Product, Row, about, interaction
from rl_assets_tests.support.rated_days import check, metadata, rate

PAIRS = 400


def log_pairs(product: Product, first_wins: list[bool]) -> None:
    """Two answers to each of many questions, of which either may be shown first, and a verdict on each pair."""
    answers, verdicts = list[Row](), list[Row]()
    for number, first_won in enumerate(first_wins):
        names = [f"{number}-a", f"{number}-b"]
        answers += [interaction(name, query=f"What of {number}?", answer=f"It is {name}.") for name in names]
        first, second = names if number % 2 else names[::-1]
        better, worse = (first, second) if first_won else (second, first)
        texts = {"preferred_output": f"It is {better}.", "rejected_output": f"It is {worse}."}
        compared = {"other_interaction_id": names[1], "shown_first": first}
        verdicts.append(about(names[0], f"v{number}", "preference", **compared, **texts))
    product.log(*answers)
    product.log(*verdicts, log_format="feedback_table")


@pytest.mark.slow  # Rates hundreds of answers.
def test_a_rater_who_always_takes_the_first_is_noticed(product: Product, instance: dg.DagsterInstance) -> None:
    log_pairs(product, [True] * PAIRS)
    found = check(rate(product, instance), "first_is_not_favoured")
    assert not found.passed and found.severity is dg.AssetCheckSeverity.WARN
    assert "The answer shown first won 400 of 400 decided comparisons (100.0% [99.0%, 100.0%])" in str(
        found.description
    )


@pytest.mark.slow  # Rates hundreds of answers.
def test_a_fair_rater_is_not(product: Product, instance: dg.DagsterInstance) -> None:
    coin = random.Random(1)
    log_pairs(product, [coin.random() < 0.5 for _ in range(PAIRS)])
    found = check(rate(product, instance), "first_is_not_favoured")
    assert found.passed and found.description is None
    assert found.metadata["decided"].value == PAIRS


def report(product: Product, instance: dg.DagsterInstance) -> tuple[FeedbackInsights, Path, dict[str, str]]:
    """The report of the day, its folder, and what the page of the asset shows."""
    assert rate(product, instance).success
    home = HomeResource.from_settings(Settings(home=product.landing.parent))
    result = dg.materialize([feedback_insights], instance=instance, resources={"home": home}, partition_key=str(DAY))
    folder = product.landing.parent / "reports" / str(DAY) / "feedback"
    insights = FeedbackInsights.model_validate_json((folder / "feedback.json").read_bytes())
    return insights, folder, metadata(result, "feedback_insights")


@pytest.mark.slow  # Materializes four assets.
def test_the_report_says_by_agent_and_adapter_what_people_said(product: Product, instance: dg.DagsterInstance) -> None:
    base, tuned = (
        {"agent_type": "desk", "segment": "acme"},
        {"agent_type": "desk", "segment": "acme", "adapter": "ad-1"},
    )
    product.log(
        *(interaction(f"b{n}", query=f"Question {n}?", **base) for n in range(4)),
        *(interaction(f"t{n}", query=f"Question {n}?", **tuned) for n in range(4)),
    )
    both = {"other_interaction_id": "t0", "shown_first": "b0"}
    better = {"preferred_output": "It is on its way, says t0.", "rejected_output": "It is on its way, says b0."}
    product.log(
        about("b0", "1", "thumbs_down"),
        about("b0", "2", "thumbs_down", user_id="tom"),
        about("b1", "3", "rating", rating=3),
        about("b1", "4", "thumbs_up", user_id="tom"),
        about("b2", "5", "thumbs_up"),
        about("b2", "6", "retraction", retracts="5"),
        about("t0", "7", "rating", rating=5),
        about("t1", "8", "comment", comment="Shorter, please."),
        about("b0", "9", "preference", **both, **better),
        about("b0", "10", "tie", user_id="tom", **both),
        about("b0", "11", "preference", user_id="ann", **both, **better),
        log_format="feedback_table",
    )
    insights, folder, shown = report(product, instance)
    groups: dict[str | None, GroupFeedback] = {group.adapter: group for group in insights.groups}
    assert set(groups) == {None, "ad-1"} and {group.segment for group in insights.groups} == {"acme"}
    untuned = groups[None]
    assert (untuned.answers, untuned.rated, untuned.ties, untuned.taken_back) == (4, 2, 1, 1)
    assert untuned.verdicts == {"thumbs down": 2, "thumbs up": 1, "rating": 1, "preference": 2}
    assert groups["ad-1"].verdicts == {"rating": 1, "comment": 1, "preference": 2}
    assert untuned.rating is not None and untuned.rating.mean == 0.375
    # b0 was judged alike, b1 was not, and of three votes on the pair two are the same.
    assert untuned.rated_twice == 3 and untuned.agreement is not None
    assert untuned.agreement.mean == pytest.approx((1 + 0 + 1 / 3) / 3)
    assert groups["ad-1"].rated_twice == 1
    assert insights.shown_first is not None and (insights.shown_first.mean, insights.shown_first.n) == (0.0, 2)
    assert shown["headline"].startswith("People rated 3 of 8 answers (37.5%). The answer shown first won 0.0%")
    page = (folder / "feedback.md").read_text(encoding="utf-8")
    assert page.startswith(f"# Feedback as of {DAY}") and "ad-1" in page
    assert set(json.loads((folder / "feedback.json").read_text(encoding="utf-8"))) <= set(
        json.loads((folder / "feedback.schema.json").read_text(encoding="utf-8"))["properties"]
    )


def test_a_name_from_the_log_is_no_markup_in_the_report(product: Product, instance: dg.DagsterInstance) -> None:
    product.log(interaction("a1", agent_type="<script>alert(1)</script>|x"))
    _, folder, _ = report(product, instance)
    assert "<script>alert" not in (folder / "feedback.html").read_text(encoding="utf-8")
    assert "<script>" not in (folder / "feedback.md").read_text(encoding="utf-8")
