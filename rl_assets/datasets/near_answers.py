"""Rows whose answers are nearly the same: estimated by MinHash, for answers of twenty different words or more.

Shorter ones are rightly alike, and equal ones of an agent are another check's business. Of a large dataset the first
5,000 rows are compared with each other, so that the check costs the same every time. They lie in the order of the
hashes of their prompts, so these are any prompts: an answer that comes in very many variants shows among them too.
"""

from functools import partial
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rl_assets.datasets.expectations import Expectation

# Answers of a similarity of 0.9 share one of BANDS bands of ROWS equal hashes in all but 8 of a million cases.
BANDS, ROWS = 18, 7
SEED = 1
ALIKE = 0.85
MIN_WORDS = 20
MAX_ROWS = 5_000
FACTORS = np.random.default_rng(SEED).integers(2**64, size=ROWS, dtype=np.uint64)
# Line ends and tabs part words as spaces do; a pattern that says so takes four times as long.
WORDS = "string_split(replace(replace(replace(lower({}), chr(10), ' '), chr(13), ' '), chr(9), ' '), ' ')"
NOTED = f"CASE WHEN row < {{}} THEN list_transform({WORDS}, lambda word: hash(word)) END"


def few_alike(answer: str, max_rows: int = MAX_ROWS) -> Expectation:
    """Warn where many of the first `max_rows` rows' answers are nearly the same; `answer` is SQL of a row."""
    return Expectation(
        "few_answers_are_nearly_alike",
        "At most 20 % of the answers have 20 words or more of which another answer has nearly all (MinHash, 0.85; of "
        "many rows 5,000 are compared).",
        "coalesce((SELECT avg(CAST(near AS INTEGER)) FROM compared_answers), 0)",
        high=0.2,
        blocking=False,
        bad_row="row IN (SELECT row FROM compared_answers WHERE near)",
        notes={"words": NOTED.format(max_rows, answer)},
        prepare=partial(find_near_answers, max_rows),
    )


def find_near_answers(max_rows: int, connection: duckdb.DuckDBPyConnection) -> None:
    """Leave the view `compared_answers` (row: of the first of the table `noted`; near: whether the answer of another of
    these is nearly the same).
    """
    first = connection.sql(
        "SELECT row, words FROM noted WHERE row < $max_rows ORDER BY row", params={"max_rows": max_rows}
    )
    compared = first.to_arrow_table()
    words = compared.column("words").combine_chunks()
    long = np.flatnonzero(pc.fill_null(pc.list_value_length(words), 0).to_numpy() >= MIN_WORDS)
    is_near = np.isin(np.arange(len(words)), long[_near(words.take(pa.array(long)))])
    connection.register("compared_answers", pa.table({"row": compared.column("row"), "near": is_near}))


def near_duplicates(digests: np.ndarray) -> np.ndarray:
    """Whether each digest is like another. In each band it is compared with the first that has the same values there.

    The values of a band are compared by their multilinear hash modulo 2^64 (Dietzfelbinger 1996); its sums wrap around.
    """
    is_near = np.zeros(len(digests), bool)
    for band in np.split(digests.astype(np.uint64), BANDS, axis=1):
        keys = (band * FACTORS).sum(axis=1, dtype=np.uint64)
        _, firsts, group = np.unique(keys, return_index=True, return_inverse=True)
        others = np.flatnonzero(firsts[group] != np.arange(len(keys)))
        firsts = firsts[group][others]
        alike = (digests[others] == digests[firsts]).mean(axis=1) >= ALIKE
        is_near[others[alike]] = is_near[firsts[alike]] = True
    return is_near


def _near(answers: pa.ListArray) -> np.ndarray:
    """The positions of those answers, given as lists of hashes of their words, of which another has nearly all."""
    from rensa import RMinHashLSH

    # Few answers share a band with another: only theirs are compared, which takes far longer.
    sharing = RMinHashLSH(ALIKE, BANDS * ROWS, BANDS).query_duplicate_flags_matrix_one_shot(_digests(answers))
    positions = np.flatnonzero(sharing)
    digests = _digests(answers.take(pa.array(positions))).to_rows()
    alike = positions[near_duplicates(np.array(digests, np.uint32).reshape(-1, BANDS * ROWS))]
    different = [position for position in alike if len(np.unique(answers[int(position)].values)) >= MIN_WORDS]
    return np.array(different, np.int64)


def _digests(answers: pa.ListArray) -> Any:
    """rensa's matrix of MinHash digests, in which a repeated word counts once."""
    from rensa import RMinHash

    ends = np.cumsum(np.r_[0, answers.value_lengths().to_numpy()]).astype(np.uint64)
    return RMinHash.digest_matrix_from_flat_token_hashes(answers.flatten().to_numpy(), ends, BANDS * ROWS, SEED)
