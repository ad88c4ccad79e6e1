"""Decisions per segment through Dagster: metric, evidence, decision and champion of its own, by the product's code."""

import shutil
from datetime import date

import dagster as dg
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.shared.partitions import BACKFILL
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.promotion.champion import champion_in_use, promote, read_champion
from rl_assets.evaluation.promotion.decide import decide
from rl_assets.evaluation.promotion.epochs import read_primary
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.report.files import read_report
from rl_assets.lake.delta import Lake
from rl_assets.models.adapters import newest_adapter
from rl_assets.settings import Settings
from rl_assets.tables.decision_evidence import DECISION_EVIDENCE
from rl_assets.tables.review_queue import REVIEW_QUEUE
from rl_assets_tests.support.evaluation_samples import DAY, SHOWN, report
from rl_assets_tests.support.reports_home import checks, make_convincing, metadata, run, settings

__all__ = ["settings"]

SEGMENTS = """
colours: {category: colour}
desk: {agent: desk, stages: [sft], primary: exact_match}
"""
PRODUCT = ("eval_report", "decision_evidence", "promotion_decision")


def night(segment: str) -> tuple[str, ...]:
    return tuple(f"{segment}_{asset}" for asset in ("report", "evidence", "decision"))


@pytest.fixture
def segments(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The home with two declared segments, which have adapters of their own."""
    file = settings.home / "segments.yaml"
    file.write_text(SEGMENTS, encoding="utf-8")
    monkeypatch.setenv("RL_ASSETS_SEGMENTS", str(file))
    for name, kinds in (("colours", ("sft", "dpo")), ("desk", ("sft",))):
        for kind in kinds:
            shutil.copytree(settings.paths.adapters() / kind, settings.paths.adapters(name) / kind)
    return settings


def evidence(settings: Settings, segment: str | None) -> list[dict]:
    rows = Lake(settings.paths.lake_url).read(DECISION_EVIDENCE, [DAY[:7]]).to_table().to_pylist()
    return sorted((row for row in rows if row["segment"] == segment), key=lambda row: (row["lineage"], row["cluster"]))


def make_champion(settings: Settings, day: str, segment: str | None = None, kind: str = "sft") -> str:
    """Promote the adapter of DAY as if it had been that of an earlier day; its hash."""
    adapter = newest_adapter(settings.paths.adapters(segment), kind, DAY)
    assert adapter is not None
    decided = decide(report(), None, PromotionRules(), SHOWN)
    decided = decided.model_copy(update={"day": day, "candidate": adapter.sha256})
    assert promote(settings.paths, decided, adapter, segment)
    return adapter.sha256


def test_each_segment_has_a_metric_evidence_and_a_decision_of_its_own(segments):
    result = run(segments, *PRODUCT, *night("colours"), *night("desk"))
    assert result.success
    assert {(row["metric"], row["lineage"]) for row in evidence(segments, "colours")} == {
        ("field_f1", "sft"),
        ("field_f1", "dpo"),
    }
    assert [row["cluster"] for row in evidence(segments, None)] == [f"k{n}" for n in range(6)] * 2
    paths = segments.paths
    metrics = {name: read_primary(paths.metric_of_epoch(name)) for name in (None, "colours", "desk")}
    assert [primary and primary.metric for primary in metrics.values()] == ["field_f1", "field_f1", "exact_match"]
    assert metrics["colours"].epoch != metrics[None].epoch
    for name in ("colours", "desk"):
        decided = metadata(result, f"{name}_decision")
        assert (decided["verdict"], decided["clusters"]) == ("INSUFFICIENT", 6)
        assert (paths.reports(DAY, name) / "decision.json").is_file()
        assert "INSUFFICIENT" in (paths.reports(DAY, name) / "report.html").read_text(encoding="utf-8")
    assert checks(result)["colours_report judge_is_reliable"]


def test_a_night_of_one_segment_replaces_its_own_rows_alone(segments):
    assert run(segments, *PRODUCT[:2], *night("colours")[:2], *night("desk")[:2]).success
    before = {name: evidence(segments, name) for name in (None, "colours", "desk")}
    make_convincing(segments, "colours")
    assert run(segments, "colours_evidence").success
    assert len(evidence(segments, "colours")) == 60
    assert run(segments, *PRODUCT[:2]).success
    after = {name: evidence(segments, name) for name in (None, "colours", "desk")}
    assert (after[None], after["desk"]) == (before[None], before["desk"])
    assert len(after["colours"]) == 60


def test_a_segment_asks_people_about_its_own_answers_and_leaves_the_products_queue(segments):
    asked = [f"{name}review_queue" for name in ("", "colours_")]
    assert run(segments, *PRODUCT[:1], "colours_report", *asked).success
    lake, day = Lake(segments.paths.lake_url), date.fromisoformat(DAY)
    before = lake.read(REVIEW_QUEUE, [day]).to_table().to_pylist()
    names = {segment: {row["pair_id"] for row in before if row["segment"] == segment} for segment in (None, "colours")}
    assert names[None] and names["colours"] and not names[None] & names["colours"]
    for segment in (None, "colours"):
        page = segments.paths.reports(DAY, segment) / "review_queue.html"
        assert f"Review queue of {DAY}{' colours' if segment else ''}" in page.read_text(encoding="utf-8")
    assert run(segments, "colours_review_queue").success
    assert len(lake.read(REVIEW_QUEUE, [day]).to_table()) == len(before)
    assert checks(run(segments, "colours_evidence", "colours_decision"))["colours_decision labels_name_shown_pairs"]


def test_a_segment_gets_a_champion_of_its_own_and_the_product_keeps_its_one(segments):
    of_product = make_champion(segments, DAY)
    before = segments.paths.champion().read_bytes()
    assert run(segments, "colours_report", "desk_report").success
    make_convincing(segments, "colours")
    result = run(segments, *night("colours")[1:], *night("desk")[1:])
    decided = metadata(result, "colours_decision")
    assert (decided["verdict"], decided["champion_changed"]) == ("PROMOTE", True)
    assert metadata(result, "desk_decision")["verdict"] == "INSUFFICIENT"
    champion = read_champion(segments.paths, "colours")
    assert champion is not None and champion.adapter.startswith("adapters/colours/dpo/")
    assert segments.paths.champion().read_bytes() == before and champion.hash != of_product
    assert read_champion(segments.paths, "desk") is None


def test_a_segment_is_compared_with_the_products_champion_until_it_has_its_own(segments):
    of_product = make_champion(segments, "2026-10-01")
    assert run(segments, "colours_report").success
    compared = read_report(segments.paths.reports(DAY, "colours"))
    assert (compared.primary.against, compared.lineage.champion_sha256) == (of_product, of_product)
    own = make_champion(segments, "2026-10-02", "colours", kind="dpo")
    assert run(segments, "colours_report", "eval_report").success
    compared = read_report(segments.paths.reports(DAY, "colours"))
    assert (compared.primary.against, compared.lineage.champion_sha256) == (own, own)
    assert read_report(segments.paths.reports(DAY)).primary.against == of_product


def test_a_segment_meets_the_products_champion_the_day_after_so_it_does_not_matter_which_is_decided_on_first(segments):
    make_champion(segments, DAY)
    assert champion_in_use(segments.paths, None, DAY) == read_champion(segments.paths)
    assert champion_in_use(segments.paths, "colours", DAY) is None
    assert champion_in_use(segments.paths, "colours", "2026-10-15") == read_champion(segments.paths)


def test_a_backfill_of_a_segment_records_and_promotes_nothing(segments):
    tags = {BACKFILL: "abcdefgh"}
    assert run(segments, "colours_report", tags=tags).success
    make_convincing(segments, "colours")
    decided = metadata(run(segments, *night("colours")[1:], tags=tags), "colours_decision")
    assert (decided["verdict"], decided["champion_changed"]) == ("PROMOTE", False)
    assert evidence(segments, "colours") == []
    assert read_champion(segments.paths, "colours") is None
    assert not segments.paths.metric_of_epoch("colours").exists()


def test_the_champion_of_a_segment_is_rolled_back_and_that_of_the_product_stays(segments):
    of_product = make_champion(segments, "2026-10-02")
    first = make_champion(segments, "2026-10-01", "colours")
    make_champion(segments, "2026-10-02", "colours", kind="dpo")
    defs = build_defs(resources={"home": HomeResource.from_settings(segments)}, executor=dg.in_process_executor)
    config = {"reason": "Wrong colours.", "segment": "colours"}
    result = defs.resolve_job_def("rollback_champion").execute_in_process(
        run_config={"ops": {"restore_previous_champion": {"config": config}}}
    )
    champion = read_champion(segments.paths, "colours")
    assert champion is not None
    assert (champion.hash, champion.rolled_back[0].reason) == (first, "Wrong colours.")
    product = read_champion(segments.paths)
    assert product is not None and product.hash == of_product
    (seen,) = [event for event in result.all_events if event.event_type is dg.DagsterEventType.ASSET_OBSERVATION]
    observation = seen.asset_observation_data.asset_observation
    assert (observation.asset_key.to_user_string(), observation.partition) == ("colours_decision", "2026-10-02")
