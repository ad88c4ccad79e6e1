"""Preferences by a judge: which of two logged answers to one prompt is better, if rewards do not differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.judging.pairwise import AnswerPair, PairVerdict, judge_pairs
from rl_assets.judging.probes import failed_probes
from rl_assets.judging.summary import JudgeVerdicts, summarize
from rl_assets.llm.client import Judge
from rl_assets.tables.judge_preferences import JUDGE_PREFERENCES


@dataclass(frozen=True)
class Preferences:
    """The rows of a day, and how the judge behaved; no row from an unreliable judge."""

    rows: list[dict[str, Any]]
    verdicts: JudgeVerdicts

    def reader(self) -> pa.RecordBatchReader:
        """The rows for publishing."""
        return pa.Table.from_pylist(self.rows, schema=JUDGE_PREFERENCES.schema).to_reader()


def judge_preferences(connection: duckdb.DuckDBPyConnection, judge: Judge, day: str, max_pairs: int) -> Preferences:
    """Let the judge compare at most `max_pairs` pairs of `rated` answers whose rewards do not differ.

    Only pairs with one winner in both orders become rows; ties and invalid verdicts are counted, not kept.
    """
    candidates = sql.select(connection, "annotation/judge_candidates", max_pairs=max_pairs).to_arrow_table().to_pylist()
    pairs = [AnswerPair(tuple(row["prompt"]), row["first"], row["second"], row["prompt_key"]) for row in candidates]
    probes = failed_probes(judge)
    verdicts = judge_pairs(judge, pairs)
    summary = summarize(judge, "first", "second", pairs, verdicts, probes)
    rows = _rows(candidates, verdicts, date.fromisoformat(day), judge.endpoint.model) if summary.reliable else []
    return Preferences(list(rows), summary)


def _rows(
    candidates: Sequence[dict[str, Any]], verdicts: Sequence[PairVerdict], day: date, model: str
) -> Iterator[dict[str, Any]]:
    for row, verdict in zip(candidates, verdicts, strict=True):
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
