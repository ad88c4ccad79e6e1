"""Evidence is what the nights said, however often they run, whatever is backfilled, and wherever a run is killed."""

import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from rl_assets.defs.shared.partitions import BACKFILL
from rl_assets.lake.delta import Lake
from rl_assets.settings import Settings
from rl_assets.tables.decision_evidence import DECISION_EVIDENCE
from rl_assets_tests.support.evaluation_samples import DAY, primary, report
from rl_assets_tests.support.planted_nights import clusters, of_adapter, plant, planted_adapter, run_night

# Kills its own process as soon as the evidence of the night is in the table: the decision never runs.
KILLED = """
import os, signal, sys
import dagster as dg
from rl_assets.defs.evaluation.decisions import decision_evidence
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.settings import Settings

home = HomeResource.from_settings(Settings(home=sys.argv[1]))
dg.materialize([decision_evidence], resources={"home": home}, partition_key=sys.argv[2])
os.kill(os.getpid(), signal.SIGKILL)
"""


def days_before(count: int) -> list[str]:
    """Days up to the one before DAY."""
    return [(date.fromisoformat(DAY) - timedelta(days=number)).isoformat() for number in range(count, 0, -1)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Three nights of one epoch, none of which ran yet; ten more days lie before it."""
    settings = Settings(home=tmp_path)
    adapter = planted_adapter(settings.paths, "candidate")
    began = primary(day=days_before(2)[0])
    for number, day in enumerate([*days_before(2), DAY]):
        found = of_adapter(report(day=day, primary=began), adapter)
        plant(settings, found, clusters(9, worse=6, equal=10, night=f"{number}-"))
    return settings


def recorded(settings: Settings) -> list[dict]:
    lake = Lake(settings.paths.lake_url)
    rows = lake.read(DECISION_EVIDENCE, [DAY[:7]]).to_table().to_pylist()
    return sorted(rows, key=lambda row: (str(row["day"]), row["cluster"]))


def evidence_of_the_epoch(settings: Settings) -> tuple[float, int, int]:
    """What the decision of DAY shows after the nights before it: evidence, clusters and nights."""
    for day in days_before(2):
        run_night(settings, day)
    shown = run_night(settings, DAY)
    return shown["evidence"], shown["clusters"], shown["nights"]


@pytest.mark.slow  # Builds days for seconds.
def test_a_night_that_runs_twice_adds_nothing(settings: Settings):
    first, rows = evidence_of_the_epoch(settings), recorded(settings)
    assert first[1:] == (75, 3)
    assert evidence_of_the_epoch(settings) == first
    assert recorded(settings) == rows


@pytest.mark.slow
def test_a_backfill_of_all_thirteen_days_before_adds_nothing(settings: Settings):
    first, rows = evidence_of_the_epoch(settings), recorded(settings)
    adapter = planted_adapter(settings.paths, "of the backfill")
    for day in days_before(13):
        if not (settings.paths.reports(day) / "report.json").is_file():
            plant(settings, of_adapter(report(day=day), adapter), clusters(25, night=day))
        run_night(settings, day, tags={BACKFILL: "abcdefgh"})
    assert recorded(settings) == rows
    shown = run_night(settings, DAY)
    assert (shown["evidence"], shown["clusters"], shown["nights"]) == first


@pytest.mark.slow
def test_a_run_that_is_killed_between_evidence_and_decision_adds_nothing_when_it_runs_again(settings: Settings):
    for day in days_before(2):
        run_night(settings, day)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(settings.home), DAY], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (settings.paths.reports(DAY) / "decision.json").exists()
    assert len([row for row in recorded(settings) if str(row["day"]) == DAY]) == 25
    shown = run_night(settings, DAY)
    assert (shown["evidence"], shown["clusters"], shown["nights"]) == evidence_of_the_epoch(settings)
