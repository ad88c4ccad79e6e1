"""Feedback in a real database: SQLite, and PostgreSQL where its programs are."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy

from rl_assets.defs.ingestion.raw_tables import landed_logs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.ingest.database import Database, DatabaseError, land_feedback
from rl_assets.settings import Settings
from rl_assets.tables.records import FEEDBACK, INTERACTIONS
from rl_assets_tests.support.logs import DAY, Product, later, opinion
from rl_assets_tests.support.postgres import postgres_server  # noqa: F401

COLUMNS = {
    "id": "TEXT",
    "brand_id": "TEXT",
    "user_id": "TEXT",
    "task_type": "TEXT",
    "prompt": "TEXT",
    "model_output": "TEXT",
    "feedback_type": "TEXT",
    "rating": "NUMERIC(3, 1)",
    "comment": "TEXT",
    "created_at": "TIMESTAMP",
}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request, tmp_path: Path) -> Database:
    """A database with an empty table `feedback`."""
    if request.param == "sqlite":
        url, time = f"sqlite:///{tmp_path / 'feedback.db'}", "TIMESTAMP"
    else:
        url, time = request.getfixturevalue("postgres_server").url, "TIMESTAMPTZ"
    columns = ", ".join(f"{name} {kind.replace('TIMESTAMP', time)}" for name, kind in COLUMNS.items())
    found = Database(url)
    execute(found, "DROP TABLE IF EXISTS feedback")
    execute(found, f"CREATE TABLE feedback ({columns})")
    return found


def execute(database: Database, statement: str, rows: list[dict[str, Any]] | None = None) -> None:
    engine = sqlalchemy.create_engine(database.engine_url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(statement), rows)
    engine.dispose()


def add(database: Database, *rows: dict[str, Any]) -> None:
    names = ", ".join(COLUMNS)
    places = ", ".join(f":{name}" for name in COLUMNS)
    blank = dict.fromkeys(COLUMNS)
    given = [{**blank, **{key: row[key] for key in row if key in COLUMNS}} for row in rows]
    execute(database, f"INSERT INTO feedback ({names}) VALUES ({places})", given)


def thumb(name: str, day: date = DAY, time: str = "12:00:00", **fields: Any) -> dict[str, Any]:
    return opinion(name, created_at=f"{day} {time}+00:00", **fields)


def landed(product: Product, day: date) -> list[str]:
    """Ids in the files of a day."""
    files = sorted((product.landing / "feedback_table" / str(day)).glob("*.jsonl"))
    return [json.loads(line)["id"] for path in files for line in path.read_text(encoding="utf-8").splitlines()]


def test_rows_of_a_day_become_records_of_the_day(database: Database, product: Product):
    star = thumb("f2", time="23:59:59", kind="rating", rating=4, comment='Ünïcödé, "quoted"\nand long')
    add(database, thumb("f1", time="00:00:00"), star, thumb("other", later(1), time="00:00:00"))
    assert land_feedback(product.landing, database, DAY) == 2
    ingested = product.ingest()
    assert (ingested.rows, ingested.rejects, ingested.outside_day) == (2, {}, 0)
    found = {row["feedback_id"]: row for row in product.rows(FEEDBACK)}
    assert {name: row["value"] for name, row in found.items()} == {"f1": 1.0, "f2": 0.75}
    assert found["f2"]["comment"] == star["comment"]
    assert product.rows(INTERACTIONS)[0]["segment"] == "acme"


def test_a_day_that_has_landed_stays_as_it_was_and_what_came_late_belongs_to_the_next(database, product: Product):
    add(database, thumb("f1"))
    land_feedback(product.landing, database, DAY)
    before = (product.landing / "feedback_table" / str(DAY) / "database.jsonl").read_bytes()
    add(database, thumb("late"), thumb("f2", later(1)))
    assert land_feedback(product.landing, database, DAY) == 0
    assert land_feedback(product.landing, database, later(1)) == 2
    assert (product.landing / "feedback_table" / str(DAY) / "database.jsonl").read_bytes() == before
    assert (landed(product, DAY), landed(product, later(1))) == (["f1"], ["late", "f2"])
    assert land_feedback(product.landing, database, later(2)) == 0
    assert landed(product, later(2)) == []


def test_a_landing_that_was_killed_before_its_last_file_lands_everything_once(database, product: Product):
    add(database, thumb("f1"))
    land_feedback(product.landing, database, DAY)
    add(database, thumb("late-1"), thumb("f2", later(1)))
    land_feedback(product.landing, database, later(1))
    (product.landing / "feedback_table" / str(later(1)) / "database.jsonl").unlink()
    add(database, thumb("late-2"))
    land_feedback(product.landing, database, later(1))
    assert sorted(landed(product, later(1))) == ["f2", "late-1", "late-2"]


def test_more_rows_than_a_batch_all_land(database: Database, product: Product):
    add(database, *(thumb(f"f{i}") for i in range(4_500)))
    assert land_feedback(product.landing, database, DAY) == 4_500
    assert len(set(landed(product, DAY))) == 4_500


def test_a_query_of_ones_own_renames_and_selects(database: Database, product: Product):
    add(database, thumb("f1"), thumb("f2", user_id="test"))
    query = "SELECT 'x-' || id AS id, prompt, model_output, 'thumbs_down' AS feedback_type, created_at FROM feedback "
    chosen = Database(database.url, query + "WHERE created_at >= :day AND created_at < :next_day AND user_id <> 'test'")
    land_feedback(product.landing, chosen, DAY)
    assert product.ingest().rows == 1
    assert [(row["feedback_id"], row["value"]) for row in product.rows(FEEDBACK)] == [("x-f1", 0.0)]


def test_a_row_that_is_no_feedback_is_a_reject_and_not_lost(database: Database, product: Product):
    add(database, thumb("f1"), thumb("f2", kind="applause"), thumb("f3", prompt=None))
    land_feedback(product.landing, database, DAY)
    ingested = product.ingest()
    assert (ingested.lines, ingested.rows) == (3, 1)
    assert ingested.rejects == {"missing_field": 1, "unknown_kind": 1}


def test_a_failed_read_is_not_an_empty_day(database: Database, product: Product):
    add(database, thumb("f1"))
    broken = Database(database.url, "SELECT * FROM feedbak WHERE created_at >= :day")
    with pytest.raises(DatabaseError, match=r"(?s)feedbak.*RL_ASSETS_FEEDBACK_QUERY"):
        land_feedback(product.landing, broken, DAY)
    assert landed(product, DAY) == []
    assert list((product.landing / "feedback_table" / str(DAY)).iterdir()) == []
    assert land_feedback(product.landing, database, DAY) == 1


@pytest.mark.parametrize("url", ["postgresql://me:secret@127.0.0.1:1/none", "mysql://me:secret@host/none", "secret"])
def test_a_database_that_cannot_be_reached_is_named_without_its_password(url, product: Product):
    with pytest.raises(DatabaseError) as caught:
        land_feedback(product.landing, Database(url), DAY)
    assert "secret" not in f"{caught.value} {caught.value.__cause__}"
    assert "RL_ASSETS_FEEDBACK_DATABASE" in str(caught.value)


def test_materializing_a_day_reads_the_database_of_the_settings(database, product: Product, monkeypatch):
    add(database, thumb("f1"), thumb("f2", later(1)))
    monkeypatch.setenv("RL_ASSETS_FEEDBACK_DATABASE", database.url)
    resources = {"home": HomeResource.from_settings(Settings(home=product.landing.parent))}
    assert dg.materialize([landed_logs], partition_key=str(DAY), resources=resources).success
    assert [row["feedback_id"] for row in product.rows(FEEDBACK)] == ["f1"]
