"""Datasets pushed to a hub: a local one, through the client library that users have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rl_assets_tests.support.dataset_tables import good_rows
from rl_assets_tests.support.hub import running_hub
from rl_assets_tests.support.published_rows import publish_rows

TOKEN = "hub-token-of-the-test"


@pytest.fixture
def folder(tmp_path) -> Path:
    return publish_rows(tmp_path, good_rows("sft_dataset", 120)).folder


def push(folder: Path, address: str, *options: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    # A training in the same process leaves libraries offline for the rest of it.
    hub = {"HF_ENDPOINT": address, "HF_TOKEN": token, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    environment = {**os.environ, **hub}
    command = [sys.executable, "-m", "rl_assets.datasets.exports.hub", str(folder), "--repo", "acme/answers", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_hub_has_the_card_the_splits_and_the_manifest_and_is_private(folder):
    with running_hub(TOKEN) as hub:
        first, second = push(folder, hub.url), push(folder, hub.url, "--public")
    assert (first.returncode, first.stdout) == (0, f"{hub.url}/datasets/acme/answers/commit/abc\n"), first.stderr
    assert second.returncode == 0, "a second push updates the repository"
    repo = hub.repos["acme/answers"]
    assert (repo["type"], repo["private"]) == ("dataset", True)
    names = ("README.md", "manifest.json", "test.parquet", "train.parquet", "validation.parquet")
    assert repo["files"] == {name: (folder / name).read_bytes() for name in names}
    assert len(repo["commits"]) == 2 and repo["commits"][0].startswith("sft_dataset as of 2026-10-01, ")


@pytest.mark.slow
def test_a_refusal_of_the_hub_and_a_missing_dataset_are_told_in_a_sentence(folder, tmp_path):
    with running_hub(TOKEN) as hub:
        refused, missing = push(folder, hub.url, token="wrong"), push(tmp_path / "none" / "2026-10-01", hub.url)
    assert refused.returncode == 2 and "401 Unauthorized" in refused.stderr and "Traceback" not in refused.stderr
    assert missing.returncode == 2 and "there is no dataset in" in missing.stderr
    assert hub.repos == {}
