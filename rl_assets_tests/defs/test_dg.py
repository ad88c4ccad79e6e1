"""`dg`, Dagster's command line, in a project of a user's own around the installed package."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rl_assets_tests.support.night_logs import write_log
from rl_assets_tests.support.wheel import REPOSITORY, installed  # noqa: F401

pytestmark = pytest.mark.slow  # Every command starts Python and loads the definitions: seconds each.

DAY = "2026-10-02"
COMPONENT = "rl_assets.defs.segments.component.SegmentAdapters"


@pytest.fixture
def project(installed: Path, tmp_path: Path) -> Path:  # noqa: F811
    """The project folder that we ship, with the package as if it were installed."""
    shutil.copytree(REPOSITORY / "deploy" / "project", tmp_path / "project")
    (tmp_path / "instance").mkdir()
    shutil.copy(REPOSITORY / "dagster.yaml", tmp_path / "instance")
    (tmp_path / "project" / "site").symlink_to(installed)
    return tmp_path / "project"


def dg(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A `dg` command in the project; it warns of nothing."""
    environment = {
        **{name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
        "PYTHONPATH": str((project / "site").resolve()),
        "DAGSTER_HOME": str(project.parent / "instance"),
        "RL_ASSETS_HOME": str(project.parent / "home"),
        "RL_ASSETS_EXECUTOR": "in_process",
    }
    command = [str(Path(sys.executable).with_name("dg")), *arguments]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert "Warning" not in done.stdout + done.stderr
    return done


def assets(project: Path) -> set[str]:
    return {asset["asset_key"] for asset in json.loads(dg(project, "list", "defs", "--json").stdout)["assets"]}


def test_the_definitions_are_listed_and_pass_the_check(project: Path):
    assert {"interactions", "sft_dataset", "dpo_adapter", "eval_report"} <= assets(project)
    assert dg(project, "check", "defs").returncode == 0


def test_a_day_is_materialized_without_lines_for_debugging(project: Path):
    write_log(project.parent / "home", DAY, range(3))
    raw = "interactions,feedback,rejected_records,ingested_files"
    ran = dg(project, "launch", "--assets", raw, "--partition", DAY)
    assert ran.returncode == 0, ran.stderr
    assert "lines of" in ran.stderr and "DEBUG" not in ran.stderr


def test_a_range_written_backwards_fails_with_a_sentence(project: Path):
    (project.parent / "home" / "landing").mkdir(parents=True)
    raw = "interactions,feedback,rejected_records,ingested_files"
    ran = dg(project, "launch", "--assets", raw, "--partition-range", "2026-11-22...2026-11-20")
    assert ran.returncode == 1
    assert "write 2026-11-20...2026-11-22" in ran.stderr and "ASSET_MATERIALIZATION" not in ran.stderr


def test_a_segment_is_scaffolded_checked_and_loaded(project: Path):
    assert COMPONENT in dg(project, "list", "components", "--json").stdout
    written = dg(project, "scaffold", "defs", COMPONENT, "billing", "--agent", "desk")
    assert written.returncode == 0, written.stderr
    assert dg(project, "check", "yaml").returncode == 0
    assert {"billing_sft_adapter", "billing_dpo_adapter", "billing_report"} <= assets(project)


def test_a_gateways_function_is_a_segment(project: Path):
    written = dg(project, "scaffold", "defs", COMPONENT, "haikus", "--task", "write_haiku", "--source", "tensorzero")
    assert written.returncode == 0, written.stderr
    text = (project / "our_assets" / "defs" / "haikus" / "defs.yaml").read_text(encoding="utf-8")
    assert "task: write_haiku" in text and "source: tensorzero" in text
    assert dg(project, "check", "yaml").returncode == 0
    assert "haikus_sft_adapter" in assets(project)


def test_a_segment_with_an_unknown_field_is_refused_with_its_place(project: Path):
    folder = project / "our_assets" / "defs" / "billing"
    folder.mkdir()
    (folder / "defs.yaml").write_text(f"type: {COMPONENT}\n\nattributes:\n  agnet: desk\n", encoding="utf-8")
    checked = dg(project, "check", "yaml")
    assert checked.returncode == 1 and "agnet" in checked.stdout + checked.stderr
