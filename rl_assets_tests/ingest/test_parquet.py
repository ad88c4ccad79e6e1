"""Parquet files: their rows meet the same checks as lines."""

import math
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rl_assets.ingest import blocks
from rl_assets.ingest.lines import UnreadableFileError
from rl_assets.tables.records import FEEDBACK, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import DAY, Product, Row, interaction


def drop(product: Product, *rows: Row, name: str = "part-0.parquet") -> Path:
    path = product.landing / "interaction_log" / str(DAY) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


def test_rows_of_a_parquet_file_become_the_records_that_lines_would(product: Product):
    rows = [interaction(str(i), quality_scores={"overall": i / 4}, user_rating=1 + i) for i in range(5)]
    product.log(*rows)
    first = product.ingest().published["interactions"].sha256
    product.log()
    drop(product, *rows)
    again = product.ingest()
    assert (again.lines, again.rows) == (5, 5)
    assert again.published["interactions"].sha256 == first
    assert {row["source_line"] for row in product.rows(INTERACTIONS)} == {1, 2, 3, 4, 5}


def test_typed_times_are_read_with_and_without_a_zone(product: Product):
    drop(product, interaction("a1", timestamp=datetime(2026, 10, 1, 10, tzinfo=UTC)), name="a.parquet")
    drop(product, interaction("a2", timestamp=datetime(2026, 10, 1, 10)), name="b.parquet")
    assert product.ingest().rows == 2
    assert {row["answered_at"] for row in product.rows(INTERACTIONS)} == {datetime(2026, 10, 1, 10, tzinfo=UTC)}


def test_a_bad_row_is_a_reject_with_its_number(product: Product):
    drop(product, interaction("a1"), interaction("a2", latency_ms=math.inf), interaction(None), interaction("a4"))
    ingested = product.ingest()
    assert (ingested.rows, ingested.rejects) == (2, {"missing_field": 1, "not_json": 1})
    assert sorted(row["source_line"] for row in product.rows(REJECTED_RECORDS)) == [2, 3]


def test_nan_is_a_missing_number_and_stays_in_texts(product: Product):
    scores = {"overall": math.nan, "style": 0.5}
    rows = [
        interaction("a1", latency_ms=math.nan, user_id=math.nan, user_rating=4.0, quality_scores=scores),
        interaction("a2", latency_ms=7.5, user_id=11.0, user_rating=math.nan, answer='Not "NaN", NaN.'),
    ]
    drop(product, *rows)
    ingested = product.ingest()
    assert (ingested.rows, ingested.rejects, ingested.unread_scores) == (2, {}, [])
    first, second = sorted(product.rows(INTERACTIONS), key=lambda row: row["interaction_id"])
    assert (first["latency_ms"], first["user_id"], dict(first["quality_scores"])) == (None, None, {"style": 0.5})
    assert (second["latency_ms"], second["answer"]) == (7.5, 'Not "NaN", NaN.')
    assert [(row["interaction_id"], row["value"]) for row in product.rows(FEEDBACK)] == [("a1", 0.75)]


def test_nulls_in_structs_maps_and_lists_are_missing_members(product: Product):
    structs = [
        {"overall": 0.9, "style": 0.5},
        {"overall": 0.4, "style": None},
        {"overall": None, "style": 0.7},
    ]
    drop(product, *(interaction(str(i), quality_scores=each) for i, each in enumerate(structs)), name="a.parquet")
    maps = pa.array([[("overall", 0.9), ("style", None)]], pa.map_(pa.string(), pa.float64()))
    row = pa.Table.from_pylist([interaction("map", tools_used=["a", None])]).append_column("quality_scores", maps)
    pq.write_table(row, drop(product, interaction(), name="b.parquet"))
    ingested = product.ingest()
    assert (ingested.rows, ingested.rejects, ingested.unread_scores) == (4, {}, [])
    scores = {row["interaction_id"]: dict(row["quality_scores"]) for row in product.rows(INTERACTIONS)}
    assert scores == {
        "0": {"overall": 0.9, "style": 0.5},
        "1": {"overall": 0.4},
        "2": {"style": 0.7},
        "map": {"overall": 0.9},
    }


def test_a_row_over_the_limit_costs_itself_only(product: Product, monkeypatch):
    monkeypatch.setattr(blocks, "MAX_LINE_BYTES", 1_000)
    drop(product, interaction("a1"), interaction("a2", answer="x" * 2_000), interaction("a3"))
    ingested = product.ingest()
    assert (ingested.rows, ingested.rejects) == (2, {"too_long": 1})


def test_an_empty_parquet_file_has_no_lines(product: Product):
    path = drop(product, interaction())
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    ingested = product.ingest()
    assert (ingested.files, ingested.lines) == (1, 0)


def test_a_damaged_parquet_file_is_unreadable_and_a_pointer_is_no_log(product: Product):
    path = drop(product, interaction())
    whole = path.read_bytes()
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    assert product.ingest().rejects == {"not_a_log_file": 1}
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableFileError, match=r"part-0\.parquet"):
        product.ingest()
