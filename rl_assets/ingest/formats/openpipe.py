"""Log format `openpipe`: the request logs that OpenPipe exports.

Source: docs.openpipe.ai, "Exporting Logs" of request logs.
{input: {model, messages, ...}, output: {id, model, choices: [{message}], usage, created} or an error, tags: {name:
text}}. The first choice is the answer; an output without choices is an error. The tags `session_id`, `user_id`,
`agent`, `category` and `task` are columns. Without an id in the output, the id is the hash of the line without tags.
"""

from rl_assets.ingest.conversion import LineContext, Records
from rl_assets.ingest.parsers import Json, RejectedLineError, identifier, number, timestamp
from rl_assets.ingest.vendor_fields import first_of, joined, object_in, shape_of, unread, whole
from rl_assets.ingest.vendor_messages import read_answer, read_finish_reason, read_prompt

# Those of the source that are not read are named too, so that only what is new is counted.
FIELDS = ("input", "output", "tags", "metadata", "split", "rejected_output")


def records(row: Json, context: LineContext) -> Records:
    """The answer of a logged call."""
    if "input" not in row:
        raise RejectedLineError("unknown_kind", f"no logged call of OpenPipe (input, output): {shape_of(row)}")
    request, output = object_in(row, "input"), object_in(row, "output")
    tags, usage = object_in(row, "tags"), object_in(object_in(row, "output"), "usage")
    failure = output.get("error") or output.get("message") if "choices" not in output else None
    if "choices" not in output and not failure:
        raise unread("output", row.get("output"))
    columns = ("session_id", "user_id", "agent", "category", "task")
    answer_row = {
        "interaction_id": identifier(output, "id") or context.line_id(row, "tags"),
        "answered_at": timestamp(output, "created") or context.start,
        "prompt": read_prompt(request, "input"),
        "answer": None if failure else read_answer(output, "output"),
        "finish_reason": read_finish_reason(output),
        **{name: identifier(tags, name) if tags.get(name) not in (None, "") else None for name in columns},
        "model": first_of(output, "model") or first_of(request, "model"),
        "tokens": whole(number(usage, "total_tokens")),
        "error": bool(failure),
        "error_message": joined([failure.get("message") if isinstance(failure, dict) else failure]),
    }
    return Records([answer_row])
