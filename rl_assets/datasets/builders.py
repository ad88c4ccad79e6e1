"""From rated answers to training rows: one function a dataset that applies its policy.

A builder leaves two tables on its connection: `taken` (what the rows say but for their texts) and `fates` (what became
of each answer), and returns the counts that account for every candidate, with the rows, made a slice at a time.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import duckdb
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.datasets.near_duplicate_pairs import compare_texts
from rl_assets.datasets.policies import GrpoPolicy, KtoPolicy, PairPolicy, SftPolicy
from rl_assets.datasets.row_metrics import Rows
from rl_assets.datasets.texts import BATCH_ROWS, Texts, slices_of

MANY = 1_000_000  # Of so many rows the tables are made one after the other, since each wants most of the memory.


@dataclass(frozen=True)
class Built:
    """Candidates a builder looked at, rows it took, and why the others were not: candidates = taken + sum(rejects).

    A candidate is an answer or a correction; of pairs it is a pair. `measures` says what else is known of the rows.
    `rows` gives them in pieces, as often as it is called: split, prompt_key, and the columns of a training row; without
    it, they are the connection's table `rows`.
    """

    candidates: int
    taken: int
    rejects: dict[str, int]
    measures: dict[str, float | None] = field(default_factory=dict, compare=False)
    rows: Rows | None = field(default=None, compare=False, repr=False)


class NotNumberedError(ValueError):
    """The answers were rated by an earlier version of the project, which did not number them."""


def build_sft(connection: duckdb.DuckDBPyConnection, policy: SftPolicy) -> Built:
    """Supervised rows: one answer a prompt, a human's correction before any logged answer."""
    _answers(connection, unread="text, error")
    sql.create_table(connection, "corrections", "datasets/corrections", teacher=policy.teacher)
    sql.create_table(
        connection,
        "candidates",
        "datasets/sft/candidates",
        min_reward=policy.least_reward,
        max_samples=policy.max_samples,
    )
    return _built(connection, "sft", "datasets/answer_outcomes", "candidates")


def build_pairs(connection: duckdb.DuckDBPyConnection, policy: PairPolicy) -> Built:
    """Preference pairs by the policy's strategies, for DPO and for a reward model; never near-identical texts."""
    strategies = policy.strategies
    _answers(connection, unread="answered_at, latency_ms, refusal, boilerplate")
    sql.create_table(connection, "statements", "datasets/statements")
    sql.create_table(
        connection,
        "paired_answers",
        "datasets/pairs/paired_answers",
        max_answers=policy.max_answers,
        strategies=strategies,
    )
    sql.create_table(connection, "pairs", "datasets/pairs/candidates", strategies=strategies, margin=policy.margin)
    sql.create_table(connection, "pair_reasons", "datasets/pairs/drop_reasons", max_len_ratio=policy.max_len_ratio)
    texts = compare_texts(connection, policy.per_prompt)
    sql.create_table(connection, "choice", "datasets/pairs/selection", max_pairs=policy.max_pairs)
    return _built(
        connection,
        "pairs",
        "datasets/pairs/answer_outcomes",
        "choice",
        "datasets/pairs/metrics",
        texts,
        strategies=strategies,
    )


def build_kto(connection: duckdb.DuckDBPyConnection, policy: KtoPolicy) -> Built:
    """Single good and bad answers, with the weights at which the two kinds count alike."""
    _answers(connection, unread="answered_at, latency_ms, error, refusal, boilerplate")
    sql.create_table(connection, "statements", "datasets/statements")
    sql.create_table(connection, "candidates", "datasets/kto/candidates", **policy.model_dump())
    return _built(connection, "kto", "datasets/answer_outcomes", "candidates", "datasets/kto/metrics")


def build_grpo(connection: duckdb.DuckDBPyConnection, policy: GrpoPolicy) -> Built:
    """Groups of answers whose rewards differ; the candidates are answers, so `taken` counts answers, not groups."""
    _answers(connection, unread="answered_at, latency_ms, error, refusal, boilerplate, prompt_fault")
    sql.create_table(connection, "candidates", "datasets/grpo/candidates", **policy.model_dump())
    return _built(connection, "grpo", "datasets/answer_outcomes", "candidates", "datasets/grpo/metrics")


def _answers(connection: duckdb.DuckDBPyConnection, unread: str) -> None:
    """The table `answers` without the columns that the builder does not read."""
    connection.execute(
        f"CREATE OR REPLACE TABLE answers AS SELECT * EXCLUDE ({unread}) FROM ({sql.text('datasets/answers')})"
    )
    if connection.sql("FROM answers WHERE number IS NULL LIMIT 1").fetchall():
        raise NotNumberedError(
            "the day's rated_interactions are of an earlier version of the project: materialize them again, "
            "then the dataset"
        )


def _built(
    connection: duckdb.DuckDBPyConnection,
    kind: str,
    fates: str,
    candidates: str,
    measures: str | None = None,
    texts: Texts | None = None,
    **parameters: object,
) -> Built:
    """The tables `taken` and `fates`, made while texts are read since each keeps one core at work; their account."""
    counts = dict(
        connection.sql(f"SELECT reason, count(*) FROM {candidates} GROUP BY reason ORDER BY reason").fetchall()
    )
    taken = counts.pop(None, 0)
    slices = texts.slices if texts else slices_of(taken)
    with ThreadPoolExecutor(2 if taken < MANY else 1) as beside:
        accounted = beside.submit(sql.create_table, connection.cursor(), "fates", fates)
        put_in_order = beside.submit(
            sql.create_table, connection.cursor(), "taken", f"datasets/{kind}/selected", slices=slices, **parameters
        )
        told = texts or _texts(connection, slices)
        accounted.result()
        put_in_order.result()
    measured = sql.select(connection, measures).to_arrow_table().to_pylist()[0] if measures else {}
    rows = partial(_rows, connection, f"datasets/{kind}/rows", told)
    return Built(taken + sum(counts.values()), taken, counts, measured, rows)


def _texts(connection: duckdb.DuckDBPyConnection, slices: int) -> Texts:
    """The texts of the answers that were taken."""
    sql.create_table(connection, "named", "datasets/selected_texts", slices=slices)
    texts = Texts(slices)
    texts.keep(sql.select(connection, "datasets/answer_texts").to_arrow_reader(BATCH_ROWS))
    return texts


def _rows(connection: duckdb.DuckDBPyConnection, statement: str, texts: Texts) -> Iterator[pa.Table]:
    """The rows of each slice: those of a split are neighbours."""
    for place in range(texts.slices):
        connection.register("texts", texts.of(place))
        yield sql.select(connection, statement, slice=place).to_arrow_table()
