"""Rewards that people and products gave since the newest `bandit_state`: shown at once, learned with the next state.

A feedback id counts here until a state is built of the day on which it landed, and then in that state: never in both.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from rl_assets.core import sql
from rl_assets.routing.categories import category_of
from rl_assets.service.acts import REWARD_LOG, STARS, Act, time_text
from rl_assets.service.answer_rows import Answer
from rl_assets.service.lake_reads import LakeReads
from rl_assets.service.store import Store

Row = dict[str, Any]
NOTHING: Row = {"waiting": 0, "waiting_reward_sum": 0.0, "waiting_changed": 0}
OVERALL = (None, "overall")
ACTS = pa.schema(
    [
        ("interaction_id", pa.string()),
        ("voter", pa.string()),
        ("value", pa.float64()),
        ("given_at", pa.string()),
        ("position", pa.int64()),
    ]
)
ANSWERS = pa.schema(
    [
        ("interaction_id", pa.string()),
        ("segment", pa.string()),
        ("category", pa.string()),
        ("arm", pa.string()),
        ("drawn", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class WaitingRewards:
    """`acts` are feedback ids. `rows` have the answers and rewards by segment, category and arm; `orphans` are rated
    answers that no log holds yet, or ever."""

    acts: int
    orphans: int
    rows: list[Row]


def waiting_rewards(store: Store, reads: LakeReads, day: str, brand: str | None = None) -> WaitingRewards:
    """What the state of a day does not hold, of one segment if a brand is given."""
    acts = [act for act in store.acts_since(day) if _reward(act) is not None]
    if not acts:
        return WaitingRewards(0, 0, [])
    answers = store.answers_of({act.interaction_id for act in acts})
    with reads.routed(day) as connection:
        connection.register("waiting_acts", pa.Table.from_pylist([*map(_act_row, acts, range(len(acts)))], ACTS))
        connection.register("own_answers", pa.Table.from_pylist([*_answer_rows(answers)], ANSWERS))
        rows = sql.select(connection, "service/waiting_rewards").to_arrow_table().to_pylist()
    seen = [row for row in rows if brand is None or row["segment"] == brand]
    orphans = sum(row["rewarded"] for row in seen if row["arm"] is None)
    return WaitingRewards(sum(row["acts"] for row in seen), orphans, [row for row in seen if row["arm"] is not None])


def with_waiting(rows: Iterable[Row], waiting: Iterable[Row], key: tuple[str, ...]) -> list[Row]:
    """The rows, each with what waits for it; what waits for an arm without a row is a row of its own."""
    sums: dict[tuple[Any, ...], Row] = {}
    for each in waiting:
        found = sums.setdefault(tuple(each[name] for name in key), dict(NOTHING))
        found["waiting"] += each["rewarded"]
        found["waiting_reward_sum"] += each["reward_sum"]
        found["waiting_changed"] += each["changed"]
    shown = [{**row, **sums.pop(tuple(row[name] for name in key), NOTHING)} for row in rows]
    return shown + [{**dict(zip(key, place, strict=True)), **found} for place, found in sums.items()]


def _reward(act: Act) -> float | None:
    """The value as a reward in [0, 1], as ingestion takes it; None for acts that are none on the answer as a whole."""
    if act.dimension not in OVERALL or act.value is None:
        return None
    if act.kind == "rating":
        return (act.value - STARS[0]) / (STARS[-1] - STARS[0])
    return act.value if act.kind in ("thumbs", "reward") else None


def _act_row(act: Act, position: int) -> Row:
    return {
        "interaction_id": act.interaction_id,
        "voter": act.rater or act.act_id,
        "value": _reward(act),
        "given_at": time_text(act.created_at),
        "position": position,
    }


def _answer_rows(answers: Iterable[Answer]) -> Iterable[Row]:
    """Answers that products logged through the service: their lines were checked when they came."""
    for answer in answers:
        line = json.loads(answer.line)
        agent = line.get("agent" if answer.format == REWARD_LOG else "agent_type")
        adapter = line.get("adapter")
        yield {
            "interaction_id": answer.interaction_id,
            "segment": line.get("segment"),
            "category": line.get("category") or category_of(_first_question(line)),
            "arm": line.get("assigned_arm") or (f"{agent}@{adapter}" if adapter else agent),
            "drawn": line.get("drawn"),
        }


def _first_question(line: Mapping[str, Any]) -> str:
    asked = line.get("question") or line.get("query") or ""
    turns = line.get("messages") or []
    first = next((turn["content"] for turn in turns if turn.get("role") == "user"), asked)
    return first if isinstance(first, str) else str(asked)
