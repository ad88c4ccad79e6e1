"""The job `erase`: what Dagster shows after it, and when it refuses to begin."""

import json
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.asset_graph_view.asset_graph_view import AssetGraphView, TemporalContext
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus

from rl_assets.defs.governance.event_log_search import runs_that_show
from rl_assets.service.landing import land
from rl_assets_tests.support import products
from rl_assets_tests.support.service_clients import act, service_at

# The days behind them take several seconds of CPU.
pytestmark = pytest.mark.slow


def erase(home: Path, instance: dg.DagsterInstance, **config: object) -> dg.ExecuteInProcessResult:
    job = products.definitions(home).resolve_job_def("erase")
    run_config = {"ops": {"erase_records": {"config": {"users": ["mary"], **config}}}}
    return job.execute_in_process(run_config=run_config, instance=instance, raise_on_error=False)


def stale(home: Path, instance: dg.DagsterInstance) -> set[str]:
    """Assets of the last day that the UI shows as stale."""
    graph = products.definitions(home).resolve_asset_graph()
    now = TemporalContext(effective_dt=datetime.now(UTC), last_event_id=None)
    view = AssetGraphView(temporal_context=now, instance=instance, asset_graph=graph)
    status = CachingStaleStatusResolver(instance, graph, view)
    assets = ("rated_interactions", "sft_dataset", "dataset_ledger")
    return {name for name in assets if status.get_status(dg.AssetKey(name), products.SECOND) is StaleStatus.STALE}


def test_everything_made_of_the_erased_is_stale(copied, instance):
    assert stale(copied, instance) == set()

    result = erase(copied, instance)

    assert result.success and products.traces_of_mary(copied) == []
    assert stale(copied, instance) == {"rated_interactions", "sft_dataset", "dataset_ledger"}


def test_runs_that_show_texts_of_the_erased_are_named_and_deleted_when_asked(copied, instance):
    (run,) = instance.get_run_ids()
    assert runs_that_show(instance, products.TEXTS_OF_MARY) == [run]
    assert runs_that_show(instance, ["What is nowhere to be seen?"]) == []

    result = erase(copied, instance, delete_runs=True)

    assert result.success
    assert instance.get_run_ids() == [result.run_id]


def test_a_dry_run_changes_nothing(copied, instance):
    assert erase(copied, instance, dry_run=True).success
    assert products.traces_of_mary(copied)


def test_the_feedback_service_is_erased_too_and_the_report_counts_its_rows(copied, instance, monkeypatch):
    monkeypatch.setenv("RL_ASSETS_HOME", str(copied))
    service = service_at(copied)
    service.store.record_act(act("s1", rater="mary", comment=products.SECRET))
    land(service.store, service.home)
    service.store.record_act(act("s2", rater="mary", comment=products.SECRET))
    service.store.record_act(act("s3", "correction", rater="tom", interaction_id="m1", preferred=products.SECRET))
    service.store.record_act(act("s4", rater="tom"))
    export = copied / "exports" / "sft.jsonl"
    export.parent.mkdir()
    export.write_text("".join(json.dumps({"text": text}) + "\n" for text in (products.TEXTS_OF_MARY[0], "Of tom.")))

    result = erase(copied, instance)

    assert result.success
    (report,) = (copied / "erasures").glob("*.json")
    held = json.loads(report.read_text(encoding="utf-8"))
    assert held["service_rows"] == {"acts": 3} and len(held["service_files"]) == 1
    assert not set(held["service_files"]) & set(held["landing_files"])
    assert held["exports"] == {"sft.jsonl": 1} and export.read_text(encoding="utf-8") == '{"text": "Of tom."}\n'
    kept = [*(copied / "service").iterdir(), *(copied / "landing").rglob("service-*")]
    assert len(kept) >= 3
    assert not [path for path in kept if products.SECRET.encode() in path.read_bytes()]


def test_it_does_not_begin_while_another_run_may_publish(copied, instance):
    job = products.definitions(copied).resolve_job_def("datasets_job")
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    result = erase(copied, instance)
    assert not result.success and products.traces_of_mary(copied)
