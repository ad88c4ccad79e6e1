"""Views of lake tables: the same rows as through Arrow, of the wanted days only, whatever columns the files have."""

from datetime import date

import duckdb
import pyarrow as pa
import pytest

from rl_assets.core import sql
from rl_assets.lake.delta import Lake
from rl_assets.lake.duckdb_views import register_view
from rl_assets.lake.table import Table
from rl_assets.tables.records import INTERACTIONS
from rl_assets_tests.support.logs import Product, judged, later


@pytest.fixture(scope="module")
def three_days(tmp_path_factory) -> Product:
    """A product of three days; to be read only."""
    folder = tmp_path_factory.mktemp("three-days")
    made = Product(folder / "landing", Lake(str(folder / "it's a lake")))
    for day in range(3):
        made.log(*(judged(f"{day}-{i}", i / 10, timestamp=f"{later(day)}T10:00:00Z") for i in range(5)), day=later(day))
        made.ingest(later(day))
    return made


def seen(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table, days: list[date]) -> pa.Table:
    register_view(connection, "seen", lake, table, days)
    return connection.sql("FROM seen ORDER BY ALL").to_arrow_table()


@pytest.mark.parametrize("days", [[later(0)], [later(2), later(0)], [later(9)], []], ids=str)
def test_a_view_holds_the_rows_of_the_wanted_days_with_the_columns_of_the_table(three_days: Product, days: list[date]):
    connection = sql.connect()
    rows = seen(connection, three_days.lake, INTERACTIONS, days)
    connection.register("landed", three_days.lake.read(INTERACTIONS, days))
    through_arrow = connection.sql("FROM landed ORDER BY ALL").to_arrow_table()
    assert rows.num_rows == 5 * len({day for day in days if day < later(3)})
    assert rows.schema.names == INTERACTIONS.schema.names
    assert rows.equals(through_arrow.cast(rows.schema))


def test_a_table_that_was_never_written_is_empty(tmp_path):
    assert seen(sql.connect(), Lake(str(tmp_path)), INTERACTIONS, [later(0)]).num_rows == 0


def test_a_column_that_the_files_lack_is_null(three_days: Product):
    grown = Table("interactions", INTERACTIONS.schema.append(pa.field("mood", pa.string())), INTERACTIONS.identity)
    rows = seen(sql.connect(), three_days.lake, grown, [later(0)])
    assert rows.column("mood").to_pylist() == [None] * 5


def test_a_view_that_is_made_again_shows_what_landed_since(product: Product):
    connection = sql.connect()
    product.log(judged("old", 0.5))
    product.ingest()
    before = seen(connection, product.lake, INTERACTIONS, [later(0)])
    product.log(judged("new", 0.5), name="late.jsonl")
    product.ingest()
    assert seen(connection, product.lake, INTERACTIONS, [later(0)]).num_rows == before.num_rows + 1
