"""From rated answers to training rows: one function per dataset that applies its policy.

A builder leaves two tables on its connection, `selected` (the rows without their texts) and `outcomes` (of each
answer), and returns the counts that account for every candidate, with the rows, made one shard at a time.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import duckdb
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.datasets.near_duplicate_pairs import compare_texts
from rl_assets.datasets.policies import AnswerPolicy, GrpoPolicy, KtoPolicy, PairPolicy, SftPolicy
from rl_assets.datasets.row_metrics import Rows
from rl_assets.datasets.texts import BATCH_ROWS, Texts, shards_of

MAX_PARALLEL_ROWS = 1_000_000  # With more rows the tables are made one after the other: each needs most of the memory.


@dataclass(frozen=True)
class Built:
    """Rows that a builder selected, and candidates that it dropped by reason: candidates = selected + sum(dropped).

    A candidate is an answer or a correction; of pairs it is a pair. `metrics` describes the rows as a whole.
    `rows` makes them in batches, each time it is called: split, prompt_key, and the columns of a training row; if it is
    None, the rows are the connection's table `rows`.
    """

    candidates: int
    selected: int
    dropped: dict[str, int]
    metrics: dict[str, float | None] = field(default_factory=dict, compare=False)
    rows: Rows | None = field(default=None, compare=False, repr=False)


class NotNumberedError(ValueError):
    """The answers were rated by an earlier version of the project that did not number or pool them."""


def build_sft(connection: duckdb.DuckDBPyConnection, policy: SftPolicy) -> Built:
    """Supervised rows: one answer per prompt, a human's correction before any logged answer."""
    _answers(connection, policy, unread="text, error")
    sql.create_table(connection, "corrections", "datasets/corrections", teacher=policy.teacher, sources=policy.sources)
    sql.create_table(
        connection,
        "candidates",
        "datasets/sft/candidates",
        min_reward=policy.reward_threshold,
        sure_from=policy.sure_from,
        max_samples=policy.max_samples,
    )
    return _built(connection, "sft")


def build_pairs(connection: duckdb.DuckDBPyConnection, policy: PairPolicy) -> Built:
    """Preference pairs by the policy's strategies, for DPO and for a reward model; never near-identical texts."""
    strategies = policy.strategies
    _answers(connection, policy, unread="answered_at, latency_ms, refusal, boilerplate, lowest, lower")
    sql.create_table(connection, "statements", "datasets/statements", sources=policy.sources)
    sql.create_table(
        connection,
        "paired_answers",
        "datasets/pairs/paired_answers",
        max_answers=policy.max_answers,
        strategies=strategies,
    )
    sql.create_table(connection, "pairs", "datasets/pairs/pairs", strategies=strategies, margin=policy.margin)
    sql.create_table(
        connection,
        "drop_reasons",
        "datasets/pairs/drop_reasons",
        max_len_ratio=policy.max_len_ratio,
        length_allowance=policy.length_allowance,
    )
    texts = compare_texts(connection, policy.per_prompt)
    sql.create_table(connection, "candidates", "datasets/pairs/candidates", max_pairs=policy.max_pairs)
    return _built(
        connection,
        "pairs",
        outcomes="datasets/pairs/answer_outcomes",
        metrics="datasets/pairs/metrics",
        texts=texts,
        strategies=strategies,
    )


def build_kto(connection: duckdb.DuckDBPyConnection, policy: KtoPolicy) -> Built:
    """Single good and bad answers, with the weights at which the two kinds count alike."""
    _answers(connection, policy, unread="answered_at, latency_ms, error, refusal, boilerplate, lowest, lower")
    sql.create_table(connection, "statements", "datasets/statements", sources=policy.sources)
    sql.create_table(connection, "candidates", "datasets/kto/candidates", **policy.model_dump(exclude={"sources"}))
    return _built(connection, "kto", metrics="datasets/kto/metrics")


def build_grpo(connection: duckdb.DuckDBPyConnection, policy: GrpoPolicy) -> Built:
    """Groups of answers whose rewards differ; the candidates are answers, so `selected` counts answers, not groups."""
    _answers(connection, policy, unread="answered_at, latency_ms, error, refusal, boilerplate, lowest, lower")
    options = policy.model_dump(exclude={"sources", "scorers"})
    sources = policy.group_sources
    sql.create_table(connection, "rewarded", "datasets/grpo/rewarded", sources=sources, **options)
    options = policy.model_dump(include={"group_size", "min_group_size", "min_sd"})
    sql.create_table(connection, "candidates", "datasets/grpo/candidates", ruler=policy.with_ruler, **options)
    return _built(connection, "grpo", metrics="datasets/grpo/metrics")


def _answers(connection: duckdb.DuckDBPyConnection, policy: AnswerPolicy, unread: str) -> None:
    """The table `answers` without the columns that the builder does not read."""
    connection.execute(
        f"CREATE OR REPLACE TABLE answers AS SELECT * EXCLUDE ({unread}) FROM ({sql.text('datasets/answers')})",
        {"sources": policy.sources},
    )
    if connection.sql("FROM answers WHERE number IS NULL OR representative IS NULL LIMIT 1").fetchall():
        raise NotNumberedError(
            "the day's rated_interactions are of an earlier version of the project: materialize them again, "
            "then the dataset"
        )


def _built(
    connection: duckdb.DuckDBPyConnection,
    kind: str,
    *,
    outcomes: str = "datasets/answer_outcomes",
    metrics: str | None = None,
    texts: Texts | None = None,
    **parameters: object,
) -> Built:
    """Make `selected` and `outcomes` while texts are read, since each keeps one core busy; the counts and the rows."""
    counts = connection.sql("SELECT reason, count(*) FROM candidates GROUP BY reason ORDER BY reason").fetchall()
    dropped = dict(counts)
    selected = dropped.pop(None, 0)
    shards = texts.shards if texts else shards_of(selected)
    parameters["shards"] = shards
    with ThreadPoolExecutor(2 if selected < MAX_PARALLEL_ROWS else 1) as executor:
        tables = [
            executor.submit(sql.create_table, connection.cursor(), "outcomes", outcomes),
            executor.submit(
                sql.create_table, connection.cursor(), "selected", f"datasets/{kind}/selected", **parameters
            ),
        ]
        read_texts = texts or _texts(connection, shards)
        for table in tables:
            table.result()
    values = sql.select(connection, metrics).to_arrow_table().to_pylist()[0] if metrics else {}
    rows = partial(_rows, connection, f"datasets/{kind}/rows", read_texts)
    return Built(selected + sum(dropped.values()), selected, dropped, values, rows)


def _texts(connection: duckdb.DuckDBPyConnection, shards: int) -> Texts:
    """The texts of the selected answers."""
    sql.create_table(connection, "named", "datasets/selected_texts", shards=shards)
    texts = Texts(shards)
    texts.add(sql.select(connection, "datasets/answer_texts").to_arrow_reader(BATCH_ROWS))
    return texts


def _rows(connection: duckdb.DuckDBPyConnection, statement: str, texts: Texts) -> Iterator[pa.Table]:
    """The rows of each shard; rows of a split are adjacent."""
    for shard in range(texts.shards):
        connection.register("texts", texts.read(shard))
        yield sql.select(connection, statement, shard=shard).to_arrow_table()
