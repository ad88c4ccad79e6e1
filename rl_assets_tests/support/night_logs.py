"""Log files for the nights: answers that a judge liked, one prompt each."""

import json
from pathlib import Path
from typing import Any


def row(day: str, number: int, copy: int = 0, **fields: Any) -> dict[str, Any]:
    """A line of `interaction_log` about a part of its own."""
    return {
        "interaction_id": f"{number}-{copy}",
        "timestamp": f"{day}T10:00:00Z",
        "query": f"What is the price of part number {number}?",
        "answer": f"Part {number} costs {number} euros.",
        "agent_type": "desk",
        "quality_scores": {"overall": 1.0},
        "latency_ms": 5,
        "tools_used": [],
        "error_occurred": False,
        **fields,
    }


def write_log(home: Path, day: str, numbers: range, name: str | None = None, answers: int = 1) -> Path:
    """A landing file of the day with answers about each part, complete from the moment that it has its name."""
    path = home / "landing" / "interaction_log" / day / (name or f"log-{numbers.start}.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}")
    rows = [row(day, number, copy) for number in numbers for copy in range(answers)]
    part.write_text("".join(json.dumps(line) + "\n" for line in rows), encoding="utf-8")
    return part.replace(path)
