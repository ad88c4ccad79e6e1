"""Logs dropped in an object store: the same files, days and records as in a folder, on a real S3 protocol server."""

import json
from pathlib import Path

import boto3
import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rl_assets.core.object_store import ObjectPath, any_path
from rl_assets.defs.ingestion.raw_tables import landed_logs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.ingest.append_only_logs import land_new_lines
from rl_assets.ingest.blocks import BLOCK_BYTES
from rl_assets.ingest.day import ingest_day
from rl_assets.ingest.landing import (
    LandingError,
    changed_days,
    day_fingerprints,
    files_of,
    skipped_files,
    undated_others,
)
from rl_assets.ingest.lines import UnreadableFileError
from rl_assets.settings import Settings
from rl_assets.tables.records import INGESTED_FILES, INTERACTIONS
from rl_assets_tests.support.logs import DAY, USER_KEY, Product, interaction, later
from rl_assets_tests.support.s3 import bucket, s3_endpoint  # noqa: F401


@pytest.fixture
def landing(bucket: str, s3_endpoint: str) -> ObjectPath:  # noqa: F811
    return any_path(f"{bucket}/drop/landing")


def upload(landing: ObjectPath, name: str, content: bytes) -> None:
    boto3.client("s3").put_object(Bucket="lake", Key=f"drop/landing/{name}", Body=content)


def copied(product: Product, landing: ObjectPath) -> None:
    for path in product.landing.rglob("*"):
        if path.is_file():
            upload(landing, path.relative_to(product.landing).as_posix(), path.read_bytes())


def test_files_of_every_kind_give_the_records_that_they_give_in_a_folder(product: Product, landing: ObjectPath):
    for name in ("a.jsonl", "b.jsonl.gz", "c.jsonl.zst"):
        product.log(*(interaction(f"{name}-{i}", user_rating=4) for i in range(50)), "{", name=name)
    table = pa.Table.from_pylist([interaction(f"p{i}") for i in range(20)])
    pq.write_table(table, product.landing / "interaction_log" / str(DAY) / "d.parquet")
    copied(product, landing)
    here = product.ingest()
    there = ingest_day(product.lake, files_of(landing, DAY), DAY, USER_KEY)
    assert (there.lines, there.rows, there.rejects) == (173, 170, {"not_json": 3})
    assert {n: p.sha256 for n, p in there.published.items()} == {n: p.sha256 for n, p in here.published.items()}


def test_an_object_of_several_blocks_streams(product: Product, landing: ObjectPath):
    line = json.dumps(interaction("HERE", answer="x" * 100_000))
    rows = BLOCK_BYTES // len(line) * 2 + 7
    product.log(*(line.replace("HERE", f"a{i}") for i in range(rows)))
    copied(product, landing)
    ingested = ingest_day(product.lake, files_of(landing, DAY), DAY, USER_KEY)
    assert ingested.rows == rows
    assert len({row["interaction_id"] for row in product.rows(INTERACTIONS)}) == rows


def test_days_are_told_by_names_and_what_is_hidden_or_unknown_is_left_alone(landing: ObjectPath):
    for name in (
        "interaction_log/dt=2026-10-01/h=9/a.jsonl",
        "reward_log/2026-10-01.jsonl",
        "reward_log/2026-10-02.jsonl",
    ):
        upload(landing, name, b"")
    for name in ("2026-10-01/.part.jsonl", ".tmp/2026-10-01/a.jsonl", "2026-10-01/_SUCCESS", "2026-10-01/readme.md"):
        upload(landing, f"reward_log/{name}", b"")
    upload(landing, "reward_log/current.jsonl", b"")
    names = [file.name for file in files_of(landing, DAY)]
    assert names == ["interaction_log/dt=2026-10-01/h=9/a.jsonl", "reward_log/2026-10-01.jsonl"]
    assert skipped_files(landing, DAY) == ["reward_log/2026-10-01/readme.md"]
    assert undated_others(landing) == ["reward_log/current.jsonl"]
    assert list(day_fingerprints(landing)) == [str(DAY), str(later(1))]


def test_a_changed_object_changes_its_day_only(landing: ObjectPath):
    for day in (DAY, later(1)):
        upload(landing, f"interaction_log/{day}/a.jsonl", b"1\n")
    before = day_fingerprints(landing)
    assert day_fingerprints(landing) == before
    upload(landing, f"interaction_log/{later(1)}/a.jsonl", b"1\n2\n")
    assert changed_days(day_fingerprints(landing), before) == [str(later(1))]


def test_a_place_without_objects_is_told_in_a_sentence(landing: ObjectPath):
    with pytest.raises(LandingError, match="there is no landing folder s3://lake/drop/landing"):
        files_of(landing, DAY)


def test_an_object_that_vanished_fails_the_day(product: Product, landing: ObjectPath):
    upload(landing, f"interaction_log/{DAY}/a.jsonl", b"1\n")
    files = files_of(landing, DAY)
    boto3.client("s3").delete_object(Bucket="lake", Key=f"drop/landing/interaction_log/{DAY}/a.jsonl")
    with pytest.raises(UnreadableFileError, match=r"a\.jsonl"):
        ingest_day(product.lake, files, DAY, USER_KEY)


def test_objects_do_not_grow(landing: ObjectPath):
    upload(landing, "interaction_log/current.jsonl", b"1\n")
    assert land_new_lines(landing, DAY).chunks == []


def test_a_deployment_may_have_landing_and_lake_in_a_bucket(product: Product, landing: ObjectPath, tmp_path: Path):
    product.log(interaction("a"), interaction("b"))
    copied(product, landing)
    settings = Settings(home=tmp_path / "elsewhere", landing_url=str(landing), lake="s3://lake/tables")
    home = HomeResource.from_settings(settings)
    assert dg.materialize([landed_logs], partition_key=str(DAY), resources={"home": home}).success
    assert home.lake.read(INGESTED_FILES, [DAY]).to_table()["rows"].to_pylist() == [2]
