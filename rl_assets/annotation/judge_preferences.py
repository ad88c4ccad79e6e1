"""Preferences by a judge: which of two logged answers to one prompt is better, where nobody's reward says so."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.judging.pairwise import Duel, Judged, judge_pairs
from rl_assets.judging.probes import failed_probes
from rl_assets.judging.summary import JudgeVerdicts, summarize
from rl_assets.llm.client import Judge
from rl_assets.tables.judge_preferences import JUDGE_PREFERENCES


@dataclass(frozen=True)
class Preferences:
    """The rows of a day, and how the judge behaved; no row from a judge that cannot be believed."""

    rows: list[dict[str, Any]]
    verdicts: JudgeVerdicts

    def reader(self) -> pa.RecordBatchReader:
        """The rows for publishing."""
        return pa.Table.from_pylist(self.rows, schema=JUDGE_PREFERENCES.schema).to_reader()


def judge_preferences(connection: duckdb.DuckDBPyConnection, judge: Judge, day: str, most: int) -> Preferences:
    """Let the judge compare at most `most` pairs of `rated` answers that rewards do not tell apart.

    Only pairs with one winner in both orders become rows; ties and invalid verdicts are counted, not kept.
    """
    found = sql.select(connection, "annotation/judge_candidates", most=most).to_arrow_table().to_pylist()
    duels = [Duel(tuple(row["prompt"]), row["first"], row["second"], row["prompt_key"]) for row in found]
    probes = failed_probes(judge)
    judged = judge_pairs(judge, duels)
    verdicts = summarize(judge, "first", "second", duels, judged, probes)
    rows = _rows(found, judged, date.fromisoformat(day), judge.endpoint.model) if verdicts.usable else []
    return Preferences(list(rows), verdicts)


def _rows(found: Sequence[dict[str, Any]], judged: Sequence[Judged], day: date, model: str) -> Iterator[dict[str, Any]]:
    for row, verdict in zip(found, judged, strict=True):
        if verdict.outcome in ("first", "second"):
            better, worse = ("first", "second") if verdict.outcome == "first" else ("second", "first")
            yield {
                **{name: row[name] for name in ("prompt_key", "segment", "category")},
                "day": day,
                "preferred_id": row[f"{better}_id"],
                "preferred_day": row[f"{better}_day"],
                "rejected_id": row[f"{worse}_id"],
                "rejected_day": row[f"{worse}_day"],
                "model": model,
            }
