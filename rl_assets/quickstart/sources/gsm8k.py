"""Grade-school maths: four model solutions per question, each marked right or wrong, as a reward log."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from rl_assets.core.files import sha256_text
from rl_assets.quickstart.assigned import answered_at, iso, rated_at
from rl_assets.quickstart.landing_files import Entry, read_lines

SOURCE = "gsm8k"
AGENTS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


def entries(folder: Path) -> Iterator[Entry]:
    """A query row and a feedback row for each of the four solutions of each question."""
    for record in read_lines(folder / "rl-gsm8k" / "model_solutions.jsonl"):
        key = sha256_text(record["question"])
        for agent in AGENTS:
            identity = f"gsm8k-{key[:12]}-{agent}"
            answered = answered_at(key, agent)
            given = rated_at(answered, identity)
            yield Entry("reward_log", SOURCE, answered, _query(record, agent, identity, answered))
            yield Entry("reward_log", SOURCE, given, _verdict(record[agent]["is_correct"], identity, given))


def _query(record: dict[str, Any], agent: str, identity: str, answered: datetime) -> dict[str, Any]:
    return {
        "interaction_id": identity,
        "question": record["question"],
        "agent": agent,
        "category": "math",
        "top_k": 0,
        "num_sources": 0,
        "timestamp": iso(answered),
        "answer": record[agent]["solution"],
        "segment": SOURCE,
    }


def _verdict(correct: bool, identity: str, given: datetime) -> dict[str, Any]:
    reward = 1.0 if correct else 0.0
    row = {"type": "feedback", "interaction_id": identity, "reward": reward}
    return {**row, "timestamp": iso(given), "source": "verifier"}
