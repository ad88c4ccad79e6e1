"""A retraction that names a feedback event: it takes away that event of its rater from the day it lands."""

from typing import Any

import pytest

from rl_assets.datasets.builders import build_kto, build_pairs, build_sft
from rl_assets.datasets.policies import KtoPolicy, PairPolicy, SftPolicy
from rl_assets.datasets.ratings import Window, count_feedback
from rl_assets.tables.records import FEEDBACK
from rl_assets_tests.support.logs import DAY, Product, Row, about, interaction, later

TEXTS = {"good": "Press the red button.", "bad": "No idea at all.", "other": "Ask the desk for help."}
WRITTEN = "Hold the reset button."
EVENTS = {
    "up": about("good", "up", "thumbs_up"),
    "down": about("bad", "down", "thumbs_down"),
    "correction": about("other", "correction", "correction", preferred_output=WRITTEN),
    "preference": about(
        "good", "preference", "preference", preferred_output=TEXTS["good"], rejected_output=TEXTS["other"]
    ),
}
PAIRS = PairPolicy(strategies=("explicit", "all_margin"), per_prompt=9)


def retraction(name: str, retracts: str, answer: str = "good", **fields: Any) -> Row:
    return about(answer, name, "retraction", retracts=retracts, created_at=f"{later(1)}T09:00:00Z", **fields)


def landed(product: Product, *retractions: Row) -> Product:
    """Answers and feedback of a day, and retractions that land on the next."""
    product.log(*(interaction(name, answer=text) for name, text in TEXTS.items()))
    product.log(*EVENTS.values(), log_format="feedback_table")
    product.log(*retractions, log_format="feedback_table", day=later(1))
    for day in (DAY, later(1)):
        assert product.ingest(day).rejects == {}
    return product


def learnt(product: Product, day=DAY) -> tuple[set[str], set[tuple[str, str]], set[tuple[str, bool]]]:
    """The answers of SFT, the sides of the pairs, and the labels of KTO as of a day."""
    sft, pairs, kto = (
        product.build(build, policy, day)[1]
        for build, policy in ((build_sft, SftPolicy()), (build_pairs, PAIRS), (build_kto, KtoPolicy()))
    )
    return (
        {row["messages"][-1]["content"] for row in sft},
        {(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in pairs},
        {(row["completion"][0]["content"], row["label"]) for row in kto},
    )


GOOD, BAD, OTHER = TEXTS.values()
BEFORE = (
    {WRITTEN},
    {(WRITTEN, OTHER), (GOOD, OTHER), (GOOD, BAD)},
    {(GOOD, True), (BAD, False), (WRITTEN, True)},
)
AFTER = {
    "up": ({WRITTEN}, {(WRITTEN, OTHER), (GOOD, OTHER)}, {(BAD, False), (WRITTEN, True)}),
    "correction": ({GOOD}, {(GOOD, OTHER), (GOOD, BAD)}, {(GOOD, True), (BAD, False)}),
    "preference": ({WRITTEN}, {(WRITTEN, OTHER), (GOOD, BAD)}, BEFORE[2]),
}


@pytest.mark.parametrize("event", AFTER)
def test_it_takes_its_event_out_of_every_dataset_and_an_earlier_day_does_not_know_it(product: Product, event: str):
    landed(product, retraction("undo", event, EVENTS[event]["interaction_id"]))
    assert learnt(product, later(1)) == AFTER[event]
    assert learnt(product) == BEFORE


def test_what_the_rater_said_before_counts_again(product: Product):
    again = about("good", "again", "thumbs_down", created_at=f"{DAY}T13:00:00Z")
    landed(product, again, retraction("undo", "again"))
    rows = product.rated(later(1))
    assert (rows["good"]["reward"], rows["good"]["raters"]) == (1.0, 1)


def test_a_bad_verdict_and_the_better_text_beside_it_go_together(product: Product):
    product.log(interaction("a"))
    product.log(about("a", "f", "thumbs_down", preferred_output=WRITTEN), log_format="feedback_table")
    product.log(retraction("undo", "f", "a"), log_format="feedback_table", day=later(1))
    product.ingest(), product.ingest(later(1))
    assert {row["kind"] for row in product.rows(FEEDBACK)} == {"thumbs", "correction", "retraction"}
    assert product.rated(later(1))["a"]["reward"] is None
    _, rows = product.build(build_sft, SftPolicy(), later(1))
    assert rows == []


def test_one_of_an_unknown_id_or_of_another_rater_takes_nothing_and_is_counted(product: Product):
    landed(product, retraction("lost", "nothing"), retraction("foreign", "up", user_id="tom"))
    assert learnt(product, later(1)) == BEFORE
    counts = count_feedback(product.lake, Window(later(1), 30))
    assert (counts["orphan_retractions"], counts["withdrawn_verdicts"]) == (2, 0)
    assert {row["feedback_id"] for row in product.rows(FEEDBACK, later(1))} == {"lost", "foreign"}


def test_one_of_an_event_older_than_the_window_is_no_orphan(product: Product):
    landed(product)
    product.log(retraction("undo", "up"), log_format="feedback_table", day=later(9))
    product.ingest(later(9))
    assert count_feedback(product.lake, Window(later(9), 3))["orphan_retractions"] == 0


def test_it_may_land_before_its_event(product: Product):
    product.log(retraction("undo", "late"), log_format="feedback_table")
    product.log(interaction("good"))
    product.log(about("good", "late", created_at=f"{later(1)}T10:00:00Z"), log_format="feedback_table", day=later(1))
    product.ingest(), product.ingest(later(1))
    assert product.rated(later(1))["good"]["reward"] is None


def test_a_tie_is_neither_a_pair_nor_a_reward_and_replaces_the_preference_before_it(product: Product):
    compared = {"other_interaction_id": "bad"}
    texts = {"preferred_output": GOOD, "rejected_output": BAD}
    product.log(*(interaction(name, answer=text) for name, text in TEXTS.items()))
    product.log(about("good", "p", "preference", **compared, **texts), log_format="feedback_table")
    tie = about("good", "t", "tie", **compared, created_at=f"{later(1)}T09:00:00Z")
    product.log(tie, log_format="feedback_table", day=later(1))
    product.ingest(), product.ingest(later(1))
    assert learnt(product) == (set(), {(GOOD, BAD)}, set())
    assert learnt(product, later(1)) == (set(), set(), set())
    assert product.rated(later(1))["good"]["reward"] is None
