"""Values of a line that were exchanged, dropped or wrapped at random, and what a format that is read in Python makes of
such a line."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

from rl_assets.ingest.conversion import LineContext, LogFormat, _convert
from rl_assets_tests.support.logs import DAY, Row
from rl_assets_tests.support.pages import DOCS, blocks

Path = tuple[str | int, ...]
ODD: tuple[Any, ...] = (
    *(None, "", " ", "x", 0, -1, 1e300, 2**70, True, False, [], {}, [None], [[]], [""], {"a": 1}, {"": None}, [{}]),
    *("null", "[]", "{}", '"', '{"a"', "[1, 2", "None", "\u200b", "\x00", "2099-01-01T00:00:00Z", "noon", "NaN"),
    *({"role": "robot", "content": "x"}, {"type": "text"}, {"type": "text", "text": None}, [[[[[[[[]]]]]]]]),
)


ITEM = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "It has eight."}]}
ASKED = [{"role": "user", "content": [{"type": "text", "text": "How many legs has a spider?"}]}]
TITLE = [{"role": "user", "content": "Write a title for: How many legs has a spider? It has eight."}]
TIME = f"{DAY}T10:00:00Z"
SCORES = [
    {"id": "s1", "name": "overall", "value": True, "dataType": "BOOLEAN", "source": "API", "observationId": "o1"},
    {"id": "s2", "name": "tone", "value": "warm", "dataType": "CATEGORICAL", "source": "EVAL", "timestamp": TIME},
]
CHAT = {
    "id": "o1",
    "type": "GENERATION",
    "startTime": TIME,
    "level": "DEFAULT",
    "usageDetails": {"input": 3, "output": 4},
}
# Lines beside those of the documentation.
MORE: dict[str, list[Row]] = {
    "langfuse": [
        {
            "trace": {"id": "t", "timestamp": TIME, "userId": "u", "scores": SCORES, "output": "It has eight."},
            "observations": [
                {
                    **CHAT,
                    "input": {"instructions": "Be brief.", "input": ASKED},
                    "output": {"output": [ITEM], "text": {}},
                },
                {**CHAT, "id": "o2", "input": TITLE, "output": {"role": "assistant", "content": "Spiders"}},
            ],
        },
        {
            "id": "t2",
            "timestamp": TIME,
            "user_id": "u",
            "input": '{"question": "Legs?"}',
            "output": '{"answer": "Eight."}',
        },
        {
            **CHAT,
            "traceId": "t3",
            "userId": "u",
            "input": ASKED,
            "output": {"candidates": [{"content": {"parts": [{"text": "It has eight."}]}}]},
        },
    ]
}


@dataclass(frozen=True)
class Mutated:
    """A line with one value exchanged, and where."""

    row: Row
    path: Path


def examples(log_format: str) -> list[Row]:
    """The lines of the format in the documentation, and more."""
    pages = blocks("json", (DOCS / "log-formats.md",))
    written = [
        json.loads(line)
        for block in pages
        if f"landing/{log_format}/" in block.title
        for line in block.text.splitlines()
    ]
    return [*written, *MORE.get(log_format, [])]


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where all values of a line are, but for the line itself."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from paths(inner, (*path, key))


def value_at(row: Any, path: Path) -> Any:
    for key in path:
        row = row[key]
    return row


def mutate(random: Random, row: Row) -> Mutated:
    row = deepcopy(row)
    path = random.choice(list(paths(row)))
    holder, key = value_at(row, path[:-1]), path[-1]
    change = random.choice(["odd", "odd", "odd", "drop", "wrap", "encode", "twice"])
    if change == "odd":
        holder[key] = deepcopy(random.choice(ODD))
    elif change == "drop":
        del holder[key]
    elif change == "twice" and isinstance(holder, list):
        holder.insert(int(key), deepcopy(holder[int(key)]))
    else:
        holder[key] = json.dumps(holder[key]) if change == "encode" else [holder[key]]
    return Mutated(row, path)


def touches(mutated: Mutated, original: Row, texts: set[str]) -> bool:
    """Whether the exchanged value held one of the texts."""
    written = json.dumps(value_at(original, mutated.path), ensure_ascii=False)
    return any(json.dumps(text, ensure_ascii=False)[1:-1] in written for text in texts if text)


def converted(row: Row, log_format: str) -> Row:
    """What conversion makes of the line: its records, or its fault."""
    line = {"source_file": "f", "source_line": 1, "line": json.dumps(row), "reason": None, "detail": None}
    return _convert(line, LogFormat.named(log_format), LineContext(DAY, {}))


def answers_of(record: Row) -> dict[str, str | None]:
    """The texts of the answers of a converted line, by id."""
    rows = [record["interaction"], *record["answers"]] if "record" in record else []
    return {row["interaction_id"]: row.get("answer") for row in rows if row}
