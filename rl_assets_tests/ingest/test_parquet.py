"""Parquet files: their rows meet the same checks as lines."""

import math
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rl_assets.ingest import blocks
from rl_assets.ingest.lines import UnreadableFileError
from rl_assets.tables.records import INTERACTIONS, REJECTED_RECORDS
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
    drop(product, interaction("a1"), interaction("a2", latency_ms=math.nan), interaction(None), interaction("a4"))
    ingested = product.ingest()
    assert (ingested.rows, ingested.rejects) == (2, {"missing_field": 1, "not_json": 1})
    assert sorted(row["source_line"] for row in product.rows(REJECTED_RECORDS)) == [2, 3]


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
