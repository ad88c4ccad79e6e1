"""The disk is full in mid-run: what was published stays, and the next run goes on. Needs root, to mount a small one."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rl_assets.core.files import sha256_folder
from rl_assets.lake.delta import Lake
from rl_assets.tables.dataset_manifest import read_manifest
from rl_assets.tables.records import INTERACTIONS
from rl_assets_tests.support.night_logs import write_log
from rl_assets_tests.support.stand_in import make_dataset

DAY = "2026-10-01"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(folder)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no right to mount a small file system here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # A reader may not have let go yet.


def fill(disk: Path, leave: int) -> Path:
    """Take all but `leave` bytes."""
    status = os.statvfs(disk)
    ballast = disk / "ballast"
    ballast.write_bytes(b"\0" * (status.f_bavail * status.f_frsize - leave))
    return ballast


@pytest.mark.slow
@pytest.mark.parametrize("leave", [0, 16_384, 98_304])
def test_a_full_disk_leaves_what_was_published_and_a_later_run_goes_on(small_disk, leave):
    write_log(small_disk, DAY, range(20))
    assert make_dataset(small_disk, DAY).success
    dataset, lake = small_disk / "datasets" / "sft_dataset" / DAY, Lake(str(small_disk / "lake"))
    before, rows = sha256_folder(dataset), len(lake.read(INTERACTIONS, [DAY]).to_table())

    write_log(small_disk, DAY, range(20, 90))
    ballast = fill(small_disk, leave)
    full = make_dataset(small_disk, DAY)
    assert not full.success
    assert sha256_folder(dataset) == before
    assert len(lake.read(INTERACTIONS, [DAY]).to_table()) in (rows, 90), "one whole day or the other"

    ballast.unlink()
    assert make_dataset(small_disk, DAY).success
    assert len(lake.read(INTERACTIONS, [DAY]).to_table()) == 90
    manifest = read_manifest(dataset)
    assert manifest is not None and manifest.rows["train"] > 20
    assert [path.name for path in dataset.parent.iterdir() if path.name.startswith(f".{DAY}")] == []
