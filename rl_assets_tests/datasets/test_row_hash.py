"""The hash of what rows say: the same however they are cut, and another one for whatever differs."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from rl_assets.datasets.row_hash import content_hash

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
SCHEMA = pa.schema(
    [
        ("messages", MESSAGES),
        ("reward", pa.float64()),
        ("label", pa.bool_()),
        ("day", pa.date32()),
        ("at", pa.timestamp("us", "UTC")),
        ("picture", pa.binary()),
    ]
)


def row(number: int, **fields) -> dict:
    said = [{"role": "user", "content": f"Frage {number} 🙂"}, {"role": "assistant", "content": "ja" * number}]
    times = {"day": date(2026, 10, 1), "at": datetime(2026, 10, 1, tzinfo=UTC)}
    start = {"messages": said, "reward": number / 7, "label": number % 2 == 0, "picture": bytes([number])}
    return {**start, **times, **fields}


def hashed(rows: list[dict], cut: int = 100) -> str:
    return content_hash(SCHEMA, pa.Table.from_pylist(rows, schema=SCHEMA).to_batches(cut))


ROWS = [row(number) for number in range(50)]


@pytest.mark.parametrize("cut", [1, 7, 50])
def test_batches_of_any_size_have_one_hash(cut):
    assert hashed(ROWS, cut) == hashed(ROWS)


def test_shards_of_larger_arrays_are_read_where_they_begin():
    table = pa.Table.from_pylist(ROWS, schema=SCHEMA)
    whole = table.combine_chunks().to_batches()[0]
    assert content_hash(SCHEMA, [whole.slice(0, 20), whole.slice(20)]) == hashed(ROWS)
    assert content_hash(SCHEMA, [whole.slice(5, 10)]) == hashed(ROWS[5:15])


@pytest.mark.parametrize(
    "change",
    [
        {"messages": None},
        {"messages": []},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": [{"role": "user", "content": ""}]},
        {"messages": [{"role": "use", "content": "rFrage"}]},
        {"reward": None},
        {"reward": 0.0},
        {"label": None},
        {"label": False},
        {"day": date(2026, 10, 2)},
        {"at": None},
        {"picture": b""},
        {"picture": None},
    ],
    ids=str,
)
def test_whatever_differs_in_one_value_has_another_hash(change):
    others = [hashed([*ROWS[:10], row(10, **other), *ROWS[11:]]) for other in ({}, change)]
    assert others[0] == hashed(ROWS) != others[1]


def test_texts_that_only_lie_in_other_places_have_another_hash():
    cut = [[{"role": "user", "content": "ab"}], [{"role": "user", "content": "c"}]]
    otherwise = [[{"role": "user", "content": "a"}], [{"role": "user", "content": "bc"}]]
    hashes = {hashed([row(1, messages=said) for said in rows]) for rows in (cut, otherwise, cut[::-1])}
    assert len(hashes) == 3


def test_names_and_types_of_columns_are_content_too():
    empty = [pa.schema([("a", kind)]) for kind in (pa.int32(), pa.int64(), pa.string())]
    assert len({content_hash(schema, []) for schema in (*empty, pa.schema([("b", pa.int32())]))}) == 4
