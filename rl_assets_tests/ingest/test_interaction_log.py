"""The format `interaction_log`: what a line becomes, and every way in which it is refused."""

from datetime import UTC, datetime

import pytest

from rl_assets.metrics.scales import Metric
from rl_assets.tables.records import FEEDBACK, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import Product, interaction

# Of an answer as ingested before there were arms.
OLD_HASH = "b6f48c7af8604c21753671ee2a2779a62277e3e0ce4c7b2c543d9d3b5e2e61e0"
FULL = interaction(
    "a1",
    timestamp="2026-10-01T12:00:00+02:00",
    query="And on Sunday?",
    system="Be brief.",
    messages=[{"role": "user", "content": "Are you open?"}, {"role": "assistant", "content": "On weekdays."}],
    context="Opening hours: ...",
    sources=[{"id": 1, "title": "Hours"}],
    category="opening hours",
    task="support",
    segment="acme",
    model="m-1",
    adapter="ad-1",
    propensity=0.25,
    assigned_arm="desk@ad-1",
    drawn=True,
    arms={"desk@base": 0.75, "desk@ad-1": "0.25"},
    policy_version=12,
    first_token_ms=31,
    fallback_reason="no first byte in 10 s",
    quality_scores={"overall": 0.9, "brand": "0.5"},
    latency_ms="250.5",
    tokens_used=12,
    cost_usd=0.002,
    retrieval_method="bm25",
    error_occurred=0,
    session_id=77,
)


def test_a_full_line_becomes_an_answer_with_its_conversation(product: Product):
    product.log(FULL)
    product.ingest()
    row = product.rows(INTERACTIONS)[0]
    assert row["answered_at"] == datetime(2026, 10, 1, 10, tzinfo=UTC)
    assert [message["role"] for message in row["prompt"]] == ["system", "user", "assistant", "user"]
    assert row["prompt"][-1]["content"] == "And on Sunday?"
    assert row["roles"] == "system user assistant user"
    assert dict(row["quality_scores"]) == {"overall": 0.9, "brand": 0.5}
    assert (row["latency_ms"], row["tokens"], row["session_id"], row["error"]) == (250.5, 12, "77", False)
    assert row["sources"] == '[{"id":1,"title":"Hours"}]'
    same = ("answer", "context", "category", "task", "segment", "model", "adapter", "propensity", "retrieval_method")
    drawn = ("assigned_arm", "drawn", "first_token_ms", "fallback_reason")
    assert {name: row[name] for name in same + drawn} == {name: FULL[name] for name in same + drawn}
    assert (row["policy_version"], row["arms"]) == ("12", '{"desk@ad-1":0.25,"desk@base":0.75}')
    assert (row["source_file"], row["source_line"]) == ("interaction_log/2026-10-01/part-0.jsonl", 1)


def test_what_is_not_needed_may_be_missing_or_null(product: Product):
    needed = ("interaction_id", "timestamp", "query", "agent_type")
    bare = {name: interaction("a1")[name] for name in needed}
    nulls = {name: None for name in FULL if name not in needed}
    product.log(bare, {**bare, **nulls, "interaction_id": "a2"})
    assert product.ingest().rows == 2
    for row in product.rows(INTERACTIONS):
        assert row["answer"] is None and row["quality_scores"] is None and row["error"] is False
    assert product.rows(FEEDBACK) == []


def test_unknown_fields_are_no_reason_to_refuse_a_line(product: Product):
    product.log(interaction(extra={"deep": [1]}, type="anything"))
    assert product.ingest().rows == 1


def test_a_rating_and_a_comment_become_feedback_of_the_user(product: Product):
    product.log(interaction("a1", user_rating=4, user_feedback="Nice.", user_id="mary"))
    product.ingest()
    comment, rating = sorted(product.rows(FEEDBACK), key=lambda row: row["kind"])
    assert (rating["kind"], rating["value"], rating["source"]) == ("rating", 0.75, "human")
    assert (comment["kind"], comment["value"], comment["comment"]) == ("comment", None, "Nice.")
    assert rating["rater"] == comment["rater"] == product.rows(INTERACTIONS)[0]["user_id"]
    assert rating["feedback_id"] != comment["feedback_id"]


@pytest.mark.parametrize(("stars", "value"), [(1, 0.0), (3, 0.5), ("5", 1.0)])
def test_stars_are_spread_over_zero_to_one(product: Product, stars, value):
    product.log(interaction(user_rating=stars))
    product.ingest()
    assert product.rows(FEEDBACK)[0]["value"] == value


REFUSED = [
    ("not_json", None, "{"),
    ("not_json", None, ""),
    ("not_json", None, '{"interaction_id": "\\ud800"}'),
    ("not_an_object", "ARRAY", "[1]"),
    ("not_an_object", "VARCHAR", '"a text"'),
    ("not_an_object", "NULL", "null"),
    ("duplicate_key", "interaction_id", '{"interaction_id": "a", "interaction_id": "b"}'),
    ("duplicate_key", "interaction_id", '{"interaction_id": "a", "interaction_id": "b", "user_id": null}'),
    ("duplicate_key", "unknown", '{"interaction_id": "a", "unknown": 1, "unknown": 2}'),
    ("duplicate_key", "interaction_id", '{"interaction_id": null, "interaction_id": null}'),
    *(("missing_field", name, {name: None}) for name in ("interaction_id", "timestamp", "query", "agent_type")),
    ("wrong_type", "interaction_id", {"interaction_id": "  "}),
    ("wrong_type", "interaction_id", {"interaction_id": 1.5}),
    ("bad_timestamp", "timestamp = 'soon'", {"timestamp": "soon"}),
    ("wrong_type", "query", {"query": ["hi"]}),
    ("wrong_type", "answer", {"answer": {"text": "hi"}}),
    ("wrong_type", "latency_ms", {"latency_ms": "fast"}),
    ("out_of_range", "latency_ms", {"latency_ms": -1}),
    ("wrong_type", "tools_used", {"tools_used": "search"}),
    ("wrong_type", "error_occurred", {"error_occurred": "no"}),
    ("wrong_type", "error_message", {"error_message": 500}),
    ("wrong_type", "session_id", {"session_id": True}),
    ("wrong_type", "user_id", {"user_id": {"name": "mary"}}),
    ("out_of_range", "tokens_used", {"tokens_used": -5}),
    ("wrong_type", "cost_usd", {"cost_usd": False}),
    ("wrong_type", "system", {"system": ["Be brief."]}),
    (
        "wrong_type",
        "messages[0] of the role 'robot' is an object with role, content",
        {"messages": [{"role": "robot", "content": "hi"}]},
    ),
    *(("wrong_type", name, {name: 1}) for name in ("context", "category", "task", "segment", "model", "adapter")),
    ("wrong_type", "retrieval_method", {"retrieval_method": []}),
    ("out_of_range", "propensity", {"propensity": 0}),
    ("out_of_range", "propensity", {"propensity": 1.5}),
    ("wrong_type", "drawn", {"drawn": "perhaps"}),
    ("wrong_type", "arms", {"arms": ["desk"]}),
    ("wrong_type", "arms", {"arms": {"desk": {"share": 1}}}),
    ("duplicate_key", "desk", '{"interaction_id": "a", "arms": {"desk": 0.5, "desk": 0.5}}'),
    ("out_of_range", "arms names no arm", {"arms": {}}),
    ("out_of_range", "arms holds a probability that", {"arms": {"desk": -0.5, "base": 1.5}}),
    ("out_of_range", "arms sums to 0.9, not to 1", {"arms": {"desk": 0.5, "base": 0.4}}),
    ("wrong_type", "assigned_arm", {"assigned_arm": 3}),
    ("wrong_type", "policy_version", {"policy_version": 0.5}),
    ("out_of_range", "first_token_ms", {"first_token_ms": -1}),
    ("wrong_type", "fallback_reason", {"fallback_reason": False}),
]


def test_every_fault_is_told_by_its_reason_and_its_field(product: Product):
    lines = [line if isinstance(line, str) else interaction(**line) for *_, line in REFUSED]
    product.log(*lines, interaction("good"))
    ingested = product.ingest()
    rejects = sorted(product.rows(REJECTED_RECORDS), key=lambda row: row["source_line"])
    found = [
        (row["reason"], row["detail"] and row["detail"].partition(" is not between ")[0])
        for row in rejects
        if row["reason"] != "not_json"
    ]
    assert found == [(reason, detail) for reason, detail, _ in REFUSED if reason != "not_json"]
    assert [row["reason"] for row in rejects] == [reason for reason, *_ in REFUSED]
    assert ingested.rows == 1
    assert rejects[0]["raw"] == "{"


def test_a_line_with_two_faults_is_refused_once(product: Product):
    product.log(interaction(query=None, latency_ms=-1))
    assert product.ingest().rejects == {"missing_field": 1}


def test_scores_of_other_ranges_are_brought_to_one_and_kept_as_they_were_said(product: Product):
    metrics = {"overall": Metric(worst=0, best=10), "it's rude": Metric(worst=1, best=-1)}
    product.log(
        interaction("a", quality_scores={"overall": 7, "it's rude": -1, "brand": 0.5}),
        interaction("b", quality_scores={"brand": 0.5}),
        interaction("c", quality_scores={"overall": 10.5}),
        interaction("d", quality_scores={"overall": -1e-12}),
        interaction("e", quality_scores={}),
    )
    ingested = product.ingest(metrics=metrics)
    assert (ingested.rows, ingested.rejects) == (5, {})
    rows = {row["interaction_id"]: row for row in product.rows(INTERACTIONS)}
    scores = {name: row["quality_scores"] and dict(row["quality_scores"]) for name, row in rows.items()}
    assert scores["a"] == {"overall": 0.7, "it's rude": 1.0, "brand": 0.5}
    assert (scores["b"], scores["d"]) == ({"brand": 0.5}, {"overall": 0.0})
    raw = {name: row["raw_scores"] and dict(row["raw_scores"]) for name, row in rows.items()}
    assert raw == {
        "a": {"overall": 7, "it's rude": -1, "brand": 0.5},
        "b": None,
        "c": None,
        "d": {"overall": -1e-12},
        "e": None,
    }


def test_probabilities_sum_to_one_up_to_rounding_and_their_order_is_no_difference(product: Product):
    thirds = {"c": 0.333333, "a": 0.333333, "b": 0.333334}
    product.log(interaction("a1", arms=thirds), interaction("a1", arms=dict(sorted(thirds.items()))))
    product.log(interaction("a2", arms={"a": 0.5, "b": 0.500002}), name="part-1.jsonl")
    ingested = product.ingest()
    assert (ingested.rows, ingested.duplicates, ingested.rejects) == (1, 1, {"out_of_range": 1})
    assert product.rows(INTERACTIONS)[0]["arms"] == '{"a":0.333333,"b":0.333334,"c":0.333333}'


def test_the_probability_of_an_arm_that_the_caller_named_stays_as_it_was_logged(product: Product):
    product.log(interaction("a1", drawn=False, propensity=1, assigned_arm="desk"), interaction("a2", drawn=False))
    product.ingest()
    rows = product.rows(INTERACTIONS)
    assert {row["interaction_id"]: (row["drawn"], row["propensity"]) for row in rows} == {
        "a1": (False, 1.0),
        "a2": (False, None),
    }


def test_an_answer_without_an_arm_has_the_content_that_it_had_before_there_were_arms(product: Product):
    product.log(interaction("a1", propensity=0.5), interaction("a2", drawn=True))
    product.ingest()
    hashes = {row["interaction_id"]: row["content_sha256"] for row in product.rows(INTERACTIONS)}
    assert hashes["a1"] == OLD_HASH
    assert hashes["a2"] != OLD_HASH
