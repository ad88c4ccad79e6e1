"""Lines broken on purpose, so that the quickstart shows what becomes of them."""

import json
from datetime import date, datetime, timedelta
from typing import Any

from rl_assets.quickstart.assigned import iso
from rl_assets.quickstart.landing_files import as_line

REWARD_DAY = date(2026, 10, 5)
INTERACTION_DAY = date(2026, 10, 9)
NAME = "damaged.jsonl"


def damaged_files(files: dict[str, list[str]]) -> dict[str, list[str]]:
    """The two damaged files; they quote whole lines that `files` holds for the same format and day."""
    rewards = f"reward_log/{REWARD_DAY}"
    interactions = f"interaction_log/{INTERACTION_DAY}"
    return {
        f"{rewards}/{NAME}": _reward_lines(files[f"{rewards}/gsm8k.jsonl.gz"]),
        f"{interactions}/{NAME}": _interaction_lines(files[f"{interactions}/finegrained-qa.jsonl.gz"]),
    }


def _reward_lines(real: list[str]) -> list[str]:
    """A repeat, an id used again, rewards that are none, no id, an array, and a torn last line."""
    query = next(line for line in real if '"question"' in line)
    # An hour later, so that the real line came first and is the one to keep.
    later = datetime.fromisoformat(json.loads(query)["timestamp"]) + timedelta(hours=1)
    feedback = {
        "type": "feedback",
        "interaction_id": "damaged-reward",
        "timestamp": f"{REWARD_DAY}T12:00:00Z",
    }
    return [
        query,
        as_line({**json.loads(query), "timestamp": iso(later), "answer": "Sent again under the same id"}),
        as_line({**feedback, "reward": 1.7}),
        as_line({**feedback, "reward": -0.2}),
        as_line({**feedback, "reward": "very good"}),
        as_line({**feedback, "reward": float("nan")}),
        as_line({**feedback, "interaction_id": None, "reward": 1.0}),
        '["an","array","is","no","row"]\n',
        query[: len(query) // 2],
    ]


def _interaction_lines(real: list[str]) -> list[str]:
    """A repeat, a time that is none, wrong types, a sixth star, half an object, a message, no question."""
    row: dict[str, Any] = json.loads(real[0])
    return [
        real[0],
        as_line({**row, "interaction_id": "damaged-time", "timestamp": "yesterday at noon"}),
        as_line({**row, "interaction_id": "damaged-answer", "answer": {"text": "not a string"}}),
        as_line({**row, "interaction_id": "damaged-scores", "quality_scores": "excellent"}),
        as_line({**row, "interaction_id": "damaged-rating", "user_rating": 6}),
        real[0][:200] + "\n",
        "Traceback (most recent call last): connection reset by peer\n",
        as_line({"interaction_id": "damaged-empty", "timestamp": f"{INTERACTION_DAY}T12:00:00Z"}),
    ]
