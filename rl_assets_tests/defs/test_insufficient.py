"""INSUFFICIENT, as `promotion_decision` shows it: one sentence that names the cause and what to provide."""

from pathlib import Path
from typing import Any

import pytest

from rl_assets.evaluation.promotion.epochs import primary_of_epoch
from rl_assets.evaluation.run.inputs import Item, Pair
from rl_assets.evaluation.run.rungs import Logged, choose_primary
from rl_assets.evaluation.schema.evidence import ClusterDifference
from rl_assets.evaluation.schema.primary import Primary
from rl_assets.evaluation.schema.report import Contamination, RewardComparison, RewardResult
from rl_assets.judging.summary import JudgeVerdicts
from rl_assets.metrics.statistics import Interval
from rl_assets.models.adapters import AdapterReference
from rl_assets.settings import Settings
from rl_assets_tests.support.evaluation_samples import DAY, agreement, comparison, lineage, primary, report, span
from rl_assets_tests.support.planted_nights import (
    clusters,
    decide_night,
    make_champion,
    of_adapter,
    planted_adapter,
)

PROSE = "The invoice is sent on the first of the month, and a reminder follows after two weeks if nobody has paid it."


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def free_form(preferences: JudgeVerdicts | None = None, pairs: int = 12, declared: Any = "auto") -> Primary:
    """The metric of a product with answers in prose, by the ladder."""
    prompts = [({"role": "user", "content": f"{n}?"},) for n in range(80)]
    items = [Item(prompt, (PROSE,), f"c{n}", None, None) for n, prompt in enumerate(prompts)]
    compared = [Pair(prompt, "good", "bad", f"c{n}", None, None) for n, prompt in enumerate(prompts[:pairs])]
    judge = "tiny-judge" if preferences else None
    return choose_primary(Logged(items, compared, judge, preferences), declared, DAY, "base", "b" * 64)


def night(settings: Settings, differences: list[ClusterDifference] | None = None, **changes: Any) -> tuple[str, str]:
    """The verdict on a planted night, and its reasons."""
    adapter = planted_adapter(settings.paths, "candidate")
    shown = decide_night(settings, of_adapter(report(**changes), adapter), differences or clusters(60))
    return shown["verdict"], shown["reasons"].replace("\\", "")


@pytest.mark.slow  # Builds days for seconds.
def test_a_night_that_convinces_is_promoted_so_that_what_follows_is_not_for_another_reason(settings: Settings):
    verdict, reasons = night(settings)
    assert verdict == "PROMOTE"
    assert "no guardrail fails" in reasons


def test_thumbs_on_prose_without_a_judge_or_a_verifier_say_what_to_provide(settings: Settings):
    verdict, reasons = night(settings, primary=free_form())
    assert verdict == "INSUFFICIENT"
    assert "No metric can decide on these answers." in reasons
    assert "0 of 80 held-out prompts have a verifier" in reasons
    assert "12 held-out prompts have two rated answers; 50 are needed" in reasons
    assert "a judge (RL_ASSETS_JUDGE_BASE_URL and RL_ASSETS_JUDGE_MODEL)" in reasons


def test_thumbs_on_prose_with_many_rated_pairs_ask_for_a_canary(settings: Settings):
    near = comparison("base", token_f1=span(0.1, 0.05, 0.15), kl=span(3.0, 2.5, 3.5))
    verdict, reasons = night(settings, primary=free_form(pairs=60), comparisons={"candidate-base": near})
    assert verdict == "CANARY"
    assert "does not promote" in reasons and "propensity" in reasons


def rewarded(second: Interval | None, **changes: Any) -> dict[str, Any]:
    """A report that a reward model decides, and what the second one says."""
    scored = RewardResult(
        reward_model=AdapterReference(inputs_hash="one", sha256="a" * 64),
        second_is_missing=None if second else "no second reward model learned from the other half of its pairs",
        by_role={"candidate": RewardComparison(first=span(0.3, 0.2, 0.4), second=second)},
    )
    return {
        "primary": primary(metric="reward_score", strength="CANARY", reward_model=scored.reward_model),
        "comparisons": {"candidate-base": comparison("base", reward_score=span(0.3, 0.2, 0.4), kl=span(3, 2, 4))},
        "reward": scored,
    } | changes


@pytest.mark.slow  # Builds days for seconds.
@pytest.mark.parametrize(
    ("second", "expected", "sentence"),
    [
        (span(0.2, 0.1, 0.3), "CANARY", "may be wrong on new ones, so this metric does not promote"),
        (span(-0.1, -0.3, 0.1), "HOLD", "by the second reward model, in the first one's direction: -0.100"),
        (span(-0.2, -0.3, -0.1), "REJECT", "by the second reward model, in the first one's direction: -0.200"),
        (None, "HOLD", "not measured, since no second reward model learned from the other half of its pairs"),
    ],
)
def test_a_reward_model_asks_for_a_canary_only_with_another_that_agrees(settings, second, expected, sentence):
    verdict, reasons = night(settings, **rewarded(second))
    assert verdict == expected, reasons
    assert sentence in reasons


def test_few_clusters_say_how_long_it_takes_and_what_shortens_it(settings: Settings):
    verdict, reasons = night(settings, clusters(7))
    assert verdict == "INSUFFICIENT"
    assert (
        "There are 7 held-out clusters; a decision takes 50. At 7 a night that takes 7 more nights, and a gain of "
        "+0.05 takes about 107 to show. Raise the traffic, or decide on several segments as one"
    ) in reasons


def test_few_clusters_of_a_metric_that_may_not_promote_ask_for_labels_too(settings: Settings):
    verdict, reasons = night(settings, clusters(7), primary=free_form(pairs=60))
    assert verdict == "INSUFFICIENT"
    assert "Or label pairs of review_queue: 50 human labels may promote." in reasons


def test_a_judge_that_few_people_have_confirmed_asks_for_a_canary_and_says_how_few(settings: Settings):
    verdict, reasons = night(settings, judged(60), primary=free_form(agreement(0.8, 0.7, clusters=23)))
    assert verdict == "CANARY"
    assert "tiny-judge is validated on 23 of 50 human preferences" in reasons


def judged(count: int, log_ratio: float = 0.0) -> list[ClusterDifference]:
    return [found.model_copy(update={"log_length_ratio": log_ratio}) for found in clusters(count)]


@pytest.mark.slow  # Builds days for seconds.
@pytest.mark.parametrize("declared", ["auto", "judged_win_rate"])
def test_a_judge_that_follows_length_decides_nothing(settings: Settings, declared: str):
    verdict, reasons = night(settings, judged(60), primary=free_form(agreement(1.0, 0.2), declared=declared))
    assert verdict == "INSUFFICIENT"
    assert "follows length: it agrees with people on 1.00 where they chose the longer answer, and on 0.20" in reasons


def test_a_judge_that_loses_to_length_within_an_epoch_stops_deciding_and_the_epoch_stays(settings: Settings):
    file = settings.paths.metric_of_epoch()
    begun = primary_of_epoch(file, lambda: free_form(agreement(0.8, 0.7, clusters=23)), None, keep=True)
    validated = primary_of_epoch(file, lambda: free_form(agreement(0.8, 0.7)), None, keep=True)
    assert (begun.strength, validated.strength, validated.epoch) == ("CANARY", "PROMOTE", begun.epoch)
    lost = primary_of_epoch(file, lambda: free_form(agreement(0.9, 0.3)), None, keep=True)
    assert (lost.metric, lost.strength, lost.epoch) == ("judged_win_rate", None, begun.epoch)
    verdict, reasons = night(settings, judged(60), primary=lost)
    assert verdict == "INSUFFICIENT"
    assert "cannot decide tonight: tiny-judge follows length" in reasons


def test_answers_that_are_always_longer_cannot_be_balanced(settings: Settings):
    verdict, reasons = night(settings, judged(60, log_ratio=0.5), primary=free_form(agreement(0.8, 0.7)))
    assert verdict == "INSUFFICIENT"
    assert "cannot be balanced for length: one model's answers are nearly always the longer ones" in reasons


def test_a_held_out_prompt_that_was_trained_on_carries_no_decision(settings: Settings):
    verdict, reasons = night(settings, contamination=Contamination(prompts=["key-1", "key-2"]))
    assert verdict == "INSUFFICIENT"
    assert "2 held-out prompts are in a training split, the first key-1." in reasons


@pytest.mark.slow  # Builds days for seconds.
@pytest.mark.parametrize(
    ("reported", "verdict", "sentence"),
    [
        ({}, "PROMOTE", "no guardrail fails"),
        (
            {"champion_base_sha256": "c" * 64},
            "INSUFFICIENT",
            "The champion belongs to another base model: the two cannot be compared as adapters.",
        ),
        (
            {"champion_sha256": "another"},
            "INSUFFICIENT",
            "The report compares with another champion than today's: evaluate again.",
        ),
    ],
    ids=["the champion", "another base", "another champion"],
)
def test_a_report_must_be_about_the_champion_in_use(
    settings: Settings, reported: dict[str, str], verdict: str, sentence: str
):
    champion = planted_adapter(settings.paths, "champion")
    make_champion(settings.paths, champion)
    named = lineage("champion", **({"champion_sha256": champion.sha256} | reported))
    better = {"candidate-champion": comparison("champion", exact_match=span(0.3, 0.2, 0.4))}
    found, reasons = night(settings, theirs="champion", lineage=named, comparisons=better)
    assert (found, sentence in reasons) == (verdict, True)


def test_few_judged_pairs_of_many_lengths_wait_for_more_and_are_not_called_one_sided(settings: Settings):
    ratios = [(-1) ** n * (0.1 + n / 60) for n in range(60)]
    found = [pair.model_copy(update={"log_length_ratio": r}) for pair, r in zip(clusters(60), ratios, strict=True)]
    verdict, reasons = night(settings, found, primary=free_form(agreement(0.8, 0.7)))
    assert verdict == "INSUFFICIENT"
    assert "judged pairs are not counted yet: their lengths can be balanced once 20 pairs differ as much" in reasons
    assert "nearly always the longer" not in reasons
