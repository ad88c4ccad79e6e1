"""Groups of logged answers to one prompt that rewards do not tell apart, scored by a judge as a whole."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import duckdb
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.core.blank import stripped
from rl_assets.judging.prompts import RUBRIC
from rl_assets.judging.ruler import MIN_SPREAD, Group, GroupScores, kendall_tau, rubric_hash, score_groups
from rl_assets.llm.client import Judge
from rl_assets.metrics.statistics import Interval, interval
from rl_assets.tables.ruler_groups import RULER_GROUPS

MAX_ANSWERS = 8
MIN_TAU = 0.6
MIN_GROUPS = 20
Row = dict[str, Any]


@dataclass(frozen=True)
class RulerGroups:
    """The rows of a day, none if the judge is not reliable.

    `outcomes` counts the groups by what became of them, `tau` is the mean over groups with two valid replies, and
    `tau_with_rewards` that of the scores with the rewards of groups whose answers have some, for information.
    """

    rows: list[Row]
    outcomes: dict[str, int]
    tau: Interval | None
    tau_with_rewards: Interval | None
    problems: list[str]

    @property
    def groups(self) -> int:
        """Groups that were looked at."""
        return sum(self.outcomes.values())

    def reader(self) -> pa.RecordBatchReader:
        """The rows for publishing."""
        return pa.Table.from_pylist(self.rows, schema=RULER_GROUPS.schema).to_reader()


def ruler_groups(
    connection: duckdb.DuckDBPyConnection, judge: Judge, day: str, max_groups: int, rubric: str | None = None
) -> RulerGroups:
    """Let the judge score at most `max_groups` groups of `rated` answers; `rubric` replaces the default one."""
    told = rubric or RUBRIC
    candidates = sql.select(
        connection,
        "annotation/ruler_candidates",
        max_answers=MAX_ANSWERS,
        max_groups=max_groups,
        min_spread=MIN_SPREAD,
    )
    by_prompt = groupby(candidates.to_arrow_table().to_pylist(), key=lambda row: str(row["prompt_key"]))
    members = [list(rows) for _, rows in by_prompt]
    groups = [Group(tuple(rows[0]["prompt"]), tuple(stripped(row["answer"]) for row in rows)) for rows in members]
    scores = score_groups(judge, groups, told)
    tau = _mean_tau([(found.tau, rows[0]["cluster_key"]) for rows, found in zip(members, scores, strict=True)])
    found = list(zip(members, scores, strict=True))
    problems = _problems(scores, tau)
    rows = [] if problems else _rows(found, date.fromisoformat(day), judge.endpoint.model, rubric_hash(told))
    outcomes = Counter(score.outcome for score in scores)
    return RulerGroups(list(rows), dict(sorted(outcomes.items())), tau, _with_rewards(found), problems)


def _mean_tau(values: Sequence[tuple[float | None, str]]) -> Interval | None:
    known = [(tau, cluster) for tau, cluster in values if tau is not None]
    return interval([tau for tau, _ in known], [cluster for _, cluster in known]) if known else None


def _problems(scores: Sequence[GroupScores], tau: Interval | None) -> list[str]:
    """Why nothing of these scores is published, as sentences; empty if they are, and if there was no group."""
    if not scores:
        return []
    read = tau.n if tau else 0
    if read < MIN_GROUPS:
        counts = ", ".join(f"{n} {name}" for name, n in sorted(Counter(score.outcome for score in scores).items()))
        return [
            f"Two valid replies came for {read} of {len(scores)} groups ({counts}), and {MIN_GROUPS} are needed to "
            "know whether the judge depends on the order: raise max_calls, or land more prompts with several answers."
        ]
    if tau is not None and tau.mean < MIN_TAU:
        return [
            f"Its scores depend on the order of the answers: over {read} groups the mean tau of two orders is "
            f"{tau:.2f}, and {MIN_TAU} is the minimum. Choose another judge or rubric."
        ]
    return []


def _rows(found: Sequence[tuple[list[Row], GroupScores]], day: date, model: str, rubric_sha256: str) -> Iterator[Row]:
    for members, scores in found:
        for row, score in zip(members, scores.scores or (), strict=scores.scores is not None):
            yield {
                **{name: row[name] for name in ("prompt_key", "cluster_key", "split", "interaction_id", "landed_day")},
                "day": day,
                "score": round(score, 9),
                "order_tau": scores.tau,
                "size": len(members),
                "rubric_sha256": rubric_sha256,
                "model": model,
            }


def _with_rewards(found: Sequence[tuple[list[Row], GroupScores]]) -> Interval | None:
    """Mean tau of scores with rewards over groups in which two answers or more have different ones of one source."""
    taus: list[tuple[float | None, str]] = []
    for members, scores in found:
        sources = Counter(row["reward_source"] for row in members if row["reward_source"])
        for source in sources if scores.scores else ():
            rated = [
                (row["reward"], score)
                for row, score in zip(members, scores.scores or (), strict=True)
                if row["reward_source"] == source
            ]
            if len({reward for reward, _ in rated}) > 1:
                pairs = [reward for reward, _ in rated], [score for _, score in rated]
                taus.append((kendall_tau(*pairs), members[0]["cluster_key"]))
    return _mean_tau(taus)
