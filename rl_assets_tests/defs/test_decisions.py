"""Nights of decisions through Dagster: what each records, what the next one counts, and which prompts are new."""

import json
import shutil
from datetime import date

import pytest

from rl_assets.defs.shared.partitions import BACKFILL
from rl_assets.evaluation.promotion.epochs import read_primary
from rl_assets.evaluation.promotion.nights import publish_night
from rl_assets.evaluation.report.files import read_report
from rl_assets.evaluation.run.differences import read_differences, write_differences
from rl_assets.evaluation.schema.evidence import ClusterDifference
from rl_assets.lake.delta import Lake
from rl_assets.models.adapters import point_day
from rl_assets.settings import Settings
from rl_assets.tables.decision_evidence import DECISION_EVIDENCE
from rl_assets_tests.support.evaluation_folders import dataset, sft_row
from rl_assets_tests.support.evaluation_samples import DAY, random_adapter
from rl_assets_tests.support.reports_home import metadata, run, settings

__all__ = ["settings"]

NIGHT = ("eval_report", "decision_evidence", "promotion_decision")
DAY_BEFORE = "2026-10-13"


def recorded(settings: Settings, lineage: str = "dpo") -> list[dict]:
    rows = Lake(settings.paths.lake_url).read(DECISION_EVIDENCE, [DAY[:7]]).to_table().to_pylist()
    found = (row for row in rows if row["lineage"] == lineage and str(row["day"]) == DAY)
    return sorted(found, key=lambda row: row["cluster"])


def begun_on(settings: Settings, day: str) -> None:
    """Let the epoch of the report of DAY have begun on an earlier day."""
    for file in (settings.paths.metric_of_epoch(), settings.paths.reports(DAY) / "report.json"):
        content = json.loads(file.read_text(encoding="utf-8"))
        (content.get("primary") if "primary" in content and isinstance(content["primary"], dict) else content)[
            "day"
        ] = day
        file.write_text(json.dumps(content), encoding="utf-8")


def record(settings: Settings, day: str, clusters: list[str], difference: float) -> None:
    """Evidence of an earlier night of the epoch that runs on DAY."""
    report = read_report(settings.paths.reports(DAY))
    row = {
        "day": date.fromisoformat(day),
        "segment": None,
        "epoch": report.primary.epoch,
        "lineage": "dpo",
        "metric": report.primary.metric,
        "model": "m",
        "against": report.primary.against,
        "difference": difference,
        "source": "test",
    }
    rows = [row | {"cluster": name} for name in clusters]
    publish_night(Lake(settings.paths.lake_url), date.fromisoformat(day), None, rows)


def test_a_night_records_its_clusters_once_however_often_it_runs(settings):
    assert run(settings, *NIGHT).success
    first = recorded(settings)
    assert [row["cluster"] for row in first] == [f"k{n}" for n in range(6)]
    assert {(row["metric"], row["source"]) for row in first} == {("field_f1", "test")}
    assert len(recorded(settings, "sft")) == 6  # The parent may win too, by evidence of its own.
    decided = metadata(run(settings, *NIGHT), "promotion_decision")
    assert recorded(settings) == first
    assert (decided["verdict"], decided["clusters"], decided["nights"]) == ("INSUFFICIENT", 6, 1)


def test_the_metric_is_kept_for_the_epoch(settings):
    result = run(settings, "eval_report")
    file = settings.paths.metric_of_epoch()
    primary = read_primary(file)
    assert primary is not None and (primary.metric, primary.day) == ("field_f1", DAY)
    assert metadata(result, "eval_report")["decides"].startswith("Field F1 decides since 2026-10-14: 6 of 6 held-out")
    refused = run(settings, "eval_report", primary="exact_match")
    (failure,) = [event for event in refused.all_events if event.is_step_failure]
    assert "Say why in `primary_reason`" in failure.step_failure_data.error.to_string()
    why = {"primary": "exact_match", "primary_reason": "fields are no longer graded"}
    assert run(settings, "eval_report", **why).success
    assert "It replaced another metric: fields are no longer graded" in read_primary(file).sentence()


def test_a_backfill_records_nothing_and_leaves_the_metric(settings):
    assert run(settings, *NIGHT, tags={BACKFILL: "abcdefgh"}).success
    assert recorded(settings) == []
    assert not settings.paths.metric_of_epoch().exists()


def test_nights_of_an_epoch_add_up_to_a_promotion_that_no_single_one_carries(settings):
    assert run(settings, "eval_report").success
    won = [ClusterDifference(cluster=f"t{n}", difference=1.0 if n < 8 else 0.0, source="test") for n in range(30)]
    write_differences({"candidate": won}, settings.paths.reports(DAY))
    slow = json.loads((settings.paths.reports(DAY) / "report.json").read_text(encoding="utf-8"))
    slow["latency_ratio"] = None
    (settings.paths.reports(DAY) / "report.json").write_text(json.dumps(slow), encoding="utf-8")
    begun_on(settings, "2026-10-12")
    alone = metadata(run(settings, "promotion_decision"), "promotion_decision")
    assert (alone["verdict"], alone["clusters"]) == ("INSUFFICIENT", 30)
    record(settings, DAY_BEFORE, [f"y{n}" for n in range(8)] + ["t1"], 1.0)
    record(settings, "2026-10-12", [f"z{n}" for n in range(20)], 0.0)
    together = metadata(run(settings, "promotion_decision"), "promotion_decision")
    assert (together["clusters"], together["nights"]) == (30 - 1 + 9 + 20, 3)
    assert together["evidence"] > alone["evidence"] * 5


@pytest.fixture
def second_night(settings, base, parent) -> Settings:
    """A home whose day before had an adapter of its own, trained on k100 to k105; ten prompts landed since."""
    trained = [sft_row(f"k{n}", f"Which colour has part {n}?", f'{{"answer": "red {n}"}}') for n in range(100, 106)]
    new = [sft_row(f"n{n}", f"Which colour has item {n}?", f'{{"answer": "blue {n}"}}') for n in range(10)]
    before = settings.paths.datasets("sft_dataset", DAY_BEFORE)
    dataset(before, train=trained)
    today = settings.paths.datasets("sft_dataset", DAY)
    rebuilt = dataset(settings.home / "rebuilt" / "sft_dataset" / DAY, train=trained + new, test=[])
    shutil.copy(rebuilt / "train.parquet", today / "train.parquet")
    for kind, seed, started in (("sft", 5, None), ("dpo", 6, "sft")):
        folder = settings.paths.adapters() / kind / f"{kind}-before"
        random_adapter(base, folder, kind, seed=seed)
        point_day(settings.paths.adapters(), kind, DAY, "aaaa" if kind == "sft" else "bbbb")
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        manifest["dataset"]["day"] = DAY_BEFORE
        parent_of = {"inputs_hash": "sft-before", "sha256": "x"} if started else None
        (folder / "manifest.json").write_text(json.dumps(manifest | {"day": DAY_BEFORE, "parent": parent_of}))
        point_day(settings.paths.adapters(), kind, DAY_BEFORE, f"{kind}-before")
    return settings


def test_the_adapter_of_the_day_before_answers_what_landed_since(second_night):
    result = run(second_night, *NIGHT)
    assert result.success
    report = read_report(second_night.paths.reports(DAY))
    assert (report.decided, report.fresh_items) == ("entrant", 10)
    guarded = report.comparisons["entrant-base"].guarded
    assert guarded["unfinished_answers"].clusters == 6 + 10, "guardrails read the fresh prompts too"
    found = read_differences(second_night.paths.reports(DAY))["entrant"]
    assert {row.cluster for row in found if row.source == "fresh"} == {f"n{n}" for n in range(10)}
    assert {row.cluster for row in found if row.source == "test"} == {f"k{n}" for n in range(6)}
    decided = metadata(result, "promotion_decision")
    assert (decided["role"], decided["clusters"]) == ("entrant", 16)
    assert (decided["candidate"], report.decided) == (report.models["entrant"].sha256, "entrant")
    assert {row["model"] for row in recorded(second_night)} == {report.models["entrant"].sha256}


def test_prompts_that_an_earlier_night_of_the_epoch_counted_are_not_asked_again(second_night):
    assert run(second_night, "eval_report").success
    begun_on(second_night, "2026-10-12")
    record(second_night, "2026-10-12", ["n0", "n1", "n2"], 0.0)
    assert run(second_night, "eval_report").success
    assert read_report(second_night.paths.reports(DAY)).fresh_items == 7


def test_a_dataset_that_was_rebuilt_since_the_training_makes_nothing_fresh_and_the_report_says_so(second_night):
    file = second_night.paths.datasets("sft_dataset", DAY_BEFORE) / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | {"sha256": "e" * 64}), encoding="utf-8")
    assert run(second_night, "eval_report").success
    report = read_report(second_night.paths.reports(DAY))
    assert report.fresh_items == 0
    assert any("sft_dataset of 2026-10-13 was rebuilt since an adapter was trained on it" in n for n in report.notes)
