"""Lines that say the same id again: duplicates where they agree, conflicts where they do not."""

from itertools import permutations

import pytest

from rl_assets.tables.records import FEEDBACK, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import Product, Row, about, interaction, opinion, question, reward


def test_the_same_content_written_differently_is_a_duplicate(product: Product):
    product.log(
        interaction("a1", latency_ms=250, timestamp="2026-10-01T10:00:00Z", error_occurred=False),
        interaction("a1", latency_ms="250.0", timestamp=1790848800, error_occurred=0, unknown_field=1),
    )
    ingested = product.ingest()
    assert (ingested.rows, ingested.duplicates, ingested.rejects) == (1, 1, {})


def test_another_content_under_one_id_is_a_conflict_that_is_kept_as_a_reject(product: Product):
    product.log(
        interaction("a1", answer="First."), interaction("a1", answer="Second.", timestamp="2026-10-01T10:00:01Z")
    )
    ingested = product.ingest()
    assert (ingested.rows, ingested.rejects) == (1, {"conflicting_duplicate": 1})
    assert product.rows(INTERACTIONS)[0]["answer"] == "First."
    reject = product.rows(REJECTED_RECORDS)[0]
    assert (reject["detail"], reject["source_line"]) == ("a1", 2)
    assert "Second." in reject["raw"]


# Of equal times a hash decides, which is another for another id: every order has a landing folder of its own.
@pytest.mark.parametrize("order", list(permutations(range(4)))[::4])
def test_which_of_several_contents_is_kept_does_not_depend_on_the_order_of_files(product: Product, order):
    lines = [
        interaction("a1", answer="late", timestamp="2026-10-01T12:00:00Z"),
        interaction("a1", answer="one of two"),
        interaction("a1", answer="two of two"),
        interaction("a1", answer="two of two"),
    ]
    for place, index in enumerate(order):
        product.log(lines[index], name=f"part-{place}.jsonl")
    ingested = product.ingest()
    kept = product.rows(INTERACTIONS)[0]["answer"]
    assert ingested.lines == 4 == ingested.rows + ingested.duplicates + ingested.rejects["conflicting_duplicate"]
    assert (kept, ingested.duplicates) == ("two of two", 1)


def test_a_different_user_is_a_different_content(product: Product):
    product.log(interaction("a1", user_id="mary"), interaction("a1", user_id="john"))
    assert product.ingest().rejects == {"conflicting_duplicate": 1}


def test_a_rating_on_a_repeated_line_counts_once(product: Product):
    product.log(interaction("a1", user_rating=5, user_id="m"), interaction("a1", user_rating=5, user_id="m"))
    assert product.ingest().duplicates == 1
    assert len(product.rows(FEEDBACK)) == 1


def test_a_reward_and_an_answer_may_share_an_id(product: Product):
    product.log(question("q1"), reward("q1"), log_format="reward_log")
    assert product.ingest().rows == 2


def test_two_formats_that_log_one_answer_conflict_unless_they_agree(product: Product):
    product.log(interaction("x"))
    product.log(question("x"), log_format="reward_log")
    ingested = product.ingest()
    assert (ingested.rows, ingested.rejects) == (1, {"conflicting_duplicate": 1})


def log_in_every_order(product: Product, *lines: Row, key: str, **log: str) -> int:
    """Log the lines in all orders, each under an id of its own and a line a file; the number of orders."""
    orders = list(permutations(lines))
    for place in range(len(lines)):
        rows = [{**order[place], key: f"order-{number}"} for number, order in enumerate(orders)]
        product.log(*rows, name=f"part-{place}.jsonl", **log)
    return len(orders)


def test_of_feedback_events_with_one_id_the_latest_counts(product: Product):
    latest = opinion(kind="thumbs_down", created_at="2026-10-01T13:00:00Z")
    orders = log_in_every_order(product, opinion(), opinion(), latest, key="id", log_format="feedback_table")
    ingested = product.ingest()
    assert (ingested.rows, ingested.duplicates, ingested.rejects) == (orders, 2 * orders, {})
    assert [row["value"] for row in product.rows(FEEDBACK)] == [0.0] * orders


def test_of_feedback_events_with_one_id_and_one_time_the_one_that_landed_last_counts(product: Product):
    product.log(opinion("f1"), opinion("f1", "thumbs_down"), log_format="feedback_table", name="a.jsonl")
    product.log(opinion("f1", "rating", rating=2), log_format="feedback_table", name="b.jsonl")
    product.ingest()
    assert [(row["kind"], row["value"]) for row in product.rows(FEEDBACK)] == [("rating", 0.25)]


COPIES = [
    interaction("a1", agent_type="desk"),
    interaction("a1", user_id="mary", user_rating=5, user_feedback="thanks"),
    interaction("a1", answer=None),
]


def test_the_most_complete_copy_is_the_answer_and_the_feedback_of_every_copy_counts(product: Product):
    orders = log_in_every_order(product, *COPIES, key="interaction_id")
    ingested = product.ingest()
    assert (ingested.rows, ingested.duplicates, ingested.rejects) == (orders, 2 * orders, {})
    assert all(row["answer"] is not None and row["user_id"] is not None for row in product.rows(INTERACTIONS))
    events = sorted((event["interaction_id"], event["kind"]) for event in product.rows(FEEDBACK))
    assert [kind for _, kind in events] == ["comment", "rating"] * orders


def test_a_conflicting_copy_is_a_reject_whose_feedback_counts(product: Product):
    product.log(interaction("a1", user_id="m"), interaction("a1", answer="Other.", user_id="m", user_rating=1))
    assert product.ingest().rejects == {"conflicting_duplicate": 1}
    assert [event["value"] for event in product.rows(FEEDBACK)] == [0.0]


def test_a_tree_exported_again_with_more_replies_is_one_tree(product: Product):
    def tree(*replies: str) -> dict[str, object]:
        children = [
            {"message_id": text, "text": text, "role": "assistant", "rank": i} for i, text in enumerate(replies)
        ]
        root = {"message_id": "t", "text": "Why?", "role": "prompter", "replies": children}
        return {"message_tree_id": "t", "prompt": root}

    product.log(tree("one", "two", "three"), tree("one", "two"), log_format="oasst_trees")
    ingested = product.ingest()
    assert (ingested.rows, ingested.duplicates, ingested.rejects) == (1, 1, {})
    assert sorted(row["interaction_id"] for row in product.rows(INTERACTIONS)) == ["one", "three", "two"]
    assert len(product.rows(FEEDBACK)) == 3


def test_a_logged_answer_wins_over_the_one_that_feedback_carries(product: Product):
    product.log(opinion("f1"), log_format="feedback_table")
    product.ingest()
    carried = product.rows(INTERACTIONS)[0]["interaction_id"]
    product.log(interaction(carried, answer="As it was logged.", timestamp="2026-10-01T13:00:00Z"))
    product.log(about(carried, "f2"), log_format="feedback_table", name="more.jsonl")
    assert product.ingest().rows == 3
    assert [row["answer"] for row in product.rows(INTERACTIONS)] == ["As it was logged."]
