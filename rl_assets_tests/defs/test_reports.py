"""Reports, decisions and judges as Dagster shows them, on a barely trained model."""

import json
import shutil
from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from rl_assets.datasets.ratings import RATED_INTERACTIONS
from rl_assets.definitions import build_defs
from rl_assets.defs.judge import JudgeResource
from rl_assets.defs.resources import HomeResource
from rl_assets.evaluation.ab.render import read_ab_report
from rl_assets.evaluation.champion import promote, read_champion
from rl_assets.evaluation.judging.preferences import JUDGE_PREFERENCES
from rl_assets.evaluation.promotion import PromotionRules, decide
from rl_assets.ingest.records import INTERACTIONS
from rl_assets.lake import Lake
from rl_assets.settings import Settings
from rl_assets.training.adapters import newest_adapter
from rl_assets_tests.evaluation.conftest import base, candidate, make_judge, models, parent
from rl_assets_tests.evaluation.judging.server import SECRET, Behaviour, always_first, honest, serving
from rl_assets_tests.evaluation.samples import DAY, parts_datasets, report

__all__ = ["base", "candidate", "make_judge", "models", "parent"]


@pytest.fixture
def settings(tmp_path: Path, models: Path, base, parent, candidate) -> Settings:
    """A home with adapters and datasets of six held-out prompts, and two agents' answers to ten prompts."""
    shutil.copytree(models / "adapters", tmp_path / "adapters")
    for folder in parts_datasets(tmp_path / "made", 6):
        shutil.copytree(folder, tmp_path / "datasets" / folder.name / DAY)
    lake = Lake(str(tmp_path / "lake"))
    answers = [answer(agent, question) for agent in ("ada", "bob") for question in range(10)]
    for table, rows in (
        (INTERACTIONS, [said for said, _ in answers]),
        (RATED_INTERACTIONS, [rated for _, rated in answers]),
    ):
        lake.publish(table, date.fromisoformat(DAY), pa.Table.from_pylist(list(rows), schema=table.schema).to_reader())
    return Settings(home=tmp_path, base_model=base.path)


def answer(agent: str, question: int) -> tuple[dict, dict]:
    """A logged answer and its rating; ada is better, and the last five questions are unrated."""
    same = {
        "day": date.fromisoformat(DAY),
        "interaction_id": f"{agent}-{question}",
        "answered_at": None,
        "prompt_key": f"q{question}",
        "answer_key": f"{agent}-{question}",
        "agent": agent,
        "segment": "parts",
        "error": False,
        "content_sha256": f"{agent}-{question}",
    }
    prompt = [{"role": "user", "content": f"Question {question}?"}]
    said = same | {"prompt": prompt, "answer": f"{'good' if agent == 'ada' else 'bad'} {question}"}
    reward = None if question >= 5 else (0.9 if agent == "ada" else 0.2 + question / 50)
    rated = same | {
        "landed_day": same["day"],
        "reward": reward,
        "reward_source": "human" if reward else None,
        "answer_chars": 6,
    }
    return said, rated | {"trainable": True, "split": "train", "category": "all"}


def run(settings: Settings, *assets: str, judge: JudgeResource | None = None) -> dg.ExecuteInProcessResult:
    resources = {"home": HomeResource.of(settings), "judge": judge or JudgeResource(base_url=None, model=None)}
    defs = build_defs(resources=resources, executor=dg.in_process_executor)
    job = defs.resolve_job_def("retrain_job")
    config = {"ops": {"eval_report": {"config": {"recipe": "tiny_cpu"}}}} if "eval_report" in assets else {}
    keys = [dg.AssetKey(asset) for asset in assets]
    return job.execute_in_process(partition_key=DAY, asset_selection=keys, run_config=config, raise_on_error=False)


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    found = result.get_asset_check_evaluations()
    return {f"{check.asset_key.to_user_string()} {check.check_name}": check.passed for check in found}


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict:
    (event,) = [e for e in result.get_asset_materialization_events() if e.asset_key.to_user_string() == asset]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_agents_are_compared_and_the_report_lies_beside_the_evaluation(settings):
    result = run(settings, "ab_report")
    assert result.success and checks(result) == {"ab_report judge_can_be_believed": True}
    (contest,) = read_ab_report(settings.reports / DAY / "ab").contests
    assert (contest.questions, contest.wins, contest.winner) == (5, 5, "ada")
    assert "ada" in metadata(result, "ab_report")["agents"]


def test_without_a_judge_there_are_no_preferences(settings):
    result = run(settings, "judge_preferences")
    assert result.success and result.get_asset_materialization_events() == []
    assert not (settings.home / "lake" / "judge_preferences").exists()


@pytest.mark.parametrize(("behaviour", "rows", "believed"), [(honest, 5, True), (always_first, 0, False)])
def test_a_judge_gives_preferences_where_it_can_be_believed(
    settings, monkeypatch, behaviour: Behaviour, rows, believed
):
    monkeypatch.setenv("RL_ASSETS_JUDGE_API_KEY", SECRET)
    with serving(behaviour) as server:
        result = run(settings, "judge_preferences", "ab_report", judge=JudgeResource(base_url=server.url, model="m"))
    assert result.success
    assert checks(result) == {f"{name} judge_can_be_believed": believed for name in ("judge_preferences", "ab_report")}
    published = Lake(settings.lake_url).read(JUDGE_PREFERENCES, [date.fromisoformat(DAY)]).to_table().to_pylist()
    assert {row["preferred_id"].partition("-")[0] for row in published} == ({"ada"} if rows else set())
    assert len(published) == rows
    assert server.asked[0].headers["Authorization"] == f"Bearer {SECRET}"
    kept = [path.read_text(encoding="utf-8") for path in (settings.home / "judge").rglob("*.json")]
    assert kept and SECRET not in "".join(kept) + json.dumps(metadata(result, "judge_preferences"), default=str)


def test_the_key_of_the_judge_is_no_part_of_the_resource(monkeypatch):
    monkeypatch.setenv("RL_ASSETS_JUDGE_API_KEY", SECRET)
    settings = Settings(judge_base_url="http://localhost:1/v1", judge_model="m")
    assert SECRET not in JudgeResource.of(settings).model_dump_json()


def test_rolling_back_without_a_champion_fails_with_what_to_do(settings):
    result = roll_back(settings)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "nothing to roll back to" in failure.step_failure_data.error.to_string()


def roll_back(settings: Settings) -> dg.ExecuteInProcessResult:
    defs = build_defs(resources={"home": HomeResource.of(settings)}, executor=dg.in_process_executor)
    config = {"ops": {"point_to_the_champion_before": {"config": {"reason": "Wrong prices."}}}}
    return defs.resolve_job_def("rollback_champion").execute_in_process(run_config=config, raise_on_error=False)


def test_a_rollback_is_seen_on_the_decision_it_takes_back(settings, parent, candidate):
    lying_here = {adapter.kind: newest_adapter(settings.adapters, adapter.kind, DAY) for adapter in (parent, candidate)}
    for day, adapter in zip(("2026-10-01", "2026-10-02"), lying_here.values(), strict=True):
        decided = decide(report(), None, PromotionRules())
        assert promote(settings.home, decided.model_copy(update={"day": day, "candidate": adapter.sha256}), adapter)
    result = roll_back(settings)
    assert result.success
    champion = read_champion(settings.home)
    assert champion is not None
    assert (champion.hash, champion.rolled_back[0].reason) == (parent.sha256, "Wrong prices.")
    (seen,) = [event for event in result.all_events if event.event_type is dg.DagsterEventType.ASSET_OBSERVATION]
    observation = seen.asset_observation_data.asset_observation
    assert (observation.asset_key.to_user_string(), observation.partition) == ("promotion_decision", "2026-10-02")


def test_a_report_leads_to_a_decision_that_stands_on_its_page(settings):
    result = run(settings, "eval_report", "promotion_decision")
    assert result.success
    assert metadata(result, "promotion_decision")["verdict"] == "INSUFFICIENT"
    assert checks(result) == {
        "eval_report no_test_prompt_was_trained_on": True,
        "eval_report judge_can_be_believed": True,
    }
    assert "INSUFFICIENT" in (settings.reports / DAY / "report.html").read_text(encoding="utf-8")
    assert read_champion(settings.home) is None


def test_a_bad_line_in_a_benchmark_fails_the_report_and_names_the_line(settings):
    (settings.home / "eval").mkdir()
    (settings.home / "eval" / "own.jsonl").write_text('{"prompt": "a"}', encoding="utf-8")
    result = run(settings, "eval_report")
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "own.jsonl, line 1" in failure.step_failure_data.error.to_string()
