"""Tasks of Label Studio: each template for language models in JSON and in JSON-MIN."""

from typing import Any

import pytest

from rl_assets.ingest.conversion import LineContext
from rl_assets.ingest.formats.label_studio import records
from rl_assets.ingest.parsers import RejectedLineError
from rl_assets_tests.support.logs import DAY, Product, Row
from rl_assets_tests.support.vendor_lines import land

ONE = {"prompt": "Name a colour.", "response": "Blue."}
PAIR = {"prompt": "Name a colour.", "answer1": "Blue.", "answer2": "Seven."}
ITEMS = {
    "prompt": "Name a colour.",
    "items": [
        {"id": "a", "title": "Model A", "body": "Blue."},
        {"id": "b", "title": "Model B", "body": "Seven."},
        {"id": "c", "title": "Model C", "body": "Red."},
    ],
}
RANKED = [("preference", *pair) for pair in (("Red.", "Blue."), ("Red.", "Seven."), ("Blue.", "Seven."))]


def result(kind: str, value: Any, name: str = "q", to_name: str = "text") -> Row:
    return {"type": kind, "from_name": name, "to_name": to_name, "value": value}


def task(data: Row, *results: Row, **fields: Any) -> Row:
    annotation = {"id": 70, "completed_by": 3, "was_cancelled": False, "result": list(results)}
    return {"id": 7, "data": data, "annotations": [{**annotation, "created_at": f"{DAY}T09:00:00.5Z", **fields}]}


def flat(data: Row, **values: Any) -> Row:
    return {**data, "id": 7, **values, "annotator": 3, "annotation_id": 70, "lead_time": 2.5}


def events(row: Row) -> list[tuple[Any, ...]]:
    shown = []
    for event in records(row, LineContext(DAY, {})).feedback:
        own = {"preference": ("preferred", "rejected"), "comment": ("comment",), "correction": ("preferred",)}
        shown.append((event["kind"], *(event[name] for name in own.get(event["kind"], ("dimension", "value")))))
    return shown


SHAPES: dict[str, tuple[Row, list[tuple[Any, ...]]]] = {
    "pairwise": (
        task(PAIR, result("pairwise", {"selected": "right"}, "pw", "answer1,answer2")),
        [("preference", "Seven.", "Blue.")],
    ),
    "pairwise, turned round": (
        task(PAIR, result("pairwise", {"selected": "left"}, "pw", "answer2,answer1")),
        [("preference", "Seven.", "Blue.")],
    ),
    "pairwise, other names": (
        task(PAIR, result("pairwise", {"selected": "left"}, "pw", "txt-1,txt-2")),
        [("preference", "Blue.", "Seven.")],
    ),
    "rating": (task(ONE, result("rating", {"rating": 4}, "rating", "response")), [("rating", "overall", 0.75)]),
    "rating of one answer": (
        task(PAIR, result("rating", {"rating": 1}, "stars", "answer2")),
        [("rating", "overall", 0.0)],
    ),
    "ranker": (task(ITEMS, result("ranker", {"ranker": {"rank": ["c", "a", "b"]}}, "rank")), RANKED),
    "ranker without a list's name": (task(ITEMS, result("ranker", {"ranker": ["c", "a", "b"]}, "rank")), RANKED),
    "min, the id and a number": (
        {"id": 7, **ONE, "quality": 4, "annotator": 3, "annotation_id": 70},
        [("rating", "overall", 0.75)],
    ),
    "buckets": (
        task(ITEMS, result("ranker", {"ranker": {"_": ["b"], "fitting": ["a"], "biased": ["c"]}}, "rank")),
        [("comment", "rank: _: b; fitting: a; biased: c")],
    ),
    "choice": (task(ONE, result("choices", {"choices": ["Good answer"]}, "chc")), [("thumbs", "chc", 1.0)]),
    "choices": (task(ONE, result("choices", {"choices": ["Short", "Dry"]}, "tags")), [("comment", "tags: Short, Dry")]),
    "correction": (task(ONE, result("textarea", {"text": ["Green."]}, "correction")), [("correction", "Green.")]),
    "correction that is a number": (
        task(ONE, result("textarea", {"text": ["4"]}, "corrected_answer", "response")),
        [("correction", "4")],
    ),
    "correction that is a larger number": (
        task(ONE, result("textarea", {"text": ["42"]}, "corrected_answer", "response")),
        [("correction", "42")],
    ),
    "correction that is a verdict elsewhere": (
        task(ONE, result("textarea", {"text": ["bad"]}, "corrected_answer", "response")),
        [("correction", "bad")],
    ),
    "written number": (task(ONE, result("textarea", {"text": ["4"]}, "why")), [("comment", "why: 4")]),
    "choice of a revision": (
        task(ONE, result("choices", {"choices": ["Yes"]}, "needs_revision")),
        [("comment", "needs_revision: Yes")],
    ),
    "choice that is named like a text": (
        task(ONE, result("choices", {"choices": ["Yes"]}, "correction")),
        [("comment", "correction: Yes")],
    ),
    "number that was chosen": (
        task(ONE, result("choices", {"choices": ["4"]}, "rating")),
        [("rating", "overall", 0.75)],
    ),
    "min correction in JSON": (flat(ONE, correction='{"a": 1}'), [("correction", '{"a": 1}')]),
    "min correction that is a number": (flat(ONE, correction=[{"text": ["4"]}]), [("correction", "4")]),
    "taxonomy": (
        task(ONE, result("taxonomy", {"taxonomy": [["Tone", "Dry"]]}, "kind")),
        [("comment", "kind: Tone / Dry")],
    ),
    "number": (task(ONE, result("number", {"number": 3}, "score")), [("rating", "overall", 0.5)]),
    "skipped": (task(ONE, result("rating", {"rating": 4}), was_cancelled=True), []),
    "a region": (task(ONE, result("labels", {"start": 0, "end": 3, "labels": ["x"]})), []),
    "prediction": (
        {"id": 7, "data": ONE, "predictions": [{"model_version": "m", "result": [result("rating", {"rating": 2})]}]},
        [("rating", "q", 0.25)],
    ),
    "min pairwise": (flat(PAIR, pw=[{"selected": "left"}]), [("preference", "Blue.", "Seven.")]),
    "min rating": (flat(ONE, rating=[{"rating": 4}]), [("rating", "overall", 0.75)]),
    "min ranker": (flat(ITEMS, rank=[{"ranker": {"rank": ["c", "a", "b"]}}]), RANKED),
    "min choice": (flat(ONE, verdict="Good", tone="Dry"), [("thumbs", "overall", 1.0), ("comment", "tone: Dry")]),
    "min choices": (flat(ONE, tags={"choices": ["Short", "Dry"]}), [("comment", "tags: Short, Dry")]),
    "min correction": (flat(ONE, correction="Green."), [("correction", "Green.")]),
    "min, id first": (
        {"id": 7, **ONE, "source": "web", "rating": [{"rating": 4}], "annotator": 3},
        [("rating", "overall", 0.75)],
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_task_of_every_template_says_what_people_said(shape: str):
    row, expected = SHAPES[shape]
    assert events(row) == expected
    feedback = records(row, LineContext(DAY, {})).feedback
    assert len({event["feedback_id"] for event in feedback}) == len(expected)
    assert {(event["source"], event["rater"]) for event in feedback} <= {("human", "3"), ("judge", "m")}


def test_answers_are_those_of_the_data_and_a_text_for_a_bare_prompt_is_one():
    read = records(task(ITEMS), LineContext(DAY, {}))
    assert [row["answer"] for row in read.answers] == ["Blue.", "Seven.", "Red."]
    bare = {"prompt": "Name a colour."}
    for row in (task(bare, result("textarea", {"text": ["Green."]}, "answer")), flat(bare, answer="Green.")):
        written = records(row, LineContext(DAY, {}))
        assert [each["answer"] for each in written.answers] == ["Green."]
        assert [(event["kind"], event["value"]) for event in written.feedback] == [("thumbs", 1.0)]


def test_the_events_of_a_task_have_the_time_and_the_person_of_their_annotation():
    row = task(ONE, result("rating", {"rating": 4}), completed_by={"id": 5, "email": "ann@example.com"})
    (event,) = records(row, LineContext(DAY, {})).feedback
    assert (event["given_at"].isoformat(), event["rater"]) == (f"{DAY}T09:00:00.500000+00:00", "5")


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ({"id": 1, "data": {"image": "a.png"}, "annotations": []}, "missing_field: a prompt .* an object with image"),
        ({"id": 1, "rating": 3}, "unknown_kind: no task of Label Studio"),
        ({"id": 1, "data": ONE, "annotations": "none"}, "wrong_type: annotations is a text"),
    ],
)
def test_a_line_that_is_no_task_is_rejected_by_name(row: Row, error: str):
    with pytest.raises(RejectedLineError, match=error):
        records(row, LineContext(DAY, {}))


def test_an_export_lands_as_an_array_and_as_lines(product: Product):
    lines = [{**row, "id": number} for number, (row, _) in enumerate(SHAPES.values())]
    landed = land(product, "label_studio", [*lines, {"id": 99, "data": {"image": "a.png"}}])
    assert (landed.rows, [reason for reason, _ in landed.rejects]) == (len(lines), ["missing_field"])
