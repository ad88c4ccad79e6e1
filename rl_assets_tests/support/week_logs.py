"""A week of logs that arrive late, early and twice: what lands on which day, and in which folder."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rl_assets_tests.support.logs import about, interaction

FIRST = date(2026, 12, 28)
DAYS = [FIRST + timedelta(days=number) for number in range(7)]
ANSWERS = 4
# How often the sensor is to request each day: once for its own files, and once if files came late or early.
REQUESTED = {0: 2, 1: 1, 2: 2, 3: 2, 4: 1, 5: 1, 6: 1}
TORN = '{"interaction_id": "torn-'
Line = dict[str, Any] | str


def answer(day: int, number: int, prefix: str = "a", score: float | None = None) -> dict[str, Any]:
    """One of a day's answers; two answer each question, the first of them well."""
    fields = {} if score is None else {"quality_scores": {"overall": score}}
    return interaction(
        f"{prefix}{day}-{number}",
        timestamp=f"{DAYS[day]}T0{number}:30:00Z",
        query=f"What does {prefix} part number {day * ANSWERS + number // 2} cost, and where is it?",
        answer=f"It costs {number + 1} euros and lies in hall {day}, says {prefix}.",
        **fields,
    )


def _answers(day: int, prefix: str = "a", scored: bool = True) -> list[Line]:
    return [answer(day, n, prefix, (0.2 if n % 2 else 1.0) if scored else None) for n in range(ANSWERS)]


def _thumb(answer_id: str, by: str, day: int, kind: str = "thumbs_up") -> dict[str, Any]:
    given = {"user_id": by, "created_at": f"{DAYS[day]}T11:00:00Z"}
    return about(answer_id, f"{by}-{answer_id}-{kind}", kind, **given)


def landing_files(day: int) -> Iterator[tuple[str, int, str, list[Line]]]:
    """What lands on a day: format, the day of the folder, name, lines."""
    exported_without_scores = day == 3
    yield "interaction_log", day, "desk.jsonl", _answers(day, scored=not exported_without_scores)
    yield (
        "feedback_table",
        day,
        "thumbs.jsonl",
        [_thumb(f"a{day}-0", "mary", day), _thumb(f"a{day}-1", "mary", day, "thumbs_down")],
    )
    match day:
        case 1:
            yield "interaction_log", 2, "early.jsonl", _answers(2, "early")
            yield "interaction_log", 1, "damaged.jsonl", [*_answers(1, "b"), TORN + "1", {"interaction_id": "no-query"}]
        case 2:
            yield "interaction_log", 0, "late.jsonl", _answers(0, "late")
            yield "interaction_log", 2, "desk-copy.jsonl", _answers(2)
            yield "feedback_table", 2, "late-thumbs.jsonl", [_thumb("a0-2", "tom", 2), _thumb("a0-3", "tom", 2)]
        case 4:
            yield "interaction_log", 4, "export-of-the-day-before.jsonl", _answers(3)
            yield "feedback_table", 4, "late-thumbs.jsonl", [_thumb("a1-2", "ann", 4), _thumb("a6-0", "ann", 4)]
        case 5:
            yield "interaction_log", 3, "late.jsonl", _answers(3, "late")
            yield "interaction_log", 5, "desk-again.jsonl", _answers(5)
        case 6:
            yield "interaction_log", 6, "yesterday-again.jsonl", _answers(5)
            yield "feedback_table", 6, "thumbs-again.jsonl", [_thumb("a6-0", "mary", 6)]


def append_to_service_log(landing: Path, day: int) -> None:
    """The log of a service, which has no date and grows."""
    log = landing / "reward_log" / "service.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    moment = {"timestamp": f"{DAYS[day]}T10:00:00Z"}
    question = {"interaction_id": f"s{day}", "question": f"How much is {day} times 7?", "agent": "solver"}
    lines = [
        {**question, "category": "maths", "top_k": 3, "answer": f"It is {7 * day}.", **moment},
        {"type": "feedback", "interaction_id": f"s{day}", "reward": 1.0, **moment},
    ]
    with log.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def land(landing: Path, day: int) -> None:
    """Land what arrives on a day."""
    for log_format, folder_day, name, lines in landing_files(day):
        path = landing / log_format / str(DAYS[folder_day]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        part = path.with_name(f".{name}")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    append_to_service_log(landing, day)
