"""A night that users decide: conversations with a drawn arm land as log files, and by them the canary wins."""

import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.annotation.judge import JudgeResource
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.promotion.champion import read_champion
from rl_assets.evaluation.report.files import read_report
from rl_assets.lake.delta import Lake
from rl_assets.models.adapters import Adapter, point_day
from rl_assets.models.served_names import content_name
from rl_assets.settings import Settings
from rl_assets_tests.support.logs import DAY, Product
from rl_assets_tests.support.newcomer_nights import NEEDED
from rl_assets_tests.support.served_logs import land, prose_lines, served_lines, thumb, turn

pytestmark = [pytest.mark.slow, pytest.mark.training]
REPORT = ("eval_report", "decision_evidence", "promotion_decision")
COUNT = 1_150


def materialize(settings: Settings, *assets: str, **config: Any) -> dg.ExecuteInProcessResult:
    resources = {"home": HomeResource.from_settings(settings), "judge": JudgeResource(base_url=None, model=None)}
    job = build_defs(resources=resources, executor=dg.in_process_executor).resolve_job_def("full_job")
    result = job.execute_in_process(
        partition_key=str(DAY),
        asset_selection=[dg.AssetKey(asset) for asset in assets],
        run_config={"ops": {name: {"config": values} for name, values in config.items()}},
    )
    assert result.success
    return result


@pytest.fixture(scope="module")
def canary(candidate: Adapter) -> str:
    return f"assistant@{content_name(candidate, None)}"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, models: Path, base, parent, canary: str) -> Settings:
    """A home with adapters that were not trained, whose users like the canary."""
    home = tmp_path_factory.mktemp("served")
    (home / "landing").mkdir()
    arms = {canary: 0.5, "assistant@base": 0.5}
    both = [
        turn("two-1", canary, arms, session_id="two"),
        turn("two-2", "assistant@base", arms, session_id="two"),
        turn("named", canary, {canary: 1.0}, drawn=False),
    ]
    disliked = [thumb(name, liked=False) for name in ("two-1", "two-2", "named")]
    likes = {canary: 0.95, "assistant@base": 0.4}
    log = served_lines(arms, likes, COUNT, seed=1)
    land(Product(home / "landing", Lake(str(home / "lake"))), log, (both, disliked), prose_lines())
    recipe = home / "recipe.yaml"
    recipe.write_text("preset: tiny_cpu\ncategories: [prose]\n", encoding="utf-8")
    settings = Settings(home=home, recipe=str(recipe), base_model=base.path)
    materialize(settings, *NEEDED)
    shutil.copytree(models / "adapters", home / "adapters")
    for kind, inputs_hash in (("sft", "aaaa"), ("dpo", "bbbb")):
        point_day(settings.paths.adapters(), kind, str(DAY), inputs_hash)
    return settings


def test_users_who_like_the_canary_make_it_champion(settings: Settings, candidate: Adapter):
    loose = {
        "max_unfinished_gain": 1.0,
        "max_refusal_gain": 1.0,
        "max_repetition_gain": 1.0,
        "max_latency_ratio": 100.0,
    }
    result = materialize(settings, *REPORT, promotion_decision=loose)
    (event,) = result.asset_materializations_for_node("promotion_decision")
    shown = {name: value.value for name, value in event.metadata.items()}
    report = read_report(settings.paths.reports(str(DAY)))
    assert report.primary.metric == "served_reward", report.primary.sentence()
    assert report.served.ours.rated + report.served.theirs.rated == COUNT, "two arms and a named arm do not count"
    assert (shown["verdict"], shown["clusters"], shown["role"]) == ("PROMOTE", COUNT, "entrant"), shown["reasons"]
    assert shown["evidence"] > 20
    assert "rated conversations of product" in shown["reasons"].replace("\\", "")
    assert read_champion(settings.paths).hash == candidate.sha256
    page = (settings.paths.reports(str(DAY)) / "report.html").read_text(encoding="utf-8")
    assert "What users say" in page and f"{report.served.ours.rated:,} (" in page and report.served.ours.name in page
