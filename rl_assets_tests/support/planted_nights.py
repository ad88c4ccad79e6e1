"""Nights whose report and differences were planted, decided through Dagster: no model answers, so they take no time."""

from typing import Any

import dagster as dg

from rl_assets.core.home import Home
from rl_assets.defs.evaluation.decisions import decision_evidence, promotion_decision
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.promotion.champion import promote
from rl_assets.evaluation.promotion.decide import decide
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.report.files import read_report, write_report
from rl_assets.evaluation.run.differences import write_differences
from rl_assets.evaluation.schema.evidence import ClusterDifference
from rl_assets.evaluation.schema.report import EvalReport
from rl_assets.models.adapters import WEIGHTS, Adapter, publish
from rl_assets.settings import Settings
from rl_assets_tests.support.adapter_samples import sample_manifest
from rl_assets_tests.support.evaluation_samples import DAY, SHOWN, report

BASE = "b" * 64


def planted_adapter(home: Home, name: str, base: str = BASE) -> Adapter:
    """A complete adapter folder whose weights are its name."""
    folder = home.adapters() / "dpo" / name
    folder.mkdir(parents=True)
    (folder / WEIGHTS).write_bytes(name.encode())
    return publish(folder, sample_manifest(kind="dpo", day=DAY, base={"name": "tiny", "sha256": base}))


def make_champion(home: Home, adapter: Adapter, day: str = "2026-10-01") -> None:
    """Promote the adapter as of a day before."""
    decided = decide(report(), None, PromotionRules(), SHOWN)
    assert promote(home, decided.model_copy(update={"day": day, "candidate": adapter.sha256}), adapter)


def of_adapter(found: EvalReport, adapter: Adapter) -> EvalReport:
    """The report with the adapter as its candidate."""
    named = {"sha256": adapter.sha256, "inputs_hash": adapter.inputs_hash, "kind": adapter.kind}
    candidate = found.models["candidate"].model_copy(update=named)
    return found.model_copy(update={"models": found.models | {"candidate": candidate}})


def clusters(better: int, worse: int = 0, equal: int = 0, night: str = "") -> list[ClusterDifference]:
    """So many clusters of a night on which ours is better, worse or equal by 1."""
    values = [1.0] * better + [-1.0] * worse + [0.0] * equal
    return [
        ClusterDifference(cluster=f"{night}c{n}", difference=value, source="test") for n, value in enumerate(values)
    ]


def decide_night(settings: Settings, found: EvalReport, differences: list[ClusterDifference]) -> dict[str, Any]:
    """What `promotion_decision` shows after a night with this report: its metadata."""
    plant(settings, found, differences)
    return run_night(settings, found.day)


def plant(settings: Settings, found: EvalReport, differences: list[ClusterDifference]) -> None:
    """What `eval_report` leaves of a night."""
    folder = settings.paths.reports(found.day)
    write_report(found, folder)
    write_differences({"candidate": differences}, folder)
    assert read_report(folder) == found


def run_night(settings: Settings, day: str, tags: dict[str, str] | None = None) -> dict[str, Any]:
    """Materialize the evidence and the decision of a planted night; the decision's metadata."""
    result = dg.materialize(
        [decision_evidence, promotion_decision],
        resources={"home": HomeResource.from_settings(settings)},
        partition_key=day,
        tags=tags,
    )
    (event,) = result.asset_materializations_for_node("promotion_decision")
    return {name: value.value for name, value in event.metadata.items()}
