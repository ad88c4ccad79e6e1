"""A judge's preferences as Dagster shows them, and the pairs that datasets take of them."""

import json
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from rl_assets.core.files import sha256_text
from rl_assets.datasets.builders import build_pairs
from rl_assets.datasets.policies import DpoPolicy
from rl_assets.datasets.ratings import Window, rated_as_of
from rl_assets.defs.annotation.judge import JudgeResource
from rl_assets.lake.delta import Lake
from rl_assets.settings import Settings
from rl_assets.tables.judge_preferences import JUDGE_PREFERENCES
from rl_assets.tables.records import FEEDBACK
from rl_assets_tests.support.evaluation_samples import DAY
from rl_assets_tests.support.judge_server import SECRET, Behaviour, always_first, honest, serving
from rl_assets_tests.support.logs import all_rows
from rl_assets_tests.support.reports_home import checks, metadata, run, settings

__all__ = ["settings"]


def test_without_a_judge_there_are_no_preferences(settings):
    result = run(settings, "judge_preferences")
    assert result.success and metadata(result, "judge_preferences") == {"judge": "none is configured"}
    assert not (settings.home / "lake" / "judge_preferences").exists()


@pytest.mark.parametrize(("behaviour", "rows", "believed"), [(honest, 5, True), (always_first, 0, False)])
def test_a_judge_gives_preferences_where_it_can_be_believed(
    settings, monkeypatch, behaviour: Behaviour, rows, believed
):
    monkeypatch.setenv("RL_ASSETS_JUDGE_API_KEY", SECRET)
    with serving(behaviour) as server:
        result = run(settings, "judge_preferences", "ab_report", judge=JudgeResource(base_url=server.url, model="m"))
    assert result.success
    assert checks(result) == {f"{name} judge_is_reliable": believed for name in ("judge_preferences", "ab_report")}
    published = Lake(settings.paths.lake_url).read(JUDGE_PREFERENCES, [date.fromisoformat(DAY)]).to_table().to_pylist()
    assert {row["preferred_id"].partition("-")[0] for row in published} == ({"ada"} if rows else set())
    assert len(published) == rows
    assert server.asked[0].headers["Authorization"] == f"Bearer {SECRET}"
    kept = [path.read_text(encoding="utf-8") for path in (settings.home / "judge").rglob("*.json")]
    assert kept and SECRET not in "".join(kept) + json.dumps(metadata(result, "judge_preferences"), default=str)


def test_the_key_of_the_judge_is_no_part_of_the_resource(monkeypatch):
    monkeypatch.setenv("RL_ASSETS_JUDGE_API_KEY", SECRET)
    settings = Settings(judge_base_url="http://localhost:1/v1", judge_model="m")
    assert SECRET not in JudgeResource.from_settings(settings).model_dump_json()


def test_pairs_of_a_judge_are_taken_where_the_strategy_is_named_and_only_there(settings):
    """Where rewards told nothing apart the judge did; its pairs are its own, and no human's pair is among them."""
    with serving(honest) as server:
        assert run(settings, "judge_preferences", judge=JudgeResource(base_url=server.url, model="m")).success
    connection = rated_as_of(Lake(settings.paths.lake_url), Window(date.fromisoformat(DAY), 30), "1GB")
    assert build_pairs(connection, DpoPolicy()).metrics["judge"] == 0
    built = build_pairs(connection, DpoPolicy(strategies=["explicit", "all_margin", "judge"]))
    rows = all_rows(built).column("metadata").to_pylist()
    found = [[row[name] for name in ("strategy", "reward_source", "margin", "chosen_id")] for row in rows]
    assert built.metrics["judge"] == 5
    assert {(strategy, source) for strategy, source, _, _ in found} == {("all_margin", "human"), ("judge", "judge")}
    assert all(chosen.startswith("ada") for *_, chosen in found)
    assert all((margin is None) == (strategy == "judge") for strategy, _, margin, _ in found)


def test_a_judge_does_not_overrule_what_people_stated(settings):
    """The honest judge prefers ada; a person said of the fifth question that bob's answer is better."""
    with serving(honest) as server:
        assert run(settings, "judge_preferences", judge=JudgeResource(base_url=server.url, model="m")).success
    lake = Lake(settings.paths.lake_url)
    same = dict.fromkeys(FEEDBACK.schema.names) | {
        "day": date.fromisoformat(DAY),
        "feedback_id": "f",
        "source": "human",
    }
    stated = same | {"kind": "preference", "interaction_id": "bob-5", "preferred": "bad 5", "rejected": "good 5"}
    table = pa.Table.from_pylist([stated | {"given_at": datetime(2026, 10, 14, tzinfo=UTC)}], schema=FEEDBACK.schema)
    lake.publish(FEEDBACK, date.fromisoformat(DAY), table.to_reader())
    connection = rated_as_of(lake, Window(date.fromisoformat(DAY), 30), "1GB")
    rows = all_rows(build_pairs(connection, DpoPolicy(strategies=["judge", "explicit"]))).to_pylist()
    asked = [row["metadata"]["strategy"] for row in rows if row["prompt_key"] == sha256_text("q5")]
    assert asked == ["explicit"]
