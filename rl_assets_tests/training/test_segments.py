"""Slices of the product: their file, their rows, and their own chain of adapters."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from rl_assets.core.files import sha256_json
from rl_assets.datasets.builders import build_pairs
from rl_assets.datasets.policies import DpoPolicy
from rl_assets.definitions import build_defs
from rl_assets.defs.annotation.judge import JudgeResource
from rl_assets.defs.segments.component import segments_of_file
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.report.files import read_report
from rl_assets.lake.delta import Lake
from rl_assets.models.adapters import newest_adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.recipes.recipe import matches_filters, preset
from rl_assets.recipes.segments import Segment, read_segments
from rl_assets.settings import Settings
from rl_assets_tests.support.logs import Product, about, judged
from rl_assets_tests.support.training_samples import DAY, few_steps, parts_rows, publish, split_by_prompt

DECLARED = """
desk:
  agent: [desk, human]
returns:
  category: returns
  recipe: low_vram
  stages: [sft, kto, ppo]
haikus:
  task: write_haiku
  source: [tensorzero, langfuse]
"""


def declared(tmp_path: Path, text: str = DECLARED) -> Path:
    path = tmp_path / "segments.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_file_says_which_rows_and_which_stages(tmp_path: Path):
    found = read_segments(declared(tmp_path))
    assert list(found) == ["desk", "returns", "haikus"]
    haikus = found["haikus"].apply_to(preset("tiny_cpu"))
    assert (haikus.tasks, haikus.sources) == (("write_haiku",), ("tensorzero", "langfuse"))
    assert (found["desk"].agent, found["desk"].stages) == (("desk", "human"), ("sft", "dpo"))
    recipe = found["returns"].apply_to(preset("tiny_cpu"))
    assert (recipe.segment, recipe.categories, recipe.agents) == (None, ("returns",), ())
    assert read_segments(None) == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("desk: {}", "desk: filters nothing: give a segment, agent, category, task or source"),
        ("desk: {agnet: a}", r"desk.agnet is no key: did you mean agent\?"),
        ("desk: {agent: a, stages: [dpo]}", "must start with sft"),
        ("desk: {agent: a, stages: [sft, sft]}", "each at most once"),
        ("desk: {agent: a, recipe: lora_9b}", "no training recipe 'lora_9b'"),
        ("Desk 1: {agent: a}", "a segment 'Desk 1': use small letters, digits and _"),
        ("sft: {agent: a}", "a segment 'sft'"),
        ("eval: {agent: a}", "a segment 'eval'"),
        ("- desk", "is invalid: the file is .*desk.*: use a mapping of keys to values"),
        ("desk: [", "is not valid YAML"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_what_is_wrong(tmp_path: Path, text: str, problem: str):
    with pytest.raises(ValueError, match=problem.replace("(", r"\(")):
        read_segments(declared(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"segments\.yaml, which is no file"):
        read_segments(tmp_path / "segments.yaml")


@pytest.mark.parametrize(
    ("metadata", "taken"),
    [
        ({"agent": "desk", "category": "returns"}, True),
        ({"agent": "human", "category": "returns"}, True),
        ({"agent": "other", "category": "returns"}, False),
        ({"agent": None, "category": "returns"}, False),
        ({"agent": "desk", "category": "prices"}, False),
        ({"agents": ["desk", "human"], "category": "returns"}, True),
        ({"agents": ["desk", "other"], "category": "returns"}, False),
    ],
)
def test_a_row_is_of_a_slice_if_all_its_answers_are(metadata: dict[str, Any], taken: bool):
    recipe = Segment(agent=("desk", "human"), category=("returns",)).apply_to(preset("tiny_cpu"))
    assert matches_filters({"segment": None, **metadata}, recipe) == taken


def test_pairs_say_whose_answers_they_are(tmp_path: Path):
    (tmp_path / "landing").mkdir()
    product = Product(tmp_path / "landing", Lake(str(tmp_path / "lake")))
    same = {"query": "Where is my order?"}
    good, bad = "It left our warehouse this morning by van.", "I have no idea at all about that."
    product.log(
        judged("a", 0.9, answer=good, agent_type="desk", **same),
        judged("b", 0.1, answer=bad, agent_type="night", **same),
    )
    correction = about("b", "f1", "correction", preferred_output="It will come by post on Monday, I checked.")
    product.log(correction, log_format="feedback_table")
    product.ingest()
    rows = product.build(build_pairs, DpoPolicy())[1]
    assert {tuple(row["metadata"]["agents"]) for row in rows} == {("desk", "night"), ("human", "night")}


def published_rows(folder: Path) -> list[dict[str, Any]]:
    """Publish rows of the agents desk and night; of their prompts, one in twenty is held out. All SFT rows."""
    rows = parts_rows()
    for number, row in enumerate([*rows["sft"], *rows["dpo"]]):
        asked = sha256_json(row.get("prompt") or row["messages"][:-1])
        row["metadata"] |= {"category": None, "agent": ("desk", "night")[number // 7 % 2], "cluster_key": None}
        row["metadata"] |= {"prompt_key": asked}
    for kind, every in (("sft", 15), ("dpo", 6)):
        train, held_out = split_by_prompt(rows[kind])
        publish(folder / f"{kind}_dataset" / DAY, f"{kind}_dataset", train[::every], held_out)
    return rows["sft"]


def test_a_segment_trains_a_chain_of_its_own_on_its_own_rows_and_is_measured_on_its_own(
    tmp_path: Path, base: BaseModel
):
    rows = published_rows(tmp_path / "datasets")
    recipe = tmp_path / "ours.yaml"
    recipe.write_text(yaml.safe_dump(few_steps().model_dump(mode="json")), encoding="utf-8")
    home = HomeResource.from_settings(Settings(home=tmp_path, base_model=base.path, recipe=str(recipe)))
    segments = read_segments(declared(tmp_path, "night_desk: {agent: night}"))
    assets = segments_of_file(segments).assets or ()

    resources = {"home": home, "judge": JudgeResource(base_url=None, model=None)}
    result = dg.materialize(assets, partition_key=DAY, resources=resources)

    assert result.success
    sft, dpo = (newest_adapter(tmp_path / "adapters" / "night_desk", kind, DAY) for kind in ("sft", "dpo"))
    assert sft is not None and dpo is not None
    assert dpo.manifest.parent.sha256 == sft.sha256
    train, held_out = split_by_prompt(rows)
    assert sft.manifest.dataset.used == sum(row["metadata"]["agent"] == "night" for row in train[::15])
    assert newest_adapter(tmp_path / "adapters", "sft", DAY) is None

    report = read_report(tmp_path / "reports" / DAY / "segments" / "night_desk")
    assert (report.segment, report.candidate.sha256, report.models["parent"].sha256) == (
        "night_desk",
        dpo.sha256,
        sft.sha256,
    )
    good = [row["metadata"] for row in held_out if row["metadata"]["reward"] >= 0.9]
    assert 0 < report.held_out.items == sum(found["agent"] == "night" for found in good) < len(good)
    (leak,) = [found for found in result.get_asset_check_evaluations() if "test_prompt" in found.check_name]
    assert leak.passed
    assert (tmp_path / "reports" / DAY / "segments" / "night_desk" / "decision.json").is_file()


def test_the_setting_puts_the_segments_into_the_graph_and_the_nightly_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("RL_ASSETS_SEGMENTS", str(declared(tmp_path)))
    defs = build_defs()
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    deps = {dep.asset_key.to_user_string() for dep in specs["returns_kto_adapter"].deps}
    assert deps == {"base_model", "kto_dataset", "returns_sft_adapter"}
    deps = {dep.asset_key.to_user_string() for dep in specs["returns_ppo_adapter"].deps}
    assert deps == {"base_model", "grpo_dataset", "returns_sft_adapter"}
    assert specs["haikus_sft_adapter"].description == (
        "The SFT adapter of the segment haikus: rows of task write_haiku, source tensorzero or langfuse."
    )
    assert specs["desk_sft_adapter"].description == "The SFT adapter of the segment desk: rows of agent desk or human."
    assert {dep.asset_key.to_user_string() for dep in specs["desk_report"].deps} == {
        "base_model",
        "sft_dataset",
        "dpo_dataset",
        "desk_sft_adapter",
        "desk_dpo_adapter",
    }
    nightly = {key.to_user_string() for key in defs.resolve_job_def("full_job").asset_layer.executable_asset_keys}
    assert {"desk_sft_adapter", "desk_dpo_adapter", "returns_sft_adapter", "returns_kto_adapter"} <= nightly
    for name in ("desk", "returns"):
        assert {f"{name}_report", f"{name}_evidence", f"{name}_review_queue", f"{name}_decision"} <= nightly
    needs = {dep.asset_key.to_user_string() for dep in specs["promotion_decision"].deps}
    assert needs == {
        "eval_report",
        "decision_evidence",
        "review_queue",
        "feedback",
    }  # A segment that fails or is skipped holds nobody up.
