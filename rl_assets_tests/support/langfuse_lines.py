"""Traces, generations and scores of Langfuse, and what a line of them gives."""

from typing import Any

from rl_assets.ingest.conversion import LineContext
from rl_assets.ingest.formats.langfuse import records
from rl_assets.metrics.scales import Metric
from rl_assets_tests.support.logs import DAY, Row

CONTEXT = LineContext(DAY, {"stars": Metric(worst=1, best=5)})
TIME = f"{DAY}T09:00:00Z"
ASKED = [{"role": "user", "content": "How many legs has a spider?"}]


def generation(output: Any, time: str | None = TIME, given: Any = ASKED, **fields: Any) -> Row:
    return {"type": "GENERATION", "startTime": time, "endTime": time, "input": given, "output": output, **fields}


def trace(*observations: Row, **fields: Any) -> Row:
    return {"trace": {"id": "t", "timestamp": TIME, **fields}, "observations": list(observations)}


def said(content: str) -> Row:
    return {"role": "assistant", "content": content}


def answer_of(line: Row) -> Row:
    (answer,) = records(line, CONTEXT).answers
    return answer


def events_of(line: Row) -> list[tuple[Any, ...]]:
    return [
        (event["interaction_id"], event["kind"], event.get("value"), event["dimension"], event.get("comment"))
        for event in records(line, CONTEXT).feedback
    ]


def score(name: str = "overall", value: Any = 1, **fields: Any) -> Row:
    return {"id": f"s-{name}", "name": name, "value": value, "source": "API", **fields}
