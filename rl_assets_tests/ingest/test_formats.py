"""Formats that other tools write: what their lines become, and why one is refused."""

import json
from pathlib import Path
from uuid import UUID

import pytest

from rl_assets.metrics.scales import Metric
from rl_assets.tables.records import FEEDBACK, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import DAY, Product, Row

MILLISECONDS = 1_790_848_800_000  # 2026-10-01T10:00:00Z
METRICS = {"rating": Metric(worst=-1, best=1, dimension="overall"), "questions": Metric(worst=21, best=0)}


def uuid7(number: int) -> str:
    return str(UUID(int=(MILLISECONDS << 80) | (7 << 76) | (2 << 62) | number))


def inference(number: int = 1, **fields) -> Row:
    said = {
        "system": {"tone": "kind"},
        "messages": [{"role": "user", "content": [{"type": "text", "value": "Hello?"}]}],
    }
    return {
        "id": uuid7(number),
        "function_name": "greet",
        "variant_name": "v1",
        "episode_id": uuid7(99),
        "input": json.dumps(said),
        "output": json.dumps([{"type": "text", "text": "Good day."}]),
        "processing_time_ms": 12,
        "tags": {},
        **fields,
    }


def verdict(number: int, metric: str, value, target: str = "") -> Row:
    return {"id": uuid7(number), "target_id": target or uuid7(1), "metric_name": metric, "value": value, "tags": {}}


def chat(**fields) -> Row:
    turns = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Good day."}]
    return {"messages": turns, "id": "c1", "created": MILLISECONDS // 1000, **fields}


def message(name: str, role: str, *replies: Row, **fields) -> Row:
    return {"message_id": name, "role": role, "text": f"I am {name}.", "replies": list(replies), **fields}


def trace(**fields) -> Row:
    generation = {"type": "GENERATION", "input": '[{"role": "human", "content": "Hello?"}]', "output": "Good day."}
    return {"trace": {"id": "t1", "timestamp": f"{DAY}T10:00:00Z", **fields}, "observations": [generation]}


def refused(product: Product, log_format: str, *lines: Row | str) -> list[tuple[str, str]]:
    product.log(*lines, log_format=log_format)
    product.ingest(metrics=METRICS)
    rows = sorted(product.rows(REJECTED_RECORDS), key=lambda row: row["source_line"])
    return [(row["reason"], row["detail"]) for row in rows]


def test_a_tensorzero_inference_is_an_answer_whose_time_is_inside_its_id(product: Product):
    product.log(inference(), log_format="tensorzero")
    assert product.ingest().rows == 1
    row = product.rows(INTERACTIONS)[0]
    assert row["prompt"] == [{"role": "system", "content": '{"tone": "kind"}'}, {"role": "user", "content": "Hello?"}]
    assert (row["answer"], row["task"], row["agent"], row["latency_ms"]) == ("Good day.", "greet", "v1", 12)
    assert row["answered_at"].isoformat() == "2026-10-01T10:00:00+00:00"
    assert row["session_id"] == uuid7(99)


def test_tensorzero_feedback_of_every_kind_is_read(product: Product):
    product.log(
        verdict(2, "rating", -0.5),
        verdict(3, "solved", True),
        verdict(4, "questions", 21),
        verdict(4, "tensorzero::evaluation_name::x", 1),
        {"id": uuid7(5), "target_id": uuid7(1), "target_type": "inference", "value": "Nice."},
        {"id": uuid7(6), "inference_id": uuid7(1), "value": json.dumps([{"type": "text", "text": "Hi!"}])},
        log_format="tensorzero",
    )
    assert product.ingest(metrics=METRICS).rows == 6
    rows = sorted(product.rows(FEEDBACK), key=lambda row: row["source_line"])
    assert [(row["kind"], row["value"], row["raw_value"], row["dimension"], row["source"]) for row in rows] == [
        ("reward", 0.25, -0.5, "overall", "human"),
        ("reward", 1.0, 1.0, "solved", "human"),
        ("reward", 0.0, 21.0, "questions", "human"),
        ("reward", 1.0, 1.0, "tensorzero::evaluation_name::x", "judge"),
        ("comment", None, None, "overall", "human"),
        ("correction", None, None, "overall", "human"),
    ]
    assert (rows[4]["comment"], rows[5]["preferred"]) == ("Nice.", "Hi!")


def test_every_fault_of_a_tensorzero_row_is_told(product: Product):
    assert refused(
        product,
        "tensorzero",
        inference(id=None),
        inference(id="x"),
        inference(id="00000000-0000-4000-8000-000000000000"),
        inference(input="{"),
        inference(output=None),
        inference(input='{"messages": [{"role": "robot", "content": "x"}]}'),
        verdict(2, "rating", 1.5),
        verdict(3, "rating", "good"),
        {**inference(), "dataset_name": "d"},
        {"key": "k", "value": "v"},
        {"id": uuid7(7)},
        '{"id": 1, "id": 2}',
        '{"function_name": {"a": 1, "a": 2}}',
        '{"id": "\\ud800"}',
        "[]",
    ) == [
        ("missing_field", "id"),
        ("wrong_type", "id"),
        ("bad_timestamp", "id"),
        ("wrong_type", "input"),
        ("missing_field", "output"),
        ("wrong_type", "input.role"),
        ("out_of_range", "rating = 1.5 is not between -1 and 1"),
        ("wrong_type", "value"),
        ("unknown_kind", "a datapoint"),
        ("unknown_kind", "a tag"),
        ("unknown_kind", "neither an inference (function_name) nor feedback (metric_name, inference_id, target_type)"),
        ("duplicate_key", "id"),
        ("duplicate_key", "a"),
        ("not_json", "a lone surrogate"),
        ("not_an_object", "list"),
    ]


def test_a_stored_completion_is_an_answer_with_its_feedback(product: Product):
    feedback = {"rating": 4, "thumbs": "down", "comment": "Fine.", "correction": "Hi!", "user_id": "mary"}
    product.log(chat(feedback=feedback, usage={"total_tokens": 7}), log_format="openai_chat")
    assert product.ingest().rows == 1
    row = product.rows(INTERACTIONS)[0]
    assert (row["prompt"], row["answer"], row["tokens"]) == ([{"role": "user", "content": "Hello?"}], "Good day.", 7)
    assert {act["kind"]: act["value"] for act in product.rows(FEEDBACK)} == {
        "rating": 0.75,
        "thumbs": 0.0,
        "comment": None,
        "correction": None,
    }
    assert len({act["rater"] for act in product.rows(FEEDBACK)}) == 1


def test_a_fine_tuning_file_needs_no_ids_and_no_times(product: Product):
    lines = [chat(id=None, created=None), chat(id=None, created=None, model="m")]
    product.log(*lines, lines[0], log_format="openai_chat")
    ingested = product.ingest()
    assert (ingested.rows, ingested.duplicates, ingested.outside_day) == (2, 1, 0)


def test_every_fault_of_a_completion_is_told(product: Product):
    question = [{"role": "user", "content": "Hello?"}]
    assert refused(
        product,
        "openai_chat",
        chat(messages=None),
        chat(messages="x"),
        chat(messages=question),
        chat(messages=[*question, {"role": "assistant", "content": 5}]),
        chat(created="soon"),
        chat(created=1e300),
    ) == [
        ("missing_field", "messages"),
        ("wrong_type", "messages"),
        ("missing_field", "an assistant's message at the end"),
        ("wrong_type", "messages.content"),
        ("bad_timestamp", "created = 'soon'"),
        ("bad_timestamp", "created = 1e+300"),
    ]


def test_a_tree_is_one_line_with_an_answer_for_every_reply(product: Product):
    replies = [message("a", "assistant", rank=1), message("b", "assistant", message("c", "prompter"), rank=0)]
    replies[1]["replies"][0]["replies"] = [message("d", "assistant")]
    gone = message("e", "assistant", message("f", "prompter"), deleted=True)
    tree = {"message_tree_id": "t", "prompt": message("q", "prompter", *replies, gone)}
    product.log(tree, tree, log_format="oasst_trees")
    ingested = product.ingest()
    assert (ingested.lines, ingested.rows, ingested.duplicates) == (2, 1, 1)
    rows = {row["interaction_id"]: row for row in product.rows(INTERACTIONS)}
    assert sorted(rows) == ["a", "b", "d"]
    assert [turn["content"] for turn in rows["d"]["prompt"]] == ["I am q.", "I am b.", "I am c."]
    assert {act["interaction_id"]: act["value"] for act in product.rows(FEEDBACK)} == {"a": 0.0, "b": 1.0}


def test_an_endless_tree_and_one_that_repeats_itself_are_refused(product: Product):
    deep = message("0", "assistant")
    for number in range(1, 250):
        deep = message(str(number), "prompter", deep)
    twice = message("q", "prompter", message("a", "assistant"), message("a", "assistant"))
    lines = [{"prompt": deep}, {"prompt": twice}, {"prompt": None}, {"prompt": message("q", "robot")}]
    assert [reason for reason, _ in refused(product, "oasst_trees", *lines)] == [
        "too_long",
        "duplicate_key",
        "missing_field",
        "wrong_type",
    ]


def test_a_trace_is_one_answer_with_its_scores_and_corrections(product: Product):
    scores = [
        {"id": "s1", "name": "rating", "value": 0, "source": "EVAL", "dataType": "NUMERIC"},
        {"id": "s2", "name": "mood", "value": 0, "source": "API", "dataType": "CATEGORICAL", "stringValue": "glad"},
    ]
    corrections = [{"id": "s3", "longStringValue": "Hi!"}]
    product.log(trace(scores=scores, corrections=corrections, userId="mary"), log_format="langfuse")
    assert product.ingest(metrics=METRICS).rows == 1
    row = product.rows(INTERACTIONS)[0]
    assert (row["prompt"], row["answer"]) == ([{"role": "user", "content": "Hello?"}], "Good day.")
    acts = {act["feedback_id"]: act for act in product.rows(FEEDBACK)}
    assert (acts["s1"]["value"], acts["s1"]["raw_value"], acts["s1"]["source"]) == (0.5, 0.0, "judge")
    assert (acts["s2"]["kind"], acts["s2"]["comment"]) == ("comment", "glad")
    assert (acts["s3"]["kind"], acts["s3"]["preferred"]) == ("correction", "Hi!")


def test_every_fault_of_a_trace_is_told(product: Product):
    silent = {**trace(), "observations": []}
    assert refused(product, "langfuse", trace(id=None), trace(timestamp=None), silent, {"id": "t", "tags": "x"}) == [
        ("missing_field", "id"),
        ("missing_field", "timestamp"),
        ("missing_field", "a generation whose input and output can be read: input is nothing"),
        ("missing_field", "timestamp"),
    ]


def landed(product: Product, log_format: str, files: dict[str, bytes]):
    for name, written in files.items():
        product.log(written.rstrip(b"\n"), log_format=log_format, name=name)
    return product.ingest(metrics={"haiku_rating": Metric(worst=-1, best=1), "num_questions": Metric(worst=21, best=0)})


def test_a_published_gateway_log_is_taken_in_to_its_last_line(product: Product, published_data: Path):
    files = {path.name: path.read_bytes() for path in (published_data / "logs-tensorzero").glob("*.jsonl")}
    ingested = landed(product, "tensorzero", files)
    answers, acts = ingested.published["interactions"].rows, ingested.published["feedback"].rows
    assert ingested.lines == 4856
    assert (answers, acts + ingested.rejects.get("out_of_range", 0)) == (866 + 908, 769 + 604 + 26 + 363)
    assert ingested.rejects["unknown_kind"] == 1320


def test_published_trees_give_every_reply_of_an_assistant(product: Product, published_data: Path):
    ingested = landed(
        product, "oasst_trees", {"t.jsonl": (published_data / "pref-oasst-trees/trees.jsonl").read_bytes()}
    )
    assert (ingested.rows, ingested.published["interactions"].rows) == (56, 348)


def test_published_traces_of_ten_frameworks_give_an_answer_each(product: Product, published_data: Path):
    paths = sorted((published_data / "logs-langfuse-traces").glob("*.trace.json"))
    lines = {path.stem + ".jsonl": json.dumps(json.loads(path.read_text(encoding="utf-8"))).encode() for path in paths}
    ingested = landed(product, "langfuse", lines)
    assert (ingested.lines, ingested.rows, ingested.rejects) == (10, 10, {})
    assert all(row["answer"] for row in product.rows(INTERACTIONS))


def test_a_metric_needs_two_ends():
    with pytest.raises(ValueError, match="a metric needs a range"):
        Metric(worst=1, best=1)


@pytest.mark.parametrize(("raw", "value"), [(21, 0.0), (0, 1.0), (10.5, 0.5), (22, None), (-1, None)])
def test_a_metric_may_be_better_when_it_is_smaller(raw, value):
    assert METRICS["questions"].value(raw) == value
