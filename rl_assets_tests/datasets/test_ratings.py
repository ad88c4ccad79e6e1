"""What an answer is worth: whose word counts, and which of their words."""

import pyarrow as pa
import pytest

from rl_assets.datasets.builders import NotNumberedError, build_sft
from rl_assets.datasets.policies import SftPolicy
from rl_assets.datasets.ratings import Window, rated_as_of
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import FEEDBACK
from rl_assets_tests.support.logs import DAY, Product, about, interaction, judged, opinion, reward

SOURCES = ("human", "verifier", "judge", "synthetic")


def worth(product: Product) -> dict[str, tuple[float | None, str | None]]:
    return {name: (row["reward"], row["reward_source"]) for name, row in product.rated().items()}


def test_human_words_outrank_a_verifiers_a_judges_and_synthetic_ones(product: Product):
    values = {source: 0.1 * place for place, source in enumerate(SOURCES, 1)}
    heard = {f"from {source}": SOURCES[first:] for first, source in enumerate(SOURCES)}
    product.log(*map(interaction, heard))
    said = [reward(name, values[source], source=source) for name, sources in heard.items() for source in sources]
    product.log(*said[::-1], log_format="reward_log")
    product.ingest()
    assert worth(product) == {f"from {source}": (pytest.approx(values[source]), source) for source in SOURCES}


def test_a_judge_counts_where_nobody_else_spoke_and_missing_is_not_zero(product: Product):
    product.log(
        judged("judged", 0.9),
        judged("verified", 0.9),
        judged("judged again", 0.9),
        judged("nothing", None),
        judged("zero", 0.0),
        interaction("silence"),
        interaction("comment", user_feedback="Nice."),
        interaction("two humans'"),
        interaction("a judge's brand", quality_scores={"brand": 0.2}),
    )
    product.log(
        reward("verified", 0.1, source="verifier"),
        reward("judged again", 0.2, source="judge"),
        reward("two humans'", 0.2, dimension="brand"),
        reward("two humans'", 0.3, dimension="tone"),
        log_format="reward_log",
    )
    product.ingest()
    rated = product.rated()
    assert {name: (row["reward"], row["reward_source"]) for name, row in rated.items() if row["reward_source"]} == {
        "judged": (0.9, "judge"),
        "verified": (0.1, "verifier"),
        "judged again": (0.2, "judge"),
        "zero": (0.0, "judge"),
    }
    assert rated["judged again"]["raters"] == 1
    unrated = {name for name, row in rated.items() if row["reward"] is None}
    assert unrated == {"nothing", "silence", "comment", "two humans'", "a judge's brand"}


def test_the_reward_is_the_mean_over_raters_of_their_latest_value(product: Product):
    product.log(*map(interaction, ("two raters", "nameless", "verified")))
    product.log(interaction("two formats", user_id="mary", user_rating=1), name="rated.jsonl")
    product.log(
        about("two raters", "f1", "thumbs_down", user_id="mary"),
        about("two raters", "f2", "thumbs_up", user_id="mary", created_at="2026-10-01T13:00:00Z"),
        about("two raters", "f3", "rating", rating=3, user_id="john"),
        about("two formats", "f4", user_id="mary"),
        # Of an output that no other log holds, raters without a name are told apart by their rows.
        opinion("f5", user_id=None),
        opinion("f6", "thumbs_down", user_id=None),
        log_format="feedback_table",
    )
    product.log(
        *(reward("nameless", value) for value in (0.0, 0.9, 0.6)),
        reward("verified", 0.0, source="verifier", timestamp="2026-10-01T14:00:00Z"),
        reward("verified", 1.0, source="verifier", timestamp="2026-10-01T13:00:00Z"),
        log_format="reward_log",
    )
    product.ingest()
    rated = {name: (row["reward"], row["raters"], row["reward_source"]) for name, row in product.rated().items()}
    known = {name: rated.pop(name) for name in ("two raters", "two formats", "nameless", "verified")}
    assert known == {
        "two raters": (0.75, 2, "human"),
        "two formats": (1.0, 1, "human"),
        "nameless": (0.6, 1, "human"),
        "verified": (0.0, 1, "verifier"),
    }
    assert [*rated.values()] == [(0.5, 2, "human")]


def test_feedback_for_an_unknown_answer_is_kept_and_rates_nothing(product: Product):
    product.log(reward("unknown"), log_format="reward_log")
    product.ingest()
    assert len(product.rows(FEEDBACK)) == 1
    assert product.rated() == {}


def test_a_prompt_that_no_template_can_render_is_not_trainable(product: Product):
    doubled = [{"role": "user", "content": "A"}]
    product.log(
        interaction("good"),
        interaction("blank", query=" \n"),
        interaction("doubled", messages=doubled),
        interaction("system", system="Be brief."),
    )
    answers = {"wide": "  four ", "narrow": "four", "none": None}
    product.log(*(interaction(name, answer=answer) for name, answer in answers.items()), name="answers.jsonl")
    product.ingest()
    rated = product.rated()
    trainable = {name: row["trainable"] for name, row in rated.items() if name not in answers}
    assert trainable == {"good": True, "blank": False, "doubled": False, "system": True}
    # Answers are measured without outer whitespace.
    assert [rated[name]["answer_chars"] for name in answers] == [4, 4, 0]
    assert rated["wide"]["answer_key"] == rated["narrow"]["answer_key"]


def test_a_correction_changes_the_content_of_the_day_although_it_is_no_reward(product: Product):
    product.log(interaction("a1"))
    product.ingest()
    product.rated()
    before = product.lake.published(RATED_INTERACTIONS, DAY)
    product.log(about("a1", "f1", "correction", preferred_output="Better."), log_format="feedback_table")
    product.ingest()
    assert product.rated()["a1"]["reward"] is None
    assert product.lake.published(RATED_INTERACTIONS, DAY).sha256 != before.sha256


def test_an_answer_text_has_one_reward_over_all_its_showings(product: Product):
    product.log(*(interaction(f"a{i}", answer="Same.") for i in range(4)), interaction("other"))
    product.log(
        about("a0", "f0", "thumbs_up", user_id="mary"),
        about("a1", "f1", "thumbs_down", user_id="mary", created_at="2026-10-01T13:00:00Z"),
        about("a2", "f2", "rating", rating=4, user_id="john"),
        log_format="feedback_table",
    )
    product.ingest()
    rated = product.rated()
    assert [rated[f"a{i}"]["reward"] for i in range(4)] == [1.0, 0.0, 0.75, None]
    assert {(row["pooled_reward"], row["pooled_raters"]) for name, row in rated.items() if name != "other"} == {
        (0.375, 2)
    }
    assert rated["a0"]["pooled_lowest"] == 0.0 < rated["a0"]["pooled_lower"] < 0.375
    assert [name for name, row in rated.items() if row["representative"]] == ["a0", "other"]
    assert rated["other"]["pooled_reward"] is None


def test_answers_are_numbered_in_the_order_of_their_ids(product: Product):
    ids = [f"a{number}" for number in range(120)]
    product.log(*(judged(interaction_id, 0.5) for interaction_id in reversed(ids)))
    product.ingest()
    numbers = {interaction_id: row["number"] for interaction_id, row in product.rated().items()}
    assert numbers == {interaction_id: place for place, interaction_id in enumerate(sorted(ids), 1)}


def test_answers_that_an_earlier_version_rated_are_to_be_rated_again(product: Product):
    product.log(judged("a1", 0.9))
    product.ingest()
    rated = pa.Table.from_pylist([row | {"number": None} for row in product.rated().values()])
    product.lake.publish(RATED_INTERACTIONS, DAY, rated.cast(RATED_INTERACTIONS.schema).to_reader())
    with pytest.raises(NotNumberedError, match=r"an earlier version .* materialize them again"):
        build_sft(rated_as_of(product.lake, Window(DAY, 30), "1GB"), SftPolicy())
