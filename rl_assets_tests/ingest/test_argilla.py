"""Records of Argilla: nested, flattened and of its API; each shape says what its people said, and nothing else."""

from typing import Any

import pytest

from rl_assets.ingest.conversion import LineContext, Records
from rl_assets.ingest.formats.argilla import records
from rl_assets.ingest.parsers import RejectedLineError
from rl_assets.metrics.scales import Metric, Metrics
from rl_assets_tests.support.logs import DAY, Product, Row
from rl_assets_tests.support.vendor_lines import land

ONE = {"prompt": "Name a colour.", "response": "Blue."}
TWO = {"prompt": "Name a colour.", "answer_1": "Blue.", "answer_2": "Seven."}
THREE = {**TWO, "answer_3": "Red."}
BLUE_SEVEN, BLUE_RED, RED_SEVEN = ("Blue.", "Seven."), ("Blue.", "Red."), ("Red.", "Seven.")


def record(fields: Row, responses: Any = None, suggestions: Any = None, **rest: Any) -> Row:
    said = {name: [{"value": value, "user_id": "u"}] for name, value in (responses or {}).items()}
    given = {"id": "r", "fields": fields, "metadata": {}, "suggestions": suggestions or {}, "responses": said}
    return {**given, "vectors": {}, "_server_id": "s", **rest}


def read(row: Row, metrics: Metrics | None = None) -> Records:
    return records(row, LineContext(DAY, metrics or {}))


def events(row: Row) -> list[tuple[Any, ...]]:
    """(kind, dimension, value) of a verdict, (kind, better, worse) of a preference, (kind, text) of a text."""
    shown = []
    for event in read(row).feedback:
        if event["kind"] == "preference":
            shown.append(("preference", event["preferred"], event["rejected"]))
        elif event["kind"] in ("comment", "correction"):
            shown.append((event["kind"], event.get("comment") or event["preferred"]))
        else:
            shown.append((event["kind"], event["dimension"], event["value"]))
    return shown


SHAPES: dict[str, tuple[Row, list[tuple[Any, ...]]]] = {
    "rating": (record(ONE, {"rating": 4}), [("rating", "overall", 0.75)]),
    "ratings of a quality": (record(ONE, {"helpfulness": 5}), [("rating", "helpfulness", 1.0)]),
    "rating as a label": (record(ONE, {"overall_quality": "2"}), [("rating", "overall", 0.25)]),
    "good": (record(ONE, {"verdict": "good"}), [("thumbs", "overall", 1.0)]),
    "bad": (record(ONE, {"verdict": "Bad"}), [("thumbs", "overall", 0.0)]),
    "yes": (record(ONE, {"toxic": "yes"}), [("comment", "toxic: yes")]),
    "labels": (record(ONE, {"tags": ["short", "plain"]}), [("comment", "tags: short, plain")]),
    "correction": (record(ONE, {"correction": "Green."}), [("correction", "Green.")]),
    "rating of another quality": (record(ONE, {"toxicity_score": 5}), [("rating", "toxicity_score", 1.0)]),
    "rating of a quality by name": (record(ONE, {"clarity-rating": 1}), [("rating", "clarity-rating", 0.0)]),
    "verdict on another quality": (record(ONE, {"tone_label": "good"}), [("thumbs", "tone_label", 1.0)]),
    "correction that is a number": (record(ONE, {"corrected_answer": "4"}), [("correction", "4")]),
    "correction that is a verdict elsewhere": (record(ONE, {"rewrite": "Bad"}), [("correction", "Bad")]),
    "correction in JSON": (record(ONE, {"better_response": '{"a": 1}'}), [("correction", '{"a": 1}')]),
    "whether to edit": (record(ONE, {"needs_edit": "no"}), [("comment", "needs_edit: no")]),
    "what to improve": (
        record(ONE, {"what_to_improve": "Should be shorter."}),
        [("comment", "what_to_improve: Should be shorter.")],
    ),
    "comment": (record(ONE, {"notes": "Fine."}), [("comment", "notes: Fine.")]),
    "better": (record(TWO, {"better": "answer_2"}), [("preference", "Seven.", "Blue.")]),
    "better by number": (record(TWO, {"preference": "1"}), [("preference", *BLUE_SEVEN)]),
    "worst": (record(TWO, {"worst": "answer_2"}), [("comment", "worst: answer_2")]),
    "tie": (record(TWO, {"better": "tie"}), [("comment", "better: tie")]),
    "best of three": (
        record(THREE, {"best": "answer_1"}),
        [("preference", *BLUE_SEVEN), ("preference", *BLUE_RED)],
    ),
    "ranking": (
        record(THREE, {"ranking": ["answer_1", "answer_3", "answer_2"]}),
        [("preference", *BLUE_RED), ("preference", *BLUE_SEVEN), ("preference", *RED_SEVEN)],
    ),
    "ranking with ranks": (
        record(THREE, {"q": [{"value": f"answer_{n}", "rank": rank} for n, rank in ((1, 1), (3, 1), (2, 2))]}),
        [("preference", *BLUE_SEVEN), ("preference", *RED_SEVEN)],
    ),
    "labels that are answers": (
        record(TWO, {"fitting": ["answer_1", "answer_2"]}),
        [("comment", "fitting: answer_1, answer_2")],
    ),
    "rating of one of two": (record(TWO, {"rating_answer_2": 1}), [("rating", "overall", 0.0)]),
    "rating of neither": (record(TWO, {"rating": 4}), [("comment", "rating: 4")]),
    "nothing": (record(ONE, {"rating": None, "notes": ""}), []),
    "suggestion of a model": (
        record(ONE, suggestions={"rating": {"value": 2, "score": 0.9, "agent": "gpt"}}),
        [("rating", "overall", 0.25)],
    ),
    "own suggestion": (record(ONE, suggestions={"verdict": {"value": "good", "agent": "rl_assets"}}), []),
    "flattened": (
        {
            **ONE,
            "id": "r",
            "_server_id": "s",
            "segment": "acme",
            "verdict.responses": ["good", "bad", "good"],
            "verdict.responses.users": ["u", "v", "w"],
            "verdict.responses.status": ["submitted", "submitted", "discarded"],
            "verdict.suggestion": "good",
            "verdict.suggestion.agent": "rl_assets",
        },
        [("thumbs", "overall", 1.0), ("thumbs", "overall", 0.0)],
    ),
    "of the API": (
        {
            "id": "s",
            "external_id": "r",
            "fields": ONE,
            "responses": [
                {"user_id": "u", "status": "submitted", "values": {"rating": {"value": 5}}},
                {"user_id": "v", "status": "draft", "values": {"rating": {"value": 1}}},
            ],
            "suggestions": [{"question_name": "rating", "value": 3, "agent": "gpt"}],
        },
        [("rating", "overall", 1.0), ("rating", "overall", 0.5)],
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_record_of_every_shape_says_what_people_said(shape: str):
    row, expected = SHAPES[shape]
    assert events(row) == expected
    assert all(event["interaction_id"].startswith("r") for event in read(row).feedback)
    assert len({event["feedback_id"] for event in read(row).feedback}) == len(expected)


def test_answers_are_the_fields_and_a_text_for_a_bare_prompt_is_one():
    assert [(row["interaction_id"], row["answer"]) for row in read(record(ONE)).answers] == [("r", "Blue.")]
    two = [(row["interaction_id"], row["answer"]) for row in read(record(TWO)).answers]
    assert two == [("r-answer_1", "Blue."), ("r-answer_2", "Seven.")]
    written = read(record({"prompt": "Name a colour."}, {"response": "Green."}))
    assert [row["answer"] for row in written.answers] == ["Green."]
    assert [(event["kind"], event["value"]) for event in written.feedback] == [("thumbs", 1.0)]
    chat = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]
    (answer,) = read(record({"chat": chat})).answers
    assert (answer["prompt"], answer["answer"]) == (chat[:1], "Hello.")
    alpaca = read(record({"instruction": "Translate.", "input": "Hallo", "output": "Hello"})).answers[0]
    assert alpaca["prompt"][0]["content"] == "Translate.\n\nHallo"


def test_a_suggestion_is_a_judges_and_a_response_a_persons():
    row = record(ONE, {"rating": 4}, {"rating": {"value": 2, "agent": "gpt"}}, metadata={"interaction_id": "a-17"})
    said = [(event["source"], event["rater"], event["interaction_id"]) for event in read(row).feedback]
    assert said == [("human", "u", "a-17"), ("judge", "gpt", "a-17")]


def test_a_suggestion_that_names_its_question_by_an_id_alone_is_noted():
    suggestions = [{"question_id": "9a1f", "value": 2}, {"question_name": "rating", "value": 4, "agent": "gpt"}]
    found = read({**record(ONE), "suggestions": suggestions})
    assert [(event["rater"], event["value"]) for event in found.feedback] == [("gpt", 0.75)]
    assert found.notes == ["1 suggestions name their question by an id alone: export the records with the SDK"]


def test_a_rating_has_the_dimension_that_is_configured_for_its_question():
    metrics = {"toxicity_score": Metric(worst=5, best=1, dimension="overall")}
    (event,) = read(record(ONE, {"toxicity_score": 5}), metrics).feedback
    assert (event["dimension"], event["value"]) == ("overall", 0.0)


def test_what_cannot_be_read_is_noted_and_costs_nothing_else():
    row = record(ONE, {"rating": 9, "spans": [{"start": 0, "end": 4, "label": "x"}], "verdict": "good"})
    assert [event["kind"] for event in read(row).feedback] == ["thumbs"]
    assert read(row).notes == [
        "rating = 9.0 is not between 1 and 5",
        "spans is an object with start, end, label",
    ]
    assert read(row, {"rating": Metric(worst=0, best=10)}).feedback[0]["value"] == 0.9


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (record({"picture": "a.png"}), "missing_field: a prompt"),
        ({"id": "r", "status": "pending"}, "unknown_kind: no record of Argilla"),
        (record(ONE, responses=None, metadata=[1]), "wrong_type: metadata"),
    ],
)
def test_a_line_that_is_no_record_is_rejected_by_name(row: Row, error: str):
    with pytest.raises(RejectedLineError, match=error):
        read(row)


def test_an_export_lands_with_every_line(product: Product):
    lines = [
        {**row, "id": f"r-{number}"} for number, (row, _) in enumerate(SHAPES.values()) if "external_id" not in row
    ]
    landed = land(product, "argilla", [*lines, "{", record({"picture": "a.png"})])
    assert (landed.rows, [reason for reason, _ in landed.rejects]) == (len(lines), ["not_json", "missing_field"])
