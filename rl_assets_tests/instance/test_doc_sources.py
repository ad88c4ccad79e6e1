"""Documentation without a daemon: the command that makes folders partitions, and the launch that reads one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rl_assets.documentation.publish import read_rows
from rl_assets.lake.delta import Lake
from rl_assets.tables.documentation import MARKDOWN_IMAGE_PAIRS
from rl_assets_tests.support.documentation_sites import guide, site


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An empty home and an instance of its own."""
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").touch()
    return {**os.environ, "RL_ASSETS_HOME": str(tmp_path), "DAGSTER_HOME": str(tmp_path / "dagster")}


def doc_sources(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rl_assets.instance.doc_sources"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_folders_become_partitions_that_can_be_launched(environment, tmp_path):
    site(tmp_path / "docs" / "guide", guide())
    assert doc_sources(environment).stdout == "guide (new)\n"
    assert doc_sources(environment).stdout == "guide\n"
    launch = [str(Path(sys.executable).with_name("dg")), "launch", "--job", "images_job", "--partition", "guide"]
    ran = subprocess.run(launch, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len(read_rows(Lake(str(tmp_path / "lake")), MARKDOWN_IMAGE_PAIRS, "guide")) == 12


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "words"), [("", "put a tree of markdown with its images there"), ("My Docs", "rename them")]
)
def test_a_home_without_a_folder_that_can_be_one_says_what_to_do(environment, tmp_path, folder, words):
    if folder:
        (tmp_path / "docs" / folder).mkdir(parents=True)
    ran = doc_sources(environment)
    assert ran.returncode == 1 and words in ran.stderr and "Traceback" not in ran.stderr


@pytest.mark.slow
def test_a_misnamed_folder_stops_no_other_and_is_named(environment, tmp_path):
    for name in ("guide", "My Docs"):
        (tmp_path / "docs" / name).mkdir(parents=True)
    ran = doc_sources(environment)
    assert (ran.returncode, ran.stdout) == (1, "guide (new)\n") and "My Docs" in ran.stderr
