"""Grounded questions: four sampled answers each, compared in pairs by people, and the first one corrected."""

from collections.abc import Iterator
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any

from rl_assets.core.files import sha256_text
from rl_assets.quickstart.assigned import answered_at, iso, rated_at, stable_fraction
from rl_assets.quickstart.landing_files import Entry, read_lines

SOURCE = "finegrained-qa"
SAMPLES = (1, 2, 3, 4)
PAIRS = tuple(combinations(SAMPLES, 2))
PREFERENCE_SHARE = 0.1


def entries(folder: Path) -> Iterator[Entry]:
    """Answers, win shares, corrections, and for a tenth of the questions each decided comparison."""
    for record in read_lines(folder / "pref-finegrained-qa" / "feedback.jsonl"):
        key = sha256_text(record["question"])
        shares = win_shares(record["preference"])
        for sample in SAMPLES:
            yield from _rated_answer(record, key, sample, shares[sample])
        yield from _correction(record, key)
        if stable_fraction("preference", key) < PREFERENCE_SHARE:
            yield from _preferences(record, key)


def win_shares(preference: list[int]) -> dict[int, float]:
    """Share of its three comparisons that each answer won, in [0, 1]; no preference counts half for both.

    `preference` holds the pairs 1-2, 1-3, 1-4, 2-3, 2-4, 3-4 in this order: 1 the first won, 2 the second,
    0 no preference (README of the published data).
    """
    wins = dict.fromkeys(SAMPLES, 0.0)
    for pair, verdict in zip(PAIRS, preference, strict=True):
        for place, sample in enumerate(pair, start=1):
            wins[sample] += 0.5 if verdict == 0 else float(verdict == place)
    return {sample: round(won / 3, 6) for sample, won in wins.items()}


def _identity(key: str, sample: int) -> str:
    return f"fgqa-{key[:12]}-{sample}"


def _answered(key: str, sample: int) -> datetime:
    return answered_at(key, f"sampled-{sample}")


def _rated_answer(record: dict[str, Any], key: str, sample: int, share: float) -> Iterator[Entry]:
    identity, answered = _identity(key, sample), _answered(key, sample)
    given = rated_at(answered, identity)
    yield Entry("interaction_log", SOURCE, answered, _interaction(record, identity, sample, answered))
    verdict = {"type": "feedback", "interaction_id": identity, "reward": share}
    yield Entry("reward_log", SOURCE, given, {**verdict, "timestamp": iso(given), "source": "human"})


def _interaction(record: dict[str, Any], identity: str, sample: int, answered: datetime) -> dict[str, Any]:
    passages = record["passages"]
    return {
        "interaction_id": identity,
        "timestamp": iso(answered),
        "query": record["question"],
        "answer": record[f"prediction {sample}"],
        "agent_type": f"sampled-{sample}",
        "quality_scores": {},
        "tools_used": [],
        "sources": [{"title": title} for title, *_ in passages],
        "context": "\n\n".join(f"{title}\n{' '.join(sentences)}" for title, *sentences in passages),
        "retrieval_method": "oracle",
        "error_occurred": False,
        "category": "open question",
        "task": "grounded_qa",
        "segment": SOURCE,
    }


def _correction(record: dict[str, Any], key: str) -> Iterator[Entry]:
    corrected = record["feedback"]["corrected-prediction"]
    if not corrected.strip() or corrected == record["prediction 1"]:
        return
    yield _judgement(record, key, "correction", 1, outputs={"preferred_output": corrected}, pair="1")


def _preferences(record: dict[str, Any], key: str) -> Iterator[Entry]:
    for (first, second), verdict in zip(PAIRS, record["preference"], strict=True):
        if verdict == 0:
            continue
        won, lost = (first, second) if verdict == 1 else (second, first)
        outputs = {
            "preferred_output": record[f"prediction {won}"],
            "rejected_output": record[f"prediction {lost}"],
        }
        yield _judgement(record, key, "preference", won, outputs=outputs, pair=f"{first}-{second}")


def _judgement(
    record: dict[str, Any], key: str, kind: str, sample: int, *, outputs: dict[str, str], pair: str
) -> Entry:
    identity = f"fgqa-{key[:12]}-{kind}-{pair}"
    given = rated_at(_answered(key, sample), identity)
    row = {
        "id": identity,
        "brand_id": SOURCE,
        "task_type": "grounded_qa",
        "prompt": record["question"],
        "model_output": record[f"prediction {sample}"],
        "feedback_type": kind,
        **outputs,
        "created_at": iso(given),
        "interaction_id": _identity(key, sample),
    }
    return Entry("feedback_table", SOURCE, given, row)
