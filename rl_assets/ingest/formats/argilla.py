"""Log format `argilla`: records of a dataset that people labelled in Argilla 2.

Source: the SDK's `Record.to_dict` and `DatasetRecords.to_list`, `to_json` and `to_datasets` (argilla 2, nested or
flattened), and the record of its REST API (`GET /api/v1/datasets/{id}/records`).
{id, fields: {prompt, response}, metadata, suggestions: {question: {value, score, agent}}, responses: {question:
[{value, user_id, status?}]}, _server_id?, status?}; flattened: {id, <field>, <metadata>, "<question>.responses",
"<question>.responses.users", "<question>.responses.status", "<question>.suggestion", "<question>.suggestion.agent"}; of
the API: {id, external_id, fields, responses: [{user_id, status, values: {question: {value}}, inserted_at,
updated_at}], suggestions: [{question_name, value, agent}]}; a suggestion with a `question_id` only is
not read, and noted.

What fields and values mean is said in `rl_assets.ingest.annotations`. Suggestions are a judge's, but for those that
`rl_assets` made itself. Drafts and discarded responses are not read. Ids are those of the records; an `interaction_id`
in the metadata is that of the answer. A record without times is of the start of its day.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from rl_assets.ingest.annotations import Answered, read_task, task_records
from rl_assets.ingest.conversion import LineContext, Records
from rl_assets.ingest.parsers import Json, RejectedLineError, identifier, is_missing, timestamp
from rl_assets.ingest.vendor_fields import object_in, objects_in, shape_of

FIELDS = (
    *(
        "id",
        "external_id",
        "_server_id",
        "fields",
        "metadata",
        "suggestions",
        "responses",
        "vectors",
        "status",
        "score",
    ),
    *("dataset_id", "inserted_at", "updated_at", "query_score"),
)
FIELDS_ARE_OF = "fields"
COLUMNS = ("agent", "category", "task", "segment", "model")
UNREAD_STATUS = ("draft", "discarded")
OWN_AGENT = "rl_assets"


def records(row: Json, context: LineContext) -> Records:
    """The answers that a record shows, and what people and models said of them."""
    nested = row if isinstance(row.get("fields"), dict) else _nested(row)
    metadata = object_in(nested, "metadata")
    name = identifier(metadata, "interaction_id") or identifier(nested, "external_id") or identifier(nested, "id")
    task = read_task(name or context.line_id(row, "responses"), object_in(nested, "fields"))
    time = timestamp(nested, "inserted_at") or context.start
    common = {
        "answered_at": time,
        "prompt": task.prompt,
        **{column: identifier(metadata, column) for column in COLUMNS},
        "session_id": identifier(metadata, "session_id"),
        "user_id": identifier(metadata, "user_id"),
        "context": _text(object_in(nested, "fields").get("context")),
        "error": False,
    }
    answered = [*_responses(nested, time), *_suggestions(nested, time)]
    found = task_records(task, answered, common, context.metrics)
    return replace(found, notes=[*found.notes, *_unnamed_suggestions(nested)])


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and not is_missing(value) else None


def _nested(row: Json) -> dict[str, Any]:
    """A flattened record as a nested one; its metadata stand among its fields."""
    responses, suggestions = dict[str, Any](), dict[str, Any]()
    for key, value in row.items():
        question, _, kind = key.rpartition(".")
        if question and kind == "responses":
            users, states = (row.get(f"{key}.{part}") or [] for part in ("users", "status"))
            values = value if isinstance(value, list) else []
            responses[question] = [
                {"value": each, "user_id": _at(users, place), "status": _at(states, place)}
                for place, each in enumerate(values)
            ]
        elif question and kind == "suggestion" and value is not None:
            suggestions[question] = {"value": value, "agent": row.get(f"{key}.agent")}
    fields = {key: value for key, value in row.items() if "." not in key and key not in FIELDS}
    if not fields:
        raise RejectedLineError("unknown_kind", f"no record of Argilla (fields, responses): {shape_of(row)}")
    rest = {"fields": fields, "metadata": fields, "responses": responses, "suggestions": suggestions}
    return {"id": row.get("id"), **rest}


def _at(values: Any, place: int) -> Any:
    return values[place] if isinstance(values, list) and place < len(values) else None


def _responses(row: Json, time: datetime) -> Iterator[Answered]:
    """What people answered: by question, or by person as the API has it."""
    given = row.get("responses")
    if isinstance(given, list):
        for response in objects_in(row, "responses"):
            at = timestamp(response, "updated_at") or timestamp(response, "inserted_at") or time
            for question in object_in(response, "values"):
                value = object_in(object_in(response, "values"), question).get("value")
                yield from _answered(question, {**response, "value": value}, at)
        return
    for question in object_in(row, "responses"):
        for response in objects_in(object_in(row, "responses"), question):
            yield from _answered(question, response, time)


def _answered(question: str, response: Json, time: datetime) -> Iterator[Answered]:
    rater = identifier(response, "user_id")
    if response.get("status") not in UNREAD_STATUS:
        yield Answered(question, response.get("value"), rater or "unnamed", time, rater)


def _suggestions(row: Json, time: datetime) -> Iterator[Answered]:
    """What models suggested; a text is their own answer, and no verdict."""
    given = row.get("suggestions")
    if isinstance(given, list):
        each = {str(item["question_name"]): item for item in objects_in(row, "suggestions") if _is_named(item)}
    else:
        each = {name: object_in(object_in(row, "suggestions"), name) for name in object_in(row, "suggestions")}
    for question, suggestion in each.items():
        agent = identifier(suggestion, "agent")
        if agent != OWN_AGENT and not is_missing(suggestion.get("value")):
            yield Answered(question, suggestion["value"], f"suggestion-{agent or 'unnamed'}", time, agent, (), "judge")


def _is_named(suggestion: Json) -> bool:
    return not is_missing(suggestion.get("question_name"))


def _unnamed_suggestions(row: Json) -> list[str]:
    """A note on suggestions of the API, which names their questions by ids that only the dataset's settings explain."""
    if not isinstance(row.get("suggestions"), list):
        return []
    unnamed = sum(not _is_named(item) for item in objects_in(row, "suggestions"))
    return (
        []
        if not unnamed
        else [f"{unnamed} suggestions name their question by an id alone: export the records with the SDK"]
    )
