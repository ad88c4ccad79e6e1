"""From rated answers to training rows: one function a dataset that applies its policy.

A builder leaves two temporary tables on its connection: `rows` (split, prompt_key, and the columns of a training row)
and `fates` (what became of each answer), and returns the counts that account for every candidate.
"""

from dataclasses import dataclass, field

import duckdb

from rl_assets import sql
from rl_assets.datasets.likeness import compare_texts
from rl_assets.datasets.policies import GrpoPolicy, KtoPolicy, PairPolicy, SftPolicy


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
    _table(connection, "corrections", "corrections", teacher=policy.teacher)
    _table(connection, "candidates", "sft_candidates", min_reward=policy.least_reward, max_samples=policy.max_samples)
    _table(connection, "rows", "sft_dataset")
    _table(connection, "fates", "answer_fates")
    return _account(connection, "candidates")


def build_pairs(connection: duckdb.DuckDBPyConnection, policy: PairPolicy) -> Built:
    """Preference pairs by the policy's strategies, for DPO and for a reward model; never near-identical texts."""
    strategies = policy.strategies
    _answers(connection)
    _table(connection, "paired_answers", "paired_answers", max_answers=policy.max_answers, strategies=strategies)
    _table(connection, "pairs", "pairs", strategies=strategies, margin=policy.margin)
    _table(connection, "pair_reasons", "pair_reasons", max_len_ratio=policy.max_len_ratio)
    compare_texts(connection, policy.per_prompt)
    _table(connection, "choice", "pair_choice", max_pairs=policy.max_pairs)
    _table(connection, "rows", "pair_dataset", strategies=strategies)
    connection.execute("DROP TABLE texts")
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
    _table(connection, "answers", "answers")


def _table(connection: duckdb.DuckDBPyConnection, name: str, statement: str, **parameters: object) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql.text(statement)}", parameters or None)


def _account(connection: duckdb.DuckDBPyConnection, table: str, measures: str | None = None) -> Built:
    counts = dict(connection.sql(f"SELECT reason, count(*) FROM {table} GROUP BY reason ORDER BY reason").fetchall())
    measured = sql.select(connection, measures).to_arrow_table().to_pylist()[0] if measures else {}
    return Built(candidates=sum(counts.values()), taken=counts.pop(None, 0), rejects=counts, measures=measured)
