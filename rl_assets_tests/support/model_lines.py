"""Lines of tools that log what a model was asked and wrote, and what is read of them."""

from typing import Any

from rl_assets.ingest.conversion import LineContext, LogFormat
from rl_assets_tests.support.logs import DAY, Row

ASKED = [{"role": "user", "content": "q?"}]
Exchange = tuple[list[tuple[str, str]], str | None, str | None]


def helicone(response: Row, request: Row | None = None) -> tuple[str, Row]:
    return "helicone", {"request_id": "r", "request_body": request or {"messages": ASKED}, "response_body": response}


def langsmith(outputs: Row, inputs: Row | None = None, **fields: Any) -> tuple[str, Row]:
    return "langsmith", {
        "id": "r",
        "run_type": "llm",
        "inputs": inputs or {"input": "q?"},
        "outputs": outputs,
        **fields,
    }


def langfuse(output: Any, given: Any = ASKED, of_trace: Row | None = None) -> tuple[str, Row]:
    observation = {"id": "o", "type": "GENERATION", "input": given, "output": output}
    trace = {"id": "t", "timestamp": f"{DAY}T10:00:00Z", **(of_trace or {})}
    return "langfuse", {"trace": trace, "observations": [observation]}


def span(attributes: Row, *events: Row) -> tuple[str, Row]:
    return "otel_genai", {"traceId": "a" * 32, "spanId": "b" * 16, "attributes": attributes, "events": [*events]}


def event(name: str, **fields: Any) -> Row:
    return {"name": name, "attributes": {key.replace("__", "."): value for key, value in fields.items()}}


def read(line: tuple[str, Row]) -> Exchange:
    """The turns, the answer and the finish reason of a line."""
    log_format, row = line
    found = LogFormat.named(log_format).records(row, LineContext(DAY, {}))
    (answer,) = found.answers
    return [(turn["role"], turn["content"]) for turn in answer["prompt"]], answer["answer"], answer.get("finish_reason")


def answer_of(line: tuple[str, Row]) -> str | None:
    return read(line)[1]
