"""Exports of Langfuse: which generation is the answer of a trace, what its scores are, and files that are joined."""

import json
from typing import Any

import pytest

from rl_assets.ingest.formats.langfuse import FIELDS, joined_records, records
from rl_assets.ingest.parsers import RejectedLineError
from rl_assets.ingest.unread_fields import joined_fields
from rl_assets.lake.delta import Lake
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.langfuse_lines import (
    CONTEXT,
    TIME,
    answer_of,
    events_of,
    generation,
    said,
    score,
    trace,
)
from rl_assets_tests.support.logs import DAY, Product, Row
from rl_assets_tests.support.vendor_lines import Landed, turns

CUT = {"choices": [{"message": {"role": "assistant", "content": "It has"}, "finish_reason": "length"}]}


TITLE = generation(
    said("Spider legs"),
    f"{DAY}T09:00:03Z",
    [{"role": "user", "content": "Write a short title for this chat: How many legs has a spider? Eight."}],
)
LATER: dict[str, Row] = {
    "what the trace returned": trace(generation(said("Eight.")), TITLE, output=said("Eight.")),
    "a title by its task": trace(generation("Eight."), TITLE),
    "a title by its name": trace(generation("Eight."), {**TITLE, "input": "Spiders?", "name": "generate_title"}),
    "with fractions": trace(
        generation("Seven.", f"{DAY}T09:00:01Z"), generation("Eight.", f"{DAY}T09:00:01.500Z"), generation("Two.", TIME)
    ),
    "with offsets": trace(generation("Seven.", f"{DAY}T09:30:00Z"), generation("Eight.", f"{DAY}T11:45:00+02:00")),
    "a time is missing": trace(generation("Seven.", None), generation("Eight.", TIME)),
    "changed by the product": trace(generation("I may not say."), input="Legs?", output="Eight."),
    "with a frame": trace(generation("Eight."), TITLE, output="<generator object run at 0x7f00aa>"),
    "text alone": trace(input="Legs?", output={"answer": "Eight.", "sources": ["zoo"]}),
    "all are side tasks": trace({**TITLE, "name": "title", "output": "Eight."}),
    "of the root": trace({"type": "AGENT", "id": "r", "input": "Legs?", "output": "Eight."}),
}


@pytest.mark.parametrize("case", LATER)
def test_the_answer_of_a_trace_is_what_its_user_saw(case: str):
    assert answer_of(LATER[case])["answer"] == "Eight."


@pytest.mark.parametrize(
    "line",
    [
        trace(generation({"choices": []}, TIME), TITLE, output="Eight."),
        trace({**generation("Eight."), "type": "SPAN"}, TITLE, output="Eight."),
        trace(generation("Seven.", TIME), generation({"choices": []}, f"{DAY}T09:00:01Z")),
    ],
)
def test_a_trace_whose_answer_cannot_be_read_has_no_other_generation_for_it(line: Row):
    with pytest.raises(RejectedLineError, match="missing_field: a generation"):
        records(line, CONTEXT)


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({"dataType": "NUMERIC"}, ("reward", 1.0, None)),
        ({"dataType": "BOOLEAN", "stringValue": "True"}, ("reward", 1.0, None)),
        ({"dataType": "BOOLEAN", "value": True}, ("reward", 1.0, None)),
        ({"dataType": "BOOLEAN", "value": "false"}, ("reward", 0.0, None)),
        ({"dataType": "CATEGORICAL", "value": 0, "stringValue": "helpful"}, ("comment", None, "helpful")),
        ({"dataType": "CATEGORICAL", "value": "helpful", "comment": "Yes."}, ("comment", None, "helpful: Yes.")),
        ({"dataType": "TEXT", "value": "too long"}, ("comment", None, "too long")),
        ({"value": "0.5"}, ("reward", 0.5, None)),
        ({"value": "fine"}, ("comment", None, "fine")),
        ({"value": None, "stringValue": "fine", "source": None}, ("comment", None, "fine")),
        ({"source": "annotation"}, ("reward", 1.0, None)),
    ],
)
def test_a_score_is_a_reward_or_a_comment_by_its_type(fields: Row, event: tuple[Any, ...]):
    ((answer, kind, value, dimension, comment),) = events_of(trace(generation("Eight."), scores=[score(**fields)]))
    assert (answer, dimension, (kind, value, comment)) == ("t", "overall", event)


@pytest.mark.parametrize(
    ("bad", "note"),
    [
        (score("stars", 9), "stars = 9.0 is not between 1 and 5"),
        (score("stars", None), "feedback: missing_field: value of the score 'stars'"),
        (score(source="ORACLE"), "feedback: unknown_kind: scores.source 'ORACLE' is none of EVAL, ANNOTATION, API"),
        (score(value="maybe", dataType="BOOLEAN"), "feedback: wrong_type: overall = maybe is no boolean"),
        (score(dataType="CATEGORICAL", value=3), "feedback: missing_field: stringValue of the score 'overall'"),
        ({"name": "overall"}, "feedback: missing_field: id of a score"),
        (score(timestamp="yesterday"), "feedback: bad_timestamp: timestamp = 'yesterday'"),
        (7, "feedback: scores holds int"),
    ],
)
def test_a_bad_score_costs_neither_the_answer_nor_other_scores(bad: Any, note: str):
    read = records(trace(generation("Eight."), scores=[bad, score("tone")]), CONTEXT)
    assert [row["answer"] for row in read.answers] == ["Eight."]
    assert ([event["dimension"] for event in read.feedback], read.notes) == (["tone"], [note])


def test_a_score_on_an_inner_observation_is_not_the_answers():
    root = {"id": "root", "type": "AGENT", "output": "Eight.", "startTime": TIME}
    search = {"id": "search", "type": "RETRIEVER", "output": "a text", "parentObservationId": "root"}
    chat = generation("Eight.", id="chat", parentObservationId="root")
    names = {None: "t", "": "t", "root": "t", "chat": "t", "search": "search", "gone": "gone"}
    scores = [score(str(name), observationId=name) for name in names]
    found = events_of(trace(root, search, chat, scores=scores))
    assert [(dimension, answer) for answer, _, _, dimension, _ in found] == [
        (str(inner), target) for inner, target in names.items()
    ]


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        (generation("Sorry.", level="ERROR", statusMessage="timeout"), ("Sorry.", True, "timeout")),
        (generation(None, level="ERROR", statusMessage="timeout"), (None, True, "timeout")),
        (generation("Eight.", level="WARNING"), ("Eight.", False, None)),
    ],
)
def test_an_observation_that_failed_is_an_answer_with_an_error(observation: Row, expected: tuple[Any, ...]):
    row = answer_of(trace(observation))
    assert (row["answer"], row["error"], row["error_message"]) == expected


@pytest.mark.parametrize(
    ("fields", "tokens", "cost"),
    [
        ({"totalUsage": 7, "totalCost": 0.5}, 7, 0.5),
        ({"usageDetails": {"input": 3, "output": 4, "total": 7}, "costDetails": {"total": 0.5}}, 7, 0.5),
        ({"usageDetails": '{"input": "3", "output": "4"}', "calculatedTotalCost": "0.5"}, 7, 0.5),
        ({"usage": {"promptTokens": 3, "totalTokens": 7, "unit": "TOKENS"}}, 7, None),
        ({"usage": {"total": 7, "unit": "CHARACTERS"}}, None, None),
    ],
)
def test_tokens_and_costs_are_read_of_every_version(fields: Row, tokens: int | None, cost: float | None):
    row = answer_of(trace(generation("Eight.", model="m", **fields)))
    assert (row["model"], row["tokens"], row["cost_usd"]) == ("m", tokens, cost)


def test_an_answer_that_was_cut_off_says_so():
    lines = [trace(generation(CUT)), trace(generation(json.dumps(CUT)))]
    attributes = {"attributes": {"gen_ai.response.finish_reasons": '["max_tokens"]'}}
    lines.append(trace(generation("It has", metadata=attributes)))
    assert [(row["answer"], row["finish_reason"]) for row in map(answer_of, lines)] == [("It has", "length")] * 3


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (trace(generation({"choices": []})), "output is an object with choices"),
        (trace(generation("x", given={"size": 3, "colour": 4})), "input is an object with size, colour"),
        (trace(generation("x", given=[{"role": "robot", "content": "?"}])), "input[0] of the role 'robot'"),
        (trace(generation(None)), "output is nothing"),
        (trace(), "input is nothing"),
        (trace(generation("x", "noon")), "startTime = 'noon'"),
        (
            {"spanId": "x"},
            "no trace, observation or score of Langfuse: an object with spanId",
        ),
        ({"trace": "t-1", "observations": []}, "trace is a text"),
    ],
)
def test_a_line_that_cannot_be_read_names_the_shape_that_it_met(line: Row, detail: str):
    with pytest.raises(RejectedLineError) as refused:
        records(line, CONTEXT)
    assert detail in refused.value.detail


def test_the_list_of_traces_names_observations_and_scores_by_id():
    line = {"id": "t", "timestamp": TIME, "input": "Legs?", "output": "Eight.", "observations": ["o"], "scores": ["s"]}
    read = records(line, CONTEXT)
    assert ([row["answer"] for row in read.answers], read.feedback, read.notes) == (["Eight."], [], [])


def test_scores_that_are_columns_of_an_exported_table_are_read():
    line = {"id": "t", "timestamp": TIME, "input": "Legs?", "output": "Eight.", "observationCount": 1, "tone": [0.5]}
    assert events_of({**line, "grade": ["good"], "tags": ["beta"], "empty": None}) == [
        ("t", "reward", 0.5, "tone", None),
        ("t", "comment", None, "grade", "good"),
    ]


def test_observations_of_one_trace_are_one_answer_whatever_their_order():
    common = {"traceId": "t", "traceName": "bot", "userId": "mary", "traceTimestamp": TIME}
    rows = [
        {**TITLE, "id": "o2", **common},
        {**generation("Eight."), "id": "o1", **common, "tone": [1.0]},
        {"id": "o0", "type": "SPAN", **common, "startTime": TIME, "recall": [0.5]},
    ]
    read = joined_records(rows, CONTEXT)
    answers = [outcome.answers[0] for outcome in read]
    assert [(row["interaction_id"], row.get("answer"), row.get("user_id")) for row in answers] == [
        ("t", None, None),
        ("t", "Eight.", "mary"),
        ("t", None, None),
    ]
    events = [(event["interaction_id"], event["dimension"], event["value"]) for event in read[1].feedback]
    assert events == [("t", "tone", 1.0), ("o0", "recall", 0.5)]


def test_fields_of_every_export_are_known_and_others_are_not():
    line = {"id": "t", "trace_id": "x", "userId": "u", "user_id": "u", "provided_model_name": "m"}
    assert joined_fields(line, FIELDS) is None
    assert "user_idd" in str(joined_fields({**line, "user_idd": "u"}, FIELDS))
    assert "trace.userid" in str(joined_fields({"trace": {"id": "t", "userid": "u"}}, FIELDS))


ASKING, ANSWER = (
    '[{"role": "user", "content": "Where is my parcel?"}]',
    '{"role": "assistant", "content": "In depot 3."}',
)
BLOB_TIME = f"{DAY} 09:00:00.000000"
BLOB: dict[str, list[Row]] = {
    "traces.jsonl": [
        {"id": "b-1", "timestamp": BLOB_TIME, "name": "bot", "user_id": "mary", "session_id": "sess-1", "input": ASKING}
        | {"output": ANSWER, "release": "", "metadata": {}},
    ],
    "observations.jsonl": [
        {"id": "o-1", "trace_id": "b-1", "type": "GENERATION", "start_time": BLOB_TIME, "input": ASKING}
        | {"output": ANSWER, "provided_model_name": "m", "usage_details": {"total": "9"}, "parent_observation_id": "r"},
        {"id": "r", "trace_id": "b-1", "type": "SPAN", "start_time": BLOB_TIME, "parent_observation_id": ""},
        {"id": "o-9", "trace_id": "b-9", "type": "GENERATION", "start_time": BLOB_TIME, "input": ASKING}
        | {"output": ANSWER},
    ],
    "observations_v2.jsonl": [
        {"id": "o-2", "trace_id": "b-2", "type": "GENERATION", "start_time": BLOB_TIME, "input": ASKING}
        | {"output": ANSWER, "user_id": "mary", "session_id": "sess-1", "trace_name": "bot"},
    ],
    "scores.jsonl": [
        {"id": "s-1", "timestamp": BLOB_TIME, "trace_id": "b-1", "observation_id": None, "name": "overall", "value": 1}
        | {"source": "API", "data_type": "NUMERIC"},
        {"id": "s-2", "timestamp": BLOB_TIME, "trace_id": None, "session_id": "sess-1", "name": "mood", "value": 1}
        | {"source": "API", "data_type": "BOOLEAN"},
        {"id": "s-3", "timestamp": BLOB_TIME, "trace_id": "b-2", "observation_id": "o-2", "name": "overall", "value": 0}
        | {"source": "API", "data_type": "NUMERIC"},
        {"id": "s-4", "timestamp": BLOB_TIME, "name": "overall", "value": 0, "source": "API", "data_type": "NUMERIC"},
    ],
}


@pytest.fixture(scope="module")
def blob_export(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    """A day of the scheduled export, in files of their own."""
    folder = tmp_path_factory.mktemp("blob")
    product = Product(folder / "landing", Lake(str(folder / "lake")))
    for name, lines in BLOB.items():
        product.log(*lines, log_format="langfuse", name=name)
    day = product.ingest()
    files = product.rows(INGESTED_FILES)
    assert all(file["lines"] == file["rows"] + file["duplicates"] + file["rejects"] for file in files)
    rejects = [(row["reason"], row["detail"]) for row in product.rows(REJECTED_RECORDS)]
    return Landed(product.rows(INTERACTIONS), product.rows(FEEDBACK), rejects, day.rows, day.duplicates)


def test_files_of_the_blob_storage_export_are_joined(blob_export: Landed):
    rows = {row["interaction_id"]: row for row in blob_export.interactions}
    assert {name: (turns(row), row["answer"]) for name, row in rows.items()} == {
        name: ([("user", "Where is my parcel?")], "In depot 3.") for name in ("b-1", "b-2")
    }
    assert {(row["agent"], row["session_id"], len(row["user_id"])) for row in rows.values()} == {("bot", "sess-1", 64)}
    assert (rows["b-1"]["model"], rows["b-1"]["tokens"]) == ("m", 9)
    values = {row["feedback_id"]: (row["interaction_id"], row["value"]) for row in blob_export.feedback}
    assert values == {"s-1": ("b-1", 1.0), "s-2": ("sess-1", 1.0), "s-3": ("b-2", 0.0)}
    assert (blob_export.rows, blob_export.duplicates) == (5, 2)


def test_an_observation_without_the_user_of_its_trace_is_no_answer(blob_export: Landed):
    assert sorted(reason for reason, _ in blob_export.rejects) == ["missing_field", "missing_field"]
    assert [detail for _, detail in blob_export.rejects if "a blob storage export without its trace" in detail]
