"""Heads of dimensions from files that were dropped: what is learned, what is offered, and what the checks say."""

import shutil
from typing import Any

import dagster as dg
import pytest

from rl_assets.datasets.fit_dimensions import refuses
from rl_assets.rewards.dimension_model import DimensionRewards
from rl_assets_tests.benchmarks import sources
from rl_assets_tests.support.dimension_logs import mtrag_lines, rated_answer
from rl_assets_tests.support.learned_dimensions import learn
from rl_assets_tests.support.logs import Product, question
from rl_assets_tests.support.planted_dimensions import grounded, planted
from rl_assets_tests.support.rated_days import check, metadata


def log_planted(product: Product, dimension: str = "tone") -> None:
    """Answers whose ratings depend on how far they keep to the context, by people; and a judge's of another name."""
    fit, data = planted(grounded, prompts=80)
    lines: list[dict[str, Any]] = []
    for number, (answer, rating) in enumerate(zip(fit.answers, data.ratings, strict=True)):
        fields = {"question": answer.prompt, "answer": answer.text, "context": answer.context}
        lines += rated_answer(f"a{number}", {dimension: [rating.value]}, **fields)
        if number < 30:
            lines += [{"type": "feedback", "interaction_id": f"a{number}", "reward": number / 30, "dimension": "style"}]
    product.log(*lines, log_format="reward_log")


@pytest.mark.slow  # Rates and learns from hundreds of answers.
def test_a_head_that_beats_length_is_offered_and_one_with_few_pairs_is_skipped_with_a_sentence(
    product: Product, instance: dg.DagsterInstance
):
    log_planted(product)
    found = learn(product, instance, cosine=False)
    assert found.result.success
    assert check(found.result, "heads_beat_length").passed
    assert check(found.result, "weights_fit_heads").passed
    assert found.stored.heads["tone"].offered and set(found.stored.heads) == {"tone"}
    assert "training pairs by human, 100 are needed" in found.stored.skipped["style"]
    shown = metadata(found.result, "dimension_rewards")
    assert shown["headline"] == "Recipes may use tone: better than the length of answers."
    assert shown["dagster/uri"].endswith(found.stored.version)
    page = (found.home.reports("2026-10-01") / "dimensions" / "dimensions.md").read_text(encoding="utf-8")
    assert "## Not learned\n\n- style" in page and "100 are needed" in page

    rewards = DimensionRewards(found.stored, refuses)
    asked = {"role": "user", "content": "What is part 7?"}
    answers = ["bolt nut gear rod seal.", "hinge valve pump cover panel."]
    conversations = [[asked, {"role": "assistant", "content": text}] for text in answers]
    grounded_in = rewards.scores(conversations, ["bolt nut gear rod seal"] * 2)
    unknown = rewards.scores(conversations)
    assert grounded_in["tone"][0] > grounded_in["tone"][1] + 0.2
    assert all(0 <= value <= 1 for value in unknown["tone"])

    first = found.folder
    before = (first / "model.json").read_bytes()
    again = learn(product, instance, rated=True, cosine=False)
    assert metadata(again.result, "dimension_rewards")["fitted_in_this_run"] is False
    shutil.rmtree(found.folder)
    anew = learn(product, instance, rated=True, cosine=False)
    assert metadata(anew.result, "dimension_rewards")["fitted_in_this_run"] is True
    assert (anew.folder / "model.json").read_bytes() == before and anew.folder == first
    other = learn(product, instance, rated=True, cosine=False, length_matters=["tone"])
    assert other.folder != first

    (found.home.folder / "rewards.yaml").write_text("tone: {weight: 0.6}\nbrand: {weight: 0.4}\n", encoding="utf-8")
    unfit = check(learn(product, instance, rated=True, cosine=False).result, "weights_fit_heads")
    assert not unfit.passed and "weighs brand, which nothing gives a value of: there is tone" in str(unfit.description)
    (found.home.folder / "rewards.yaml").write_text("tone: {weight: 0.5}\n", encoding="utf-8")
    assert "the weights 0.5 sum to 0.5" in failure(learn(product, instance, rated=True, cosine=False).result)


def failure(result: dg.ExecuteInProcessResult) -> str:
    """The error of the step that failed."""
    (event,) = result.get_step_failure_events()
    assert event.step_failure_data.error is not None
    return event.step_failure_data.error.to_string()


@pytest.mark.slow
def test_a_day_without_ratings_is_yellow_and_says_so(product: Product, instance: dg.DagsterInstance):
    product.log(question(), log_format="reward_log")
    found = learn(product, instance, cosine=False)
    assert found.result.success and found.stored.heads == {}
    said = check(found.result, "heads_beat_length")
    assert not said.passed and said.severity is dg.AssetCheckSeverity.WARN
    assert said.description == "Nothing was learned. No answer of the window was rated"

    for config, sentence in (
        ({"backend": "lora"}, "backend is 'lora': use 'linear', the only one there is"),
        ({"min_pairs": 3}, "min_pairs is 3: use 10 or more"),
        ({"sources": ["people"]}, "sources.0 is 'people': use 'human'"),
    ):
        assert sentence in failure(learn(product, instance, rated=True, **config).result)


@pytest.mark.slow  # Rates and learns from some hundred answers.
def test_on_published_ratings_faithfulness_beats_length_and_what_people_cannot_agree_on_is_not_learned(
    published_data, product: Product, instance: dg.DagsterInstance
):
    product.log(*mtrag_lines(published_data), log_format="reward_log")
    found = learn(product, instance, cosine=False)
    stored = found.stored
    assert "people agree hardly more than by chance (appropriateness: alpha 0.05" in stored.skipped["appropriateness"]
    gain = stored.heads["faithfulness"].report.decisive.gain
    assert gain.mean >= 0.05 and gain.low is not None and gain.low > 0
    assert stored.heads["faithfulness"].offered and not stored.heads["naturalness"].offered
    assert "naturalness" in str(check(found.result, "heads_beat_length").description)
    shown = metadata(found.result, "dimension_rewards")
    assert "Recipes may use completeness, faithfulness" in shown["headline"]
    assert stored.heads["faithfulness"].report.one_rater is not None
    before = (found.folder / "model.json").read_bytes()
    shutil.rmtree(found.folder)
    again = learn(product, instance, rated=True, cosine=False, force=[])
    assert (again.folder / "model.json").read_bytes() == before
    forced = learn(product, instance, rated=True, cosine=False, force=["naturalness"]).stored.heads["naturalness"]
    assert forced.forced and forced.may_be_used and not forced.offered


@pytest.mark.slow  # Rates and learns from hundreds of answers.
def test_on_preferences_that_length_explains_no_reward_is_offered(
    published_data, product: Product, instance: dg.DagsterInstance
):
    sources.oasst_trees(published_data, product.landing)
    found = learn(product, instance, cosine=False)
    head = found.stored.heads["overall"]
    assert not head.may_be_used
    said = check(found.result, "heads_beat_length")
    assert not said.passed and "Not shown to beat the length of answers: overall (" in str(said.description)
    assert "Not offered" in metadata(found.result, "dimension_rewards")["headline"]
