"""Log format `label_studio`: tasks that people annotated in Label Studio, as it exports them (JSON or JSON-MIN).

Source: labelstud.io/guide/task_format and /guide/export, and the results of the tags Pairwise, Rating, Ranker, Choices,
Taxonomy and TextArea, which the templates for generative AI use.
JSON: {id, data: {prompt, answer1, ...}, annotations: [{id, completed_by: number or {id, email}, result: [{type,
from_name, to_name, value: {rating, choices, text, selected: left or right, ranker}}], was_cancelled, created_at,
updated_at}], predictions?: [{model_version, result}], created_at, project}. JSON-MIN, one annotation per line: {data's
fields, id, <name of a tag>: value, annotator, annotation_id, created_at, updated_at, lead_time}, in this order.

What fields and values mean is said in `rl_assets.ingest.annotations`. The left of a pair is the first of `to_name`. A
skipped annotation is not read, predictions are a judge's. The id of an answer is `interaction_id` among the data, else
`label-studio-` and the task's.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rl_assets.ingest.annotation_questions import OVERALL, is_correction
from rl_assets.ingest.annotations import Answered, Form, Task, read_task, task_records
from rl_assets.ingest.conversion import LineContext, Records
from rl_assets.ingest.message_shapes import decode
from rl_assets.ingest.parsers import Json, RejectedLineError, identifier, is_missing, timestamp
from rl_assets.ingest.vendor_fields import first_of, object_in, objects_in, shape_of

FIELDS = (
    *("id", "data", "annotations", "predictions", "drafts", "meta", "project", "created_at", "updated_at", "inner_id"),
    *(
        "file_upload",
        "total_annotations",
        "cancelled_annotations",
        "total_predictions",
        "comment_count",
        "completed_at",
    ),
    *("unresolved_comment_count", "last_comment_updated_at", "updated_by", "comment_authors", "annotators", "overlap"),
    *(
        "is_labeled",
        "allow_skip",
        "annotator",
        "annotation_id",
        "lead_time",
        "agreement",
        "state",
        "precomputed_agreement",
    ),
)
FIELDS_ARE_OF = "data"
MIN_FIELDS = ("annotation_id", "annotator", "lead_time")
COLUMNS = ("agent", "category", "task", "segment", "model", "session_id", "user_id")
SIDES = ("left", "right")
VALUES = ("rating", "number", "choices", "text", "taxonomy", "selected", "ranker")


def records(row: Json, context: LineContext) -> Records:
    """The answers that a task shows, and what people and models said of them."""
    if "data" not in row and not any(name in row for name in MIN_FIELDS):
        raise RejectedLineError("unknown_kind", f"no task of Label Studio (data, annotations): {shape_of(row)}")
    data, output = (object_in(row, "data"), {}) if "data" in row else _split(row)
    number = identifier(row, "id")
    own = f"label-studio-{number}" if number else context.line_id(row, "annotations")
    task = read_task(identifier(data, "interaction_id") or own, data)
    time = timestamp(row, "created_at") or context.start
    common = {
        "answered_at": time,
        "prompt": task.prompt,
        **{column: _label(data, column) for column in COLUMNS},
        "error": False,
    }
    context_text = data.get("context")
    common["context"] = context_text if isinstance(context_text, str) and not is_missing(context_text) else None
    answered = _annotations(row, task, time) if "data" in row else _flat(row, output, task, time)
    return task_records(task, answered, common, context.metrics)


def _label(data: Json, column: str) -> str | None:
    value = data.get(column)
    return identifier(data, column) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _annotations(row: Json, task: Task, time: datetime) -> Iterator[Answered]:
    for annotation in objects_in(row, "annotations"):
        if annotation.get("was_cancelled"):
            continue
        at = timestamp(annotation, "updated_at") or timestamp(annotation, "created_at") or time
        rater = _person(annotation.get("completed_by"))
        name = identifier(annotation, "id") or rater or "unnamed"
        yield from _results(annotation, task, Answered("", None, name, at, rater))
    for prediction in objects_in(row, "predictions"):
        model = identifier(prediction, "model_version") or "unnamed"
        yield from _results(prediction, task, Answered("", None, f"prediction-{model}", time, model, (), "judge"))


def _person(given: Any) -> str | None:
    return identifier({"person": first_of(given, "id", "email") if isinstance(given, dict) else given}, "person")


def _results(annotation: Json, task: Task, common: Answered) -> Iterator[Answered]:
    for result in objects_in(annotation, "result"):
        names = tuple(str(result.get("to_name") or "").split(","))
        given = object_in(result, "value")
        value = _value(given, task, names)
        # Labels of regions, such as boxes in a picture, are no verdicts.
        if value is not None:
            question = str(result.get("from_name") or result.get("type"))
            yield Answered(
                question, value, common.id, common.given_at, common.rater, names, common.source, _form(given)
            )


def _split(row: Json) -> tuple[dict[str, Any], dict[str, Any]]:
    """The data of a line of JSON-MIN, and what was annotated: what follows the id. If the id comes first, it is what
    has the form of a value, for a text may be either."""
    names = list(row)
    cut = names.index("id") if row.get("id") is not None else 0
    rest = {name: row[name] for name in names[cut:] if name not in FIELDS and row[name] is not None}
    if cut:
        return {name: row[name] for name in names[:cut]}, rest
    values = {
        name: value
        for name, value in rest.items()
        if _is_value(decode(value)) or is_correction(name) or (name.lower() in OVERALL and _is_number(value))
    }
    return {name: value for name, value in row.items() if name not in values}, values


def _is_value(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(isinstance(each, dict) and any(name in each for name in VALUES) for each in values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _flat(row: Json, output: Json, task: Task, time: datetime) -> Iterator[Answered]:
    """The values of a line of JSON-MIN."""
    at = timestamp(row, "updated_at") or time
    rater = _person(row.get("annotator"))
    name = identifier(row, "annotation_id") or rater or "unnamed"
    for question, given in output.items():
        # A better answer in JSON is one, and no value of a tag.
        value_of_tag = decode(given)
        is_text = isinstance(given, str) and is_correction(question) and not _is_value(value_of_tag)
        for value in _flat_values(given if is_text else value_of_tag):
            plain, form = (_value(value, task, ()), _form(value)) if isinstance(value, dict) else (value, None)
            yield Answered(question, plain, name, at, rater, form=form)


def _flat_values(given: Any) -> list[Any]:
    """Several values of one tag are a list of objects; one value may stand alone."""
    return given if isinstance(given, list) and all(isinstance(each, dict) for each in given) else [given]


def _form(value: Json) -> Form:
    """A text area's value is a text; that of every other tag was chosen."""
    return "text" if _named(value) == "text" else "choice"


def _named(value: Json) -> str | None:
    return next((name for name in VALUES if value.get(name) not in (None, [])), None)


def _value(value: Json, task: Task, names: tuple[str, ...]) -> Any:
    """What a result says: a number, words, a text, the answer that was selected, or the order of answers."""
    name = _named(value)
    if name is None:
        return None
    given = value[name]
    if name == "selected" and given in SIDES:
        fields = [field for field in map(task.named, names) if field] if len(names) == 2 else []
        fields = fields if len(fields) == 2 else list(task.answers)
        return {"preferred": fields[SIDES.index(given)]} if len(fields) == 2 else given
    if name == "ranker":
        return _order(given if isinstance(given, dict) else {"ranker": given})
    if name == "taxonomy":
        return [" / ".join(map(str, path)) for path in given]
    return given


def _order(lists: Json) -> Any:
    """The items of a ranker by rank. Several lists are buckets that items were sorted into, and no order."""
    columns = {name: items for name, items in lists.items() if isinstance(items, list)}
    if len(columns) == 1:
        return [{"value": item, "rank": rank} for items in columns.values() for rank, item in enumerate(items)]
    return "; ".join(f"{name}: {', '.join(map(str, items))}" for name, items in columns.items())
