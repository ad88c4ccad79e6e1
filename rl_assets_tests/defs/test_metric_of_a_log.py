"""Which metric decides on a product, from the files that it drops: one kind of product for each rung of the ladder."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.annotation.judge import JudgeResource
from rl_assets.defs.evaluation.reports import _inputs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.report.files import read_report
from rl_assets.evaluation.run.evaluate import judge_preferences
from rl_assets.evaluation.run.rungs import Logged, choose_primary
from rl_assets.lake.delta import Lake
from rl_assets.models.adapters import point_day
from rl_assets.recipes.recipe import preset
from rl_assets.settings import Settings
from rl_assets_tests.support.judge_server import honest
from rl_assets_tests.support.logs import DAY, Product
from rl_assets_tests.support.newcomer_nights import NEEDED
from rl_assets_tests.support.reward_samples import random_reward_model
from rl_assets_tests.support.rung_logs import RUNGS, land

pytestmark = pytest.mark.slow
REPORT = ("eval_report", "decision_evidence", "promotion_decision")


def materialize(settings: Settings, *assets: str) -> dg.ExecuteInProcessResult:
    """A run of these assets on the log's day."""
    resources = {"home": HomeResource.from_settings(settings), "judge": JudgeResource(base_url=None, model=None)}
    job = build_defs(resources=resources, executor=dg.in_process_executor).resolve_job_def("full_job")
    keys = [dg.AssetKey(asset) for asset in assets]
    result = job.execute_in_process(partition_key=str(DAY), asset_selection=keys)
    assert result.success
    return result


def landed(home: Path, seed: int | None = None) -> Settings:
    """A home whose log was dropped into landing and made into datasets through Dagster."""
    (home / "landing").mkdir(parents=True)
    land(Product(home / "landing", Lake(str(home / "lake"))), seed)
    settings = Settings(home=home)
    materialize(settings, *NEEDED)
    return settings


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return landed(tmp_path_factory.mktemp("rungs"))


def logged(settings: Settings, kind: str, judge=None) -> Logged:
    """What the ladder looks at where the recipe keeps one kind."""
    home = HomeResource.from_settings(settings)
    inputs = _inputs(home, str(DAY), preset("tiny_cpu").model_copy(update={"categories": (kind,)}))
    items, pairs = inputs.held_out()
    preferences = judge_preferences(judge, pairs, 100) if judge else None
    return Logged(items, pairs, "tiny-judge" if judge else None, preferences, inputs.agreement, inputs.rows)


@pytest.mark.parametrize("kind", RUNGS)
def test_auto_takes_the_rung_of_the_log(datasets: Settings, kind: str):
    found = choose_primary(logged(datasets, kind), "auto", str(DAY), "base", "b" * 64)
    assert found.metric == RUNGS[kind][0], found.sentence()


def test_a_judge_that_agrees_with_the_thumbs_decides_where_no_rule_can(datasets: Settings, make_judge):
    judge, _ = make_judge(honest)
    found = choose_primary(logged(datasets, "compared", judge), "auto", str(DAY), "base", "b" * 64)
    assert (found.metric, found.strength) == ("judged_win_rate", "PROMOTE"), found.sentence()
    few = choose_primary(logged(datasets, "prose", judge), "auto", str(DAY), "base", "b" * 64)
    assert (few.metric, few.strength) == ("judged_win_rate", "CANARY")
    assert few.why == "tiny-judge is validated on 0 of 50 human preferences"


@pytest.mark.training
def test_two_reward_models_decide_on_prose_that_no_rule_can_score(
    datasets: Settings, models: Path, base, parent, candidate
):
    shutil.copytree(models / "adapters", datasets.home / "adapters")
    for kind, inputs_hash in (("sft", "aaaa"), ("dpo", "bbbb")):
        point_day(datasets.paths.adapters(), kind, str(DAY), inputs_hash)
    for half, seed in (("first", 3), ("second", 4)):
        random_reward_model(datasets.paths, base, half, seed, str(DAY))
    recipe = datasets.home / "recipe.yaml"
    recipe.write_text("preset: tiny_cpu\ncategories: [prose]\n", encoding="utf-8")
    settings = datasets.model_copy(update={"recipe": str(recipe), "base_model": base.path})
    result = materialize(settings, *REPORT)
    (event,) = result.asset_materializations_for_node("promotion_decision")
    assert "There are 12 held-out clusters; a decision takes 50." in str(event.metadata["reasons"].value)
    report = read_report(settings.paths.reports(str(DAY)))
    assert report.primary.metric == "reward_score"
    by_models = report.reward.by_role["candidate"]
    assert by_models.first.clusters == by_models.second.clusters == RUNGS["prose"][1]
    assert report.comparisons["candidate-base"].guarded["kl"].clusters == RUNGS["prose"][1]


def decided(settings: Settings, models: Path) -> tuple[dict, bytes]:
    """What the night of thumbs on prose shows, and the file that keeps the choice."""
    shutil.copytree(models / "adapters", settings.home / "adapters")
    for kind, inputs_hash in (("sft", "aaaa"), ("dpo", "bbbb")):
        point_day(settings.paths.adapters(), kind, str(DAY), inputs_hash)
    recipe = settings.home / "recipe.yaml"
    recipe.write_text("preset: tiny_cpu\ncategories: [prose]\n", encoding="utf-8")
    result = materialize(settings.model_copy(update={"recipe": str(recipe)}), *REPORT)
    (event,) = result.asset_materializations_for_node("promotion_decision")
    shown = {name: value.value for name, value in event.metadata.items()}
    return shown, settings.paths.metric_of_epoch().read_bytes()


@pytest.mark.training
def test_thumbs_on_free_answers_end_in_what_to_provide_and_shuffled_files_choose_alike(
    tmp_path: Path, models: Path, base, parent, candidate
):
    nights = []
    for name, seed in (("one", None), ("two", 7)):
        settings = landed(tmp_path / name, seed).model_copy(update={"base_model": base.path})
        nights.append(decided(settings, models))
    (shown, choice), (again, same) = nights
    assert shown["verdict"] == again["verdict"] == "INSUFFICIENT"
    assert "No metric can decide on these answers" in shown["reasons"]
    assert "no judge is configured" in shown["reasons"]
    assert choice == same
