"""From rated answers to training rows: one function a dataset that applies its policy.

A builder leaves two temporary tables on its connection: `rows` (split, prompt_key, and the columns of a training row)
and `fates` (what became of each answer), and returns the counts that account for every candidate.
"""

from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from rl_assets import sql
from rl_assets.datasets.policies import GrpoPolicy, KtoPolicy, PairPolicy, SftPolicy

NEAR_IDENTICAL = 0.95


@dataclass(frozen=True)
class Built:
    """Candidates a builder looked at, rows it took, and why the others were not: candidates = taken + sum(rejects).

    A candidate is an answer or a correction; of pairs it is a pair. `measures` says what else is known of the rows.
    """

    candidates: int
    taken: int
    rejects: dict[str, int]
    measures: dict[str, float | None] = field(default_factory=dict, compare=False)


def build_sft(connection: duckdb.DuckDBPyConnection, policy: SftPolicy) -> Built:
    """Supervised rows: one answer a prompt, a human's correction before any logged answer."""
    _answers(connection)
    _table(connection, "candidates", "sft_candidates", min_reward=policy.least_reward, max_samples=policy.max_samples)
    _table(connection, "rows", "sft_dataset")
    _table(connection, "fates", "answer_fates")
    return _account(connection, "candidates")


def build_pairs(connection: duckdb.DuckDBPyConnection, policy: PairPolicy) -> Built:
    """Preference pairs by the policy's strategies, for DPO and for a reward model; never near-identical texts."""
    _answers(connection)
    _table(connection, "paired_answers", "paired_answers", max_answers=policy.max_answers)
    _table(
        connection,
        "candidates",
        "pair_candidates",
        strategies=policy.strategies,
        margin=policy.margin,
        max_len_ratio=policy.max_len_ratio,
    )
    # Twice as many pairs are compared as are wanted, so that one that proves near-identical has a successor.
    places = 2 * policy.per_prompt
    texts = sql.select(connection, "pair_texts", places=places, near_identical=NEAR_IDENTICAL)
    connection.register("near_identical", _near_identical(texts.to_arrow_reader(10_000)))
    limits = {"places": places, "per_prompt": policy.per_prompt, "max_pairs": policy.max_pairs}
    _table(connection, "choice", "pair_choice", **limits)
    _table(connection, "rows", "pair_dataset", strategies=policy.strategies)
    _table(connection, "fates", "pair_fates")
    return _account(connection, "choice", "pair_measures")


def build_kto(connection: duckdb.DuckDBPyConnection, policy: KtoPolicy) -> Built:
    """Single good and bad answers, with the weights at which the two kinds count alike."""
    _answers(connection)
    _table(connection, "candidates", "kto_candidates", **policy.model_dump())
    _table(connection, "rows", "kto_dataset")
    _table(connection, "fates", "answer_fates")
    return _account(connection, "candidates", "kto_measures")


def build_grpo(connection: duckdb.DuckDBPyConnection, policy: GrpoPolicy) -> Built:
    """Groups of answers whose rewards differ; the candidates are answers, so `taken` counts answers, not groups."""
    _answers(connection)
    _table(connection, "candidates", "grpo_candidates", **policy.model_dump())
    _table(connection, "rows", "grpo_dataset")
    _table(connection, "fates", "answer_fates")
    return _account(connection, "candidates", "grpo_measures")


def _answers(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP VIEW answers AS {sql.text('answers')}")


def _table(connection: duckdb.DuckDBPyConnection, name: str, statement: str, **parameters: object) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql.text(statement)}", parameters or None)


def _account(connection: duckdb.DuckDBPyConnection, table: str, measures: str | None = None) -> Built:
    counts = dict(connection.sql(f"SELECT reason, count(*) FROM {table} GROUP BY reason ORDER BY reason").fetchall())
    measured = sql.select(connection, measures).to_arrow_table().to_pylist()[0] if measures else {}
    return Built(candidates=sum(counts.values()), taken=counts.pop(None, 0), rejects=counts, measures=measured)


def _near_identical(texts: pa.RecordBatchReader) -> pa.Table:
    """The pairs whose texts have a normalised indel similarity above NEAR_IDENTICAL, where 1 is equal."""
    from rapidfuzz import fuzz, process

    found: list[int] = []
    for batch in texts:
        chosen, rejected = (batch.column(side).to_pylist() for side in ("chosen", "rejected"))
        scores = process.cpdist(chosen, rejected, scorer=fuzz.ratio, score_cutoff=100 * NEAR_IDENTICAL)
        found += batch.column("pair").filter(pa.array(scores > 100 * NEAR_IDENTICAL)).to_pylist()
    return pa.table({"pair": pa.array(found, pa.int64())})
