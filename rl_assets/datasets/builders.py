"""From rated answers to training rows: the policies users set, and one function a dataset that applies its policy.

A builder leaves a temporary table `rows` (split, prompt_key, and the columns of a training row) on its connection and
returns the counts that account for every candidate.
"""

from dataclasses import dataclass

import duckdb
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from rl_assets import sql

NEAR_IDENTICAL = 0.95


@dataclass(frozen=True)
class Built:
    """Candidates a builder looked at, rows it took, and why the others were not: candidates = taken + sum(rejects)."""

    candidates: int
    taken: int
    rejects: dict[str, int]


class Policy(BaseModel):
    """What a user may choose for a dataset; unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SftPolicy(Policy):
    """One best answer a prompt."""

    min_reward: float = Field(
        0.8, ge=0, le=1, description="Lowest reward taken: conservative 0.9, balanced 0.8, aggressive 0.7."
    )
    max_samples: int = Field(1_000_000, ge=1, description="Most rows taken, the best first.")


class DpoPolicy(Policy):
    """Pairs of answers to one prompt."""

    margin: float = Field(0.2, gt=0, le=1, description="Least difference of rewards.")
    max_len_ratio: float = Field(2.0, ge=1, description="The longer answer is at most this many times the shorter.")
    per_prompt: int = Field(2, ge=1, description="Most pairs of one prompt.")
    max_pairs: int = Field(
        1_000_000, ge=1, description="Most pairs, round-robin over prompts, the widest margin first."
    )


class GrpoPolicy(Policy):
    """Groups of answers to one prompt."""

    group_size: int = Field(4, ge=2, le=10, description="Most answers in a group.")
    min_group_size: int = Field(2, ge=2, le=10, description="Fewest answers in a group.")
    min_sd: float = Field(0.05, ge=0, description="Least standard deviation of a group's rewards.")


def build_sft(connection: duckdb.DuckDBPyConnection, policy: SftPolicy) -> Built:
    """Supervised rows: one answer a prompt, a human's correction before any logged answer."""
    _table(connection, "candidates", "sft_candidates", **policy.model_dump())
    _table(connection, "rows", "sft_dataset")
    return _account(connection, "candidates")


def build_dpo(connection: duckdb.DuckDBPyConnection, policy: DpoPolicy) -> Built:
    """Preference pairs: stated ones first, then those whose rewards lie a margin apart; never near-identical texts."""
    _table(connection, "candidates", "dpo_candidates", margin=policy.margin, max_len_ratio=policy.max_len_ratio)
    # Twice as many texts as pairs are wanted, so that a pair that proves near-identical has a successor.
    _table(connection, "texts", "dpo_texts", places=2 * policy.per_prompt)
    connection.register(
        "compared",
        _compared(connection.sql("SELECT pair, chosen, rejected FROM texts").to_arrow_reader(10_000)),
    )
    _table(connection, "choice", "dpo_choice", per_prompt=policy.per_prompt, max_pairs=policy.max_pairs)
    _table(connection, "rows", "dpo_dataset")
    return _account(connection, "choice")


def build_grpo(connection: duckdb.DuckDBPyConnection, policy: GrpoPolicy) -> Built:
    """Groups of answers whose rewards differ; the candidates are answers, so `taken` counts answers, not groups."""
    _table(connection, "candidates", "grpo_candidates", **policy.model_dump())
    _table(connection, "rows", "grpo_dataset")
    return _account(connection, "candidates")


def _table(connection: duckdb.DuckDBPyConnection, name: str, statement: str, **parameters: object) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql.text(statement)}", parameters or None)


def _account(connection: duckdb.DuckDBPyConnection, table: str) -> Built:
    counts = dict(connection.sql(f"SELECT reason, count(*) FROM {table} GROUP BY reason ORDER BY reason").fetchall())
    return Built(candidates=sum(counts.values()), taken=counts.pop(None, 0), rejects=counts)


def _compared(texts: pa.RecordBatchReader) -> pa.Table:
    """(pair, near_identical) of the texts: normalised indel similarity above NEAR_IDENTICAL, where 1 is equal."""
    from rapidfuzz import fuzz, process

    pairs: list[int] = []
    near: list[bool] = []
    for batch in texts:
        chosen, rejected = (batch.column(side).to_pylist() for side in ("chosen", "rejected"))
        scores = process.cpdist(chosen, rejected, scorer=fuzz.ratio, score_cutoff=100 * NEAR_IDENTICAL)
        pairs += batch.column("pair").to_pylist()
        near += (scores > 100 * NEAR_IDENTICAL).tolist()
    return pa.table({"pair": pa.array(pairs, pa.int64()), "near_identical": pa.array(near, pa.bool_())})
