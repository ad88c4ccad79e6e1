"""Generated logs for benchmarks: interaction logs of about 1.3 kB a row, several answers a prompt."""

import json
from datetime import date
from pathlib import Path

PARAGRAPH = (
    "The delivery left our warehouse this morning and the carrier expects it at your door within two days. "
)


def write_interactions(landing: Path, day: date, rows: int, answers: int = 6) -> Path:
    """A day's `interaction_log` of `rows` rows, `answers` to each prompt; the file's path."""
    path = landing / "interaction_log" / str(day) / "part-0.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for row in range(rows):
            file.write(json.dumps(interaction(day, row, answers)) + "\n")
    return path


def interaction(day: date, row: int, answers: int) -> dict:
    """One row; rewards step through 0, 0.1, ... 1 so that every prompt has pairs."""
    return {
        "interaction_id": f"{day}-{row}",
        "timestamp": f"{day}T{row % 24:02d}:{row % 60:02d}:00Z",
        "query": f"Where is order {row // answers} of {day}, and when will it arrive?",
        "answer": f"Order {row // answers}, answer {row}. {PARAGRAPH * (7 + row % 3)}",
        "agent_type": f"agent-{row % answers}",
        "quality_scores": {"overall": (row * 7 % 11) / 10, "accuracy": 0.5},
        "session_id": f"session-{row // 3}",
        "user_id": f"user-{row // 9}",
        "latency_ms": 200 + row % 500,
        "tools_used": ["search_orders"],
        "error_occurred": row % 97 == 0,
    }
