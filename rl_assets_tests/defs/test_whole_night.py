"""A whole night through Dagster on the quickstart log: real training, real report, real decision. Minutes."""

import json
import math
import shutil
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.core.home import Home
from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.training_runs import ENOUGH_ROWS
from rl_assets.evaluation.promotion.champion import read_champion
from rl_assets.evaluation.report.files import read_report
from rl_assets.models.adapters import Adapter, newest_adapter
from rl_assets.quickstart.install import install
from rl_assets.settings import Settings

pytestmark = pytest.mark.slow
RAW = ("interactions", "feedback", "rejected_records", "ingested_files")
FIRST, DAY = "2026-10-01", "2026-10-14"


def run(home: Path, job: str, day: str) -> dg.ExecuteInProcessResult:
    """Run a job for a day."""
    defs = build_defs(
        resources={"home": HomeResource.from_settings(Settings(home=home, recipe="demo"))},
        executor=dg.in_process_executor,
    )
    return defs.resolve_job_def(job).execute_in_process(partition_key=day, raise_on_error=False)


def take_in_all_days(home: Path) -> dg.ExecuteInProcessResult:
    """Materialize the raw tables of the quickstart's days in one run."""
    defs = build_defs(
        resources={"home": HomeResource.from_settings(Settings(home=home, recipe="demo"))},
        executor=dg.in_process_executor,
    )
    tags = {"dagster/asset_partition_range_start": FIRST, "dagster/asset_partition_range_end": DAY}
    raw = [dg.AssetKey(name) for name in RAW]
    return defs.resolve_job_def("datasets_job").execute_in_process(tags=tags, asset_selection=raw)


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    return {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}


def adapter(home: Path, kind: str) -> Adapter:
    found = newest_adapter(home / "adapters", kind, DAY)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A home after the quickstart's last night."""
    folder = tmp_path_factory.mktemp("night")
    install(folder)
    assert take_in_all_days(folder).success
    assert run(folder, "datasets_job", DAY).success
    assert run(folder, "retrain_job", DAY).success
    return folder


def test_the_night_leaves_what_the_readme_promises(home):
    for kind in ("sft", "dpo"):
        names = {path.name for path in adapter(home, kind).folder.iterdir()}
        assert names == {"adapter_model.safetensors", "adapter_config.json", "README.md", "manifest.json"}
    assert {"report.html", "report.md", "report.json", "decision.json"} <= {
        path.name for path in (home / "reports" / DAY).iterdir()
    }
    champion = read_champion(Home(home))
    assert champion is not None and champion.hash == adapter(home, "dpo").sha256


def test_held_out_prompts_show_that_each_step_helps(home):
    report = read_report(home / "reports" / DAY)
    assert report.held_out.clusters >= 50
    for pair in ("parent-base", "candidate-parent", "candidate-base"):
        difference = report.comparisons[pair].differences["exact_match"]
        assert difference.low is not None and difference.low > 0, pair


def test_preference_training_starts_at_ln_2_against_the_sft_adapter(home):
    check = adapter(home, "dpo").manifest.checks["step0_loss"]
    assert abs(check.value - math.log(2)) < 1e-3
    assert adapter(home, "dpo").manifest.parent.sha256 == adapter(home, "sft").sha256


def test_a_second_night_on_the_same_datasets_trains_nothing(home):
    before = {kind: adapter(home, kind).manifest for kind in ("sft", "dpo")}
    result = run(home, "retrain_job", DAY)
    assert result.success
    trained = {
        event.asset_key.to_user_string(): event.materialization.metadata["trained_in_this_run"].value
        for event in result.get_asset_materialization_events()
        if "trained_in_this_run" in event.materialization.metadata
    }
    assert trained == {"sft_adapter": False, "dpo_adapter": False}
    assert before == {kind: adapter(home, kind).manifest for kind in before}


def test_every_check_of_an_adapter_is_shown(home):
    result = run(home, "retrain_job", DAY)
    shown = {(check.asset_key.to_user_string(), check.check_name) for check in result.get_asset_check_evaluations()}
    for kind in ("sft", "dpo"):
        checks = {ENOUGH_ROWS, *adapter(home, kind).manifest.checks}
        assert {name for asset, name in shown if asset == f"{kind}_adapter"} == checks


def test_too_few_rows_skip_the_adapters_and_the_night_ends_well(home, tmp_path):
    shutil.copytree(home / "models", tmp_path / "models")
    landing = tmp_path / "landing" / "interaction_log" / DAY
    landing.mkdir(parents=True)
    (landing / "log.jsonl").write_text("\n".join(json.dumps(answer(number)) for number in range(3)), encoding="utf-8")

    result = run(tmp_path, "full_job", DAY)

    assert result.success
    assert materialized(result).isdisjoint({"sft_adapter", "dpo_adapter", "eval_report", "promotion_decision"})
    (why,) = {
        event.asset_observation_data.asset_observation.metadata["skipped"].value for event in observations(result)
    }
    assert "training needs" in why
    assert not (tmp_path / "champion.json").exists()


def observations(result: dg.ExecuteInProcessResult) -> list[dg.DagsterEvent]:
    return [event for event in result.all_events if event.event_type is dg.DagsterEventType.ASSET_OBSERVATION]


def answer(number: int) -> dict:
    return {
        "interaction_id": f"answer-{number}",
        "timestamp": datetime.fromisoformat(DAY).replace(tzinfo=UTC).isoformat(),
        "query": f"What is part {number}?",
        "answer": "A bolt.",
        "agent_type": "desk",
        "quality_scores": {"overall": 1.0},
        "latency_ms": 10,
        "tools_used": [],
        "error_occurred": False,
        "segment": "parts-manual",
    }
