"""The past of a table goes, in a folder and in an object store: no file, no log, nothing of an earlier version."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow.fs import FileSelector, FileSystem, FileType

from rl_assets.governance.table_versions import purge_versions, remove_partitions, vacuum
from rl_assets.lake.delta import Lake
from rl_assets.tables.records import FEEDBACK
from rl_assets_tests.support.logs import DAY, later
from rl_assets_tests.support.s3 import bucket  # noqa: F401
from rl_assets_tests.support.servers import free_port, serving

GONE, KEPT = "a text that must go", "a text that may stay"


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """An S3 server in a process of its own: deltalake keeps Python's lock while it changes a table's properties."""
    pytest.importorskip("moto.server", reason="moto serves S3 here: pip install 'moto[server]'")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with serving([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], url):
        yield url


@pytest.fixture(params=["folder", pytest.param("object store", marks=pytest.mark.server)])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """Two days of two versions each; only the first version of the first day said what must go."""
    url = str(tmp_path / "lake") if request.param == "folder" else f"{request.getfixturevalue('bucket')}/tables"
    lake = Lake(url)
    for day, comment in ((DAY, GONE), (later(1), KEPT), (DAY, KEPT)):
        row = {"day": day, "feedback_id": str(day), "comment": comment}
        lake.publish(FEEDBACK, day, pa.Table.from_pylist([row], schema=FEEDBACK.schema).to_reader())
    return lake


def files(lake: Lake) -> dict[str, bytes]:
    """Every object of the table with its content."""
    store, root = FileSystem.from_uri(lake.uri(FEEDBACK))
    found = [
        info.path for info in store.get_file_info(FileSelector(root, recursive=True)) if info.type == FileType.File
    ]
    return {path.removeprefix(root): store.open_input_file(path).read() for path in found}


def comments(lake: Lake) -> list[str]:
    return lake.read(FEEDBACK, lake.days(FEEDBACK)).to_table()["comment"].to_pylist()


def test_only_the_present_version_is_left_and_the_log_quotes_nothing_else(lake: Lake):
    assert any(GONE.encode() in content for content in files(lake).values())
    assert purge_versions(lake, FEEDBACK) == 1
    left = files(lake)
    assert not any(GONE.encode() in content for content in left.values())
    assert len([name for name in left if name.endswith(".parquet") and "_delta_log" not in name]) == 2
    assert comments(lake) == [KEPT, KEPT]


def test_a_table_that_forgot_is_written_and_read_as_before(lake: Lake):
    purge_versions(lake, FEEDBACK)
    row = {"day": later(2), "feedback_id": "new", "comment": KEPT}
    lake.publish(FEEDBACK, later(2), pa.Table.from_pylist([row], schema=FEEDBACK.schema).to_reader())
    assert len(comments(lake)) == 3
    assert purge_versions(lake, FEEDBACK) == 0


def test_days_removed_take_their_files_with_the_vacuum_after_the_grace(lake: Lake):
    remove_partitions(lake, FEEDBACK, [str(DAY)])
    assert comments(lake) == [KEPT]
    assert vacuum(lake, FEEDBACK, hours=24) == 0
    assert vacuum(lake, FEEDBACK, hours=0) == 2
    assert not [name for name in files(lake) if f"day={DAY}" in name]


def test_a_table_without_commits_has_nothing_to_forget(tmp_path: Path):
    lake = Lake(str(tmp_path / "none"))
    remove_partitions(lake, FEEDBACK, ["2026-10-01"])
    assert (vacuum(lake, FEEDBACK, 0), purge_versions(lake, FEEDBACK)) == (0, 0)
