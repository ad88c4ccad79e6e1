"""Which pairs have near-identical texts: the best ones are compared, and then those that replace a rejected one."""

from collections.abc import Iterator

import duckdb
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.core.blank import stripped
from rl_assets.datasets.texts import BATCH_ROWS, Texts, shards_of

NEAR_IDENTICAL = 0.95
# Of each prompt twice as many pairs may be compared as are wanted: one that proves near-identical has a successor.
CANDIDATES_PER_WANTED = 2


def compare_texts(connection: duckdb.DuckDBPyConnection, per_prompt: int) -> Texts:
    """Leave `best_pairs` (shard, pair, position) and `near_identical` (pair); the texts that wanted pairs name.

    Reads `pairs`, `drop_reasons`, `answers`, `interactions` and `statements`.
    """
    sql.create_temporary(
        connection, "ranked_pairs", "datasets/pairs/ranked_pairs", positions=CANDIDATES_PER_WANTED * per_prompt
    )
    count = connection.sql("SELECT count(*) FROM ranked_pairs WHERE position <= $n", params={"n": per_prompt})
    texts = Texts(shards_of(count.fetchall()[0][0]))
    connection.execute("CREATE OR REPLACE TEMP TABLE near_identical (pair BIGINT)")
    connection.execute("CREATE OR REPLACE TEMP TABLE compared (pair BIGINT)")
    connection.execute("CREATE OR REPLACE TEMP TABLE read_texts (number BIGINT)")
    while _compare_wanted(connection, per_prompt, texts):
        pass
    return texts


def _compare_wanted(connection: duckdb.DuckDBPyConnection, per_prompt: int, texts: Texts) -> bool:
    """Choose the wanted pairs and compare the new ones; whether some proved near-identical, so that others follow."""
    sql.create_temporary(
        connection, "best_pairs", "datasets/pairs/best_pairs", per_prompt=per_prompt, shards=texts.shards
    )
    _read_texts(connection, texts)
    sql.create_temporary(
        connection, "uncompared_pairs", "datasets/pairs/uncompared_pairs", near_identical=NEAR_IDENTICAL
    )
    new = pa.table({"pair": pa.array(_near_identical(_shards(connection, texts)), pa.int64())})
    connection.execute("INSERT INTO compared SELECT pair FROM best_pairs ANTI JOIN compared USING (pair)")
    connection.register("new", new)
    connection.execute("INSERT INTO near_identical FROM new")
    connection.unregister("new")
    return new.num_rows > 0


def _read_texts(connection: duckdb.DuckDBPyConnection, texts: Texts) -> None:
    """Set those texts aside that wanted pairs name and earlier ones did not."""
    sql.create_temporary(connection, "named", "datasets/pairs/unread_texts")
    for statement in ("datasets/answer_texts", "datasets/feedback_texts"):
        texts.add(sql.select(connection, statement).to_arrow_reader(BATCH_ROWS))
    connection.execute("INSERT INTO read_texts SELECT number FROM named")


def _shards(connection: duckdb.DuckDBPyConnection, texts: Texts) -> Iterator[pa.Table]:
    """The texts of the pairs that are to be compared."""
    for (shard,) in connection.sql("SELECT DISTINCT shard FROM uncompared_pairs ORDER BY shard").fetchall():
        connection.register("texts", texts.read(shard))
        yield sql.select(connection, "datasets/pairs/uncompared_texts", shard=shard).to_arrow_table()


def _near_identical(shards: Iterator[pa.Table]) -> Iterator[int]:
    """The pairs whose texts have a normalised indel similarity above NEAR_IDENTICAL, where 1 is equal."""
    from rapidfuzz import fuzz, process

    for pairs in shards:
        chosen, rejected = (_stripped(pairs.column(side)) for side in ("chosen", "rejected"))
        scores = process.cpdist(chosen, rejected, scorer=fuzz.ratio, score_cutoff=100 * NEAR_IDENTICAL, workers=-1)
        yield from pairs.column("pair").filter(pa.array(scores > 100 * NEAR_IDENTICAL)).to_pylist()


def _stripped(texts: pa.ChunkedArray) -> list[str]:
    return [stripped(text) for text in texts.to_pylist()]
