"""The hash of many rows: it tells contents apart and nothing else."""

import random

import pyarrow as pa
import pyarrow.dataset as pds
import pytest

from rl_assets.lake.content_hash import Content, hash_content


def content(*rows: tuple[str | None, str | None]) -> Content:
    columns = [pa.array([row[i] for row in rows], pa.string()) for i in (0, 1)]
    return hash_content(pds.dataset(pa.table(columns, names=["a", "b"])), ["a", "b"])


def test_the_order_of_many_rows_leaves_it_the_same():
    rows = [(str(i), str(i % 7)) for i in range(20_000)]
    before = content(*rows)
    random.Random(1).shuffle(rows)
    assert content(*rows) == before
    assert before.rows == 20_000


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("a", "b")], [("b", "a")]),
        ([("ab", "c")], [("a", "bc")]),
        ([("a", None)], [("a", "")]),
        ([("a", None)], [(None, "a")]),
        ([("a", "b")], [("a", "b"), ("a", "b")]),
        ([("a", "b"), ("c", "d")], [("a", "d"), ("c", "b")]),
        ([], [("", "")]),
    ],
)
def test_other_rows_have_another(one, other):
    assert content(*one) != content(*other)
    assert content(*one) == content(*one)
