"""Users who like the previous champion better: a check asks for a rollback, or the decision restores it."""

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.core.home import Home
from rl_assets.defs.evaluation.decisions import CHAMPION_IS_LIKED, decision_evidence, promotion_decision
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.promotion.champion import read_champion
from rl_assets.evaluation.report.files import write_report
from rl_assets.evaluation.run.differences import write_differences
from rl_assets.evaluation.schema.evidence import ClusterDifference
from rl_assets.settings import Settings
from rl_assets_tests.support.evaluation_samples import lineage, primary, report
from rl_assets_tests.support.planted_nights import BASE, clusters, make_champion, of_adapter, planted_adapter

pytestmark = pytest.mark.slow
NIGHTS = ("2026-10-13", "2026-10-14")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A product with a second champion."""
    settings = Settings(home=tmp_path)
    make_champion(settings.paths, planted_adapter(settings.paths, "first"), day="2026-10-01")
    make_champion(settings.paths, planted_adapter(settings.paths, "second"), day="2026-10-10")
    return settings


def talks(night: str, better: int, worse: int) -> list[ClusterDifference]:
    """Conversations of a night, so many of which speak for the previous champion and against it."""
    return [
        ClusterDifference(cluster=f"{night}-{n}", difference=0.3 if n < better else -0.3, source="served")
        for n in range(better + worse)
    ]


def decided(settings: Settings, night: str, better: int, worse: int, **config: bool) -> dg.AssetCheckEvaluation:
    """What the check says after a night with so many conversations, on which no adapter is shown to be better."""
    home, champion = settings.paths, read_champion(settings.paths)
    candidate = planted_adapter(home, f"of-{night}")
    whole = report(
        "champion",
        day=night,
        primary=primary(against=champion.hash, day="2026-10-11", base=BASE),
        lineage=lineage(champion_sha256=champion.hash, champion_base_sha256=BASE),
    )
    write_report(of_adapter(whole, candidate), home.reports(night))
    found = {"candidate": clusters(5, 5, 20, night=night), "champion": talks(night, better, worse)}
    write_differences(found, home.reports(night))
    result = dg.materialize(
        [decision_evidence, promotion_decision],
        resources={"home": HomeResource.from_settings(settings)},
        partition_key=night,
        run_config={"ops": {"promotion_decision": {"config": config}}},
    )
    (check,) = [c for c in result.get_asset_check_evaluations() if c.check_name == CHAMPION_IS_LIKED]
    return check


def champion(home: Home) -> str:
    return Path(read_champion(home).adapter).name


def test_a_check_asks_for_a_rollback_once_the_nights_together_show_it(settings: Settings):
    first = decided(settings, NIGHTS[0], better=60, worse=30)
    assert first.passed and 1 < first.metadata["evidence"].value < 20
    second = decided(settings, NIGHTS[1], better=60, worse=30)
    assert not second.passed and second.severity == dg.AssetCheckSeverity.WARN
    assert second.metadata["conversations"].value == 180
    assert "Users like the previous champion better: +0.100 on 180 conversations" in second.description
    assert "Run rollback_champion with this as the reason" in second.description
    assert champion(settings.paths) == "second", "nothing is restored unless that is allowed"


def test_with_auto_rollback_the_previous_champion_is_restored_and_the_reason_is_kept(settings: Settings):
    check = decided(settings, NIGHTS[1], better=140, worse=40, auto_rollback=True)
    assert not check.passed and "It was restored." in check.description
    assert champion(settings.paths) == "first"
    (removed,) = read_champion(settings.paths).rolled_back
    assert removed.reason.startswith("Users like the previous champion better")
    assert read_champion(settings.paths).day == date(2026, 10, 1)


def test_conversations_that_speak_for_todays_champion_change_nothing(settings: Settings):
    assert decided(settings, NIGHTS[1], better=30, worse=150, auto_rollback=True).passed
    assert champion(settings.paths) == "second"
