"""Rows whose answers are nearly the same: estimated by MinHash, for answers of twenty different words or more.

Shorter ones are rightly alike, and equal ones of an agent are another check's business. Of a large dataset 5,000 rows,
evenly spread, are compared with each other, so that the check costs the same on every night: an answer that comes in
very many variants is found among these too.
"""

import duckdb
import numpy as np
import pyarrow as pa

from rl_assets.features.words import BANDS, ROWS, SEED

ALIKE = 0.85
LEAST_WORDS = 20
MOST_ROWS = 5_000
FACTORS = np.random.default_rng(SEED).integers(2**64, size=ROWS, dtype=np.uint64)


def find_near_answers(connection: duckdb.DuckDBPyConnection) -> None:
    """Leave the temporary table `compared_answers` (row: a rowid of the connection's table `rows`, whose messages end
    with an answer; near: whether another of these has nearly the same).
    """
    answers = connection.sql(
        "SELECT rowid AS row, messages[-1].content AS answer FROM rows "
        f"WHERE rowid % (SELECT greatest(1, ceil(count(*) / {MOST_ROWS})) FROM rows) = 0"
    ).to_arrow_table()
    rows, digests = _digests(answers)
    near_rows = pa.table({"row": rows[near(digests)]})
    connection.register("looked_at", answers.select(["row"]))
    connection.register("near_rows", near_rows)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE compared_answers AS "
        "SELECT row, row IN (SELECT near_rows.row FROM near_rows) AS near FROM looked_at"
    )
    for name in ("looked_at", "near_rows"):
        connection.unregister(name)


def near(digests: np.ndarray) -> np.ndarray:
    """Whether each digest is like another. In each band it is compared with the first that has the same values there.

    The values of a band are told apart by a multilinear hash modulo 2^64 (Dietzfelbinger 1996); its sums wrap around.
    """
    found = np.zeros(len(digests), bool)
    for band in np.split(digests.astype(np.uint64), BANDS, axis=1):
        keys = (band * FACTORS).sum(axis=1, dtype=np.uint64)
        _, firsts, group = np.unique(keys, return_index=True, return_inverse=True)
        others = np.flatnonzero(firsts[group] != np.arange(len(keys)))
        firsts = firsts[group][others]
        alike = (digests[others] == digests[firsts]).mean(axis=1) >= ALIKE
        found[others[alike]] = found[firsts[alike]] = True
    return found


def _digests(answers: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers and MinHash digests of the answers that are long enough."""
    from rensa import RMinHash

    said = [set((answer or "").casefold().split()) for answer in answers.column("answer").to_pylist()]
    long = [place for place, words in enumerate(said) if len(words) >= LEAST_WORDS]
    words = [list(said[place]) for place in long]
    digests = RMinHash.digest_matrix_from_token_sets(words, num_perm=BANDS * ROWS, seed=SEED).to_rows()
    rows = answers.column("row").take(pa.array(long, pa.int64())).to_numpy()
    return rows, np.array(digests, np.uint32).reshape(-1, BANDS * ROWS)
