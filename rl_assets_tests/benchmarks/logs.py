"""Generated logs for benchmarks: interactions of about 1.3 kB a row, several answers a prompt, no two texts alike."""

import json
from datetime import date
from functools import cache
from pathlib import Path
from random import Random

SYLLABLES = ("ka", "lo", "mi", "ne", "ru", "sta", "ver", "den", "tion", "al", "pre", "com", "re", "ing", "er", "inf")
VOCABULARY = 20_000
TEXT_WORDS = 1_000_000
ANSWER_CHARACTERS = 900
QUESTION_CHARACTERS = 80


@cache
def words() -> str:
    """Several megabytes of made-up words, common and rare ones as in a language; answers are pieces of it.

    Far longer than what a compressor looks back on, so that a table of such answers compresses as real texts do.
    """
    random = Random(7)
    vocabulary = ["".join(random.choices(SYLLABLES, k=random.randint(1, 4))) for _ in range(VOCABULARY)]
    weights = [1 / (rank + 3) for rank in range(VOCABULARY)]
    return " ".join(random.choices(vocabulary, weights, k=TEXT_WORDS))


def piece(random: Random, characters: int) -> str:
    """A random piece of the words, half to one and a half times as long as asked."""
    start = random.randrange(len(words()) - 2 * characters)
    return words()[start : start + characters // 2 + random.randrange(characters)].strip()


def write_interactions(landing: Path, day: date, rows: int, answers: int = 6) -> Path:
    """A day's `interaction_log` of `rows` rows, `answers` to each prompt; the file's path."""
    path = landing / "interaction_log" / str(day) / "part-0.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    random = Random(f"{day}")
    with path.open("w", encoding="utf-8") as file:
        for row in range(rows):
            if row % answers == 0:
                query = f"{piece(random, QUESTION_CHARACTERS)} {row}?"
            file.write(json.dumps(interaction(day, row, answers, query, random)) + "\n")
    return path


def interaction(day: date, row: int, answers: int, query: str, random: Random) -> dict:
    """One row; rewards step through 0, 0.1, ... 1 so that every prompt has pairs."""
    return {
        "interaction_id": f"{random.getrandbits(128):032x}",
        "timestamp": f"{day}T{row % 24:02d}:{row % 60:02d}:00Z",
        "query": query,
        "answer": f"{piece(random, ANSWER_CHARACTERS)}.",
        "agent_type": f"agent-{row % answers}",
        "quality_scores": {"overall": (row * 7 % 11) / 10, "accuracy": 0.5},
        "session_id": f"session-{row // 3}",
        "user_id": f"user-{row // 9}",
        "latency_ms": 200 + row % 500,
        "tools_used": ["search_orders"],
        "error_occurred": row % 97 == 0,
    }
