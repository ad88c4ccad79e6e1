"""Which pairs have near-identical texts: those that would be taken are compared, and those that take their place."""

import duckdb
import pyarrow as pa

from rl_assets import sql

NEAR_IDENTICAL = 0.95
BATCH_ROWS = 10_000
# Of each prompt twice as many pairs may be looked at as are wanted: one that proves near-identical has a successor.
LOOKED_AT = 2


def compare_texts(connection: duckdb.DuckDBPyConnection, per_prompt: int) -> None:
    """Leave `wanted_pairs` (pair, place), `near_identical` (pair) and the `texts` of the wanted pairs' answers.

    Reads `pairs`, `pair_reasons`, `answers`, `interactions` and `statements`.
    """
    places = sql.text("pair_places")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE pair_places AS {places}", {"places": LOOKED_AT * per_prompt})
    connection.execute("CREATE OR REPLACE TEMP TABLE near_identical (pair BIGINT)")
    connection.execute("CREATE OR REPLACE TEMP TABLE compared (pair BIGINT)")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE texts "
        "(number INTEGER, asked STRUCT(role VARCHAR, content VARCHAR)[], answer VARCHAR)"
    )
    while _compare_wanted(connection, per_prompt):
        pass


def _compare_wanted(connection: duckdb.DuckDBPyConnection, per_prompt: int) -> bool:
    """Choose the wanted pairs and compare the new ones; whether some proved near-identical, so that others follow."""
    wanted = sql.text("wanted_pairs")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE wanted_pairs AS {wanted}", {"per_prompt": per_prompt})
    connection.execute(f"INSERT INTO texts {sql.text('paired_texts')}")
    texts = sql.select(connection, "pair_texts", near_identical=NEAR_IDENTICAL)
    found = _near_identical(texts.to_arrow_reader(BATCH_ROWS))
    connection.execute("INSERT INTO compared SELECT pair FROM wanted_pairs ANTI JOIN compared USING (pair)")
    connection.register("found", found)
    connection.execute("INSERT INTO near_identical FROM found")
    connection.unregister("found")
    return found.num_rows > 0


def _near_identical(texts: pa.RecordBatchReader) -> pa.Table:
    """The pairs whose texts have a normalised indel similarity above NEAR_IDENTICAL, where 1 is equal."""
    from rapidfuzz import fuzz, process

    found: list[int] = []
    for batch in texts:
        chosen, rejected = (_stripped(batch.column(side)) for side in ("chosen", "rejected"))
        scores = process.cpdist(chosen, rejected, scorer=fuzz.ratio, score_cutoff=100 * NEAR_IDENTICAL, workers=-1)
        found += batch.column("pair").filter(pa.array(scores > 100 * NEAR_IDENTICAL)).to_pylist()
    return pa.table({"pair": pa.array(found, pa.int64())})


def _stripped(texts: pa.Array) -> list[str]:
    return [text.strip() for text in texts.to_pylist()]
