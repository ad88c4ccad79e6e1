"""A home with adapters, datasets and two agents' answers, and runs of report assets on it."""

import shutil
from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from rl_assets.core.files import sha256_text
from rl_assets.definitions import build_defs
from rl_assets.defs.annotation.judge import JudgeResource
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.report.files import read_report, write_report
from rl_assets.evaluation.run.differences import write_differences
from rl_assets.evaluation.schema.evidence import ClusterDifference
from rl_assets.lake.delta import Lake
from rl_assets.settings import Settings
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import INTERACTIONS
from rl_assets_tests.support.evaluation_folders import parts_datasets
from rl_assets_tests.support.evaluation_samples import DAY, report


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
        (RATED_INTERACTIONS, [rated | {"number": number} for number, (_, rated) in enumerate(answers, 1)]),
    ):
        lake.publish(table, date.fromisoformat(DAY), pa.Table.from_pylist(list(rows), schema=table.schema).to_reader())
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("preset: tiny_cpu\nsegment: parts\n", encoding="utf-8")
    return Settings(home=tmp_path, base_model=base.path, recipe=str(recipe))


def answer(agent: str, question: int) -> tuple[dict, dict]:
    """A logged answer and its rating; ada is better, and the last five questions are unrated."""
    text = f"{'good' if agent == 'ada' else 'bad'} {question}"
    same = {
        "day": date.fromisoformat(DAY),
        "interaction_id": f"{agent}-{question}",
        "answered_at": None,
        "prompt_key": sha256_text(f"q{question}"),
        "answer_key": sha256_text(text),
        "agent": agent,
        "segment": "parts",
        "error": False,
        "content_sha256": f"{agent}-{question}",
    }
    prompt = [{"role": "user", "content": f"Question {question}?"}]
    said = same | {"prompt": prompt, "answer": text}
    reward = None if question >= 5 else (0.9 if agent == "ada" else 0.2 + question / 50)
    rated = same | {
        "landed_day": same["day"],
        "reward": reward,
        "reward_source": "human" if reward else None,
        "pooled_reward": reward,
        "pooled_source": "human" if reward else None,
        "pooled_raters": 1 if reward else None,
        "pooled_lowest": reward,
        "pooled_lower": reward,
        "representative": True,
        "answer_chars": 6,
    }
    return said, rated | {"trainable": True, "split": "train", "category": "all"}


def run(
    settings: Settings,
    *assets: str,
    judge: JudgeResource | None = None,
    tags: dict[str, str] | None = None,
    **chosen: str,
) -> dg.ExecuteInProcessResult:
    """A run of these assets; what is chosen is the configuration of `eval_report`."""
    resources = {
        "home": HomeResource.from_settings(settings),
        "judge": judge or JudgeResource(base_url=None, model=None),
    }
    defs = build_defs(resources=resources, executor=dg.in_process_executor)
    job = defs.resolve_job_def("full_job")
    config = {"ops": {"eval_report": {"config": chosen}}} if "eval_report" in assets else {}
    keys = [dg.AssetKey(asset) for asset in assets]
    return job.execute_in_process(
        partition_key=DAY, asset_selection=keys, run_config=config, tags=tags, raise_on_error=False
    )


def make_convincing(settings: Settings, segment: str | None = None) -> None:
    """Give the report of the day figures that deserve promotion."""
    folder = settings.paths.reports(DAY, segment)
    found = read_report(folder)
    better = found.comparisons["candidate-base"].model_copy(update=dict(report().comparisons["candidate-base"]))
    figures = {"latency_ratio": None, "comparisons": {"candidate-base": better}}
    write_report(found.model_copy(update=figures), folder)
    won = [ClusterDifference(cluster=f"c{n}", difference=1.0, source="test") for n in range(60)]
    write_differences({"candidate": won}, folder)


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    found = result.get_asset_check_evaluations()
    return {f"{check.asset_key.to_user_string()} {check.check_name}": check.passed for check in found}


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict:
    (event,) = [e for e in result.get_asset_materialization_events() if e.asset_key.to_user_string() == asset]
    return {name: value.value for name, value in event.materialization.metadata.items()}
