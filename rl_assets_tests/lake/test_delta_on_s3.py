"""The lake on an object store: the same days and the same hashes as in a folder, on a real S3 protocol server."""

import multiprocessing

import pyarrow as pa
import pytest

from rl_assets.ingest.day import ingest_day
from rl_assets.ingest.landing import files_of
from rl_assets.lake.delta import Lake
from rl_assets.tables.records import FEEDBACK, INTERACTIONS
from rl_assets_tests.support.logs import DAY, USER_KEY, Product, interaction, later
from rl_assets_tests.support.s3 import bucket, s3_endpoint  # noqa: F401


@pytest.fixture
def lake(bucket: str) -> Lake:  # noqa: F811
    return Lake(f"{bucket}/tables")


def acts(day, *ids: str) -> pa.RecordBatchReader:
    rows = [{"day": day, "feedback_id": name, "content_sha256": name.upper()} for name in ids]
    return pa.Table.from_pylist(rows, schema=FEEDBACK.schema).to_reader()


def ids(lake: Lake, *days) -> list[str]:
    return sorted(lake.read(FEEDBACK, days).to_table()["feedback_id"].to_pylist())


def publish(url: str, day, name: str) -> None:
    """What one of several processes does."""
    Lake(url).publish(FEEDBACK, day, acts(day, name))


def test_days_are_published_read_and_replaced(lake: Lake):
    assert lake.days(FEEDBACK) == []
    lake.publish(FEEDBACK, DAY, acts(DAY, "a", "b"))
    lake.publish(FEEDBACK, later(1), acts(later(1), "c"))
    lake.publish(FEEDBACK, DAY, acts(DAY, "d"))
    assert lake.days(FEEDBACK) == [DAY, later(1)]
    assert ids(lake, DAY) == ["d"]
    assert ids(lake, DAY, later(1)) == ["c", "d"]


def test_a_whole_day_has_the_same_content_there_as_in_a_folder(lake: Lake, product: Product):
    product.log(*(interaction(str(i), user_rating=1 + i % 5) for i in range(20)), "{")
    here = product.ingest()
    there = ingest_day(lake, files_of(product.landing, DAY), DAY, USER_KEY)
    assert {n: p.sha256 for n, p in there.published.items()} == {n: p.sha256 for n, p in here.published.items()}
    assert lake.read(INTERACTIONS, [DAY]).count_rows() == 20


def test_two_processes_that_publish_other_days_lose_nothing(lake: Lake):
    lake.publish(FEEDBACK, DAY, acts(DAY, "first"))
    spawn = multiprocessing.get_context("spawn")
    work = [spawn.Process(target=publish, args=(lake.url, later(i), f"id-{i}")) for i in (1, 2)]
    for process in work:
        process.start()
    for process in work:
        process.join()
    assert [process.exitcode for process in work] == [0, 0]
    assert ids(lake, DAY, later(1), later(2)) == ["first", "id-1", "id-2"]
