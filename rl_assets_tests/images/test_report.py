"""From questions about documentation to adapters, answers and a report; the model is too small to be good at it."""

import json
from pathlib import Path

import pytest

from rl_assets.datasets.folder import publish_dataset
from rl_assets.images.datasets import build_multimodal
from rl_assets.images.expectations import MULTIMODAL_GRPO, MULTIMODAL_SFT
from rl_assets.images.facts import Limits
from rl_assets.images.policy import MultimodalPolicy
from rl_assets.images.questions import SEGMENT
from rl_assets.images.refresh import refresh
from rl_assets.images.report import evaluate_images, write_image_report
from rl_assets.lake import Lake
from rl_assets.training.base_models import ensure_base_model
from rl_assets.training.grpo import train_grpo
from rl_assets.training.recipes import Recipe
from rl_assets.training.sft import train_sft
from rl_assets.training.stages import GrpoRecipe, LoraRecipe, SftRecipe
from rl_assets.training.tiny_model import TinySpec
from rl_assets_tests.images.sites import guide, site

DAY = "2026-11-20"
POLICY = MultimodalPolicy(distractors=4)
SUITES = {"multimodal_sft_dataset": MULTIMODAL_SFT, "multimodal_grpo_dataset": MULTIMODAL_GRPO}
RECIPE = Recipe(
    name="few_steps",
    segment=SEGMENT,
    max_length=2048,
    min_rows_sft=20,
    min_rows_grpo=20,
    lora=LoraRecipe(r=4, alpha=8, dropout=0.0),
    sft=SftRecipe(learning_rate=2e-3, batch=4, max_steps=4, checkpoint_every=2),
    grpo=GrpoRecipe(learning_rate=1e-3, batch=4, max_steps=4, checkpoint_every=2),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A home with both datasets of a guide of 60 pages."""
    home = tmp_path_factory.mktemp("home")
    plain = {
        f"plain/{i:02}.md": f"# Part {i}\n\n## Storage of {i}\n\n{'Keep it dry and cool. ' * 4}" for i in range(30)
    }
    site(home / "docs" / "guide", guide(60) | plain)
    lake = Lake(str(home / "lake"))
    refresh(lake, home / "docs", "guide", Limits(), "1GB")
    for name, suite in SUITES.items():
        connection, built = build_multimodal(lake, name, POLICY, "1GB")
        publish_dataset(connection, home / "datasets" / name / DAY, built, POLICY, suite, {})
    return home


@pytest.mark.slow
def test_adapters_train_on_the_datasets_and_the_report_compares_them_with_the_base(home):
    small = TinySpec(hidden=64, intermediate=128, layers=2, steps=20, warmup_steps=4, positions=2048)
    base = ensure_base_model("tiny", home / "models", print, small)
    data, adapters = home / "datasets", home / "adapters" / SEGMENT
    sft = train_sft(data / "multimodal_sft_dataset" / DAY, DAY, base, RECIPE, adapters, print)
    grpo = train_grpo(data / "multimodal_grpo_dataset" / DAY, DAY, base, sft, RECIPE, adapters, print, None)
    dataset = data / "multimodal_sft_dataset" / DAY
    report = evaluate_images(DAY, dataset, base, {"sft": sft, "grpo": grpo}, print, room=32)
    write_image_report(report, home / "reports" / DAY)

    rows = json.loads((dataset / "manifest.json").read_text(encoding="utf-8"))["rows"]
    assert (report.questions, report.left_out) == (rows["test"], 0)
    assert list(report.models) == ["base", "sft", "grpo"]
    assert report.models["base"]["json_validity"].mean == 0
    assert report.gate.verdict in ("HOLD", "INSUFFICIENT")
    written = json.loads((home / "reports" / DAY / "multimodal.json").read_text(encoding="utf-8"))
    assert written["models"]["grpo"]["hallucination"]["n"] == rows["test"]
    assert "| inclusion |" in (home / "reports" / DAY / "multimodal.md").read_text(encoding="utf-8")


def test_the_rows_of_the_datasets_are_of_the_segment_that_the_adapters_train_on(home):
    import pyarrow.parquet as pq

    for name in SUITES:
        rows = pq.read_table(home / "datasets" / name / DAY / "train.parquet").to_pylist()
        assert {row["metadata"]["segment"] for row in rows} == {SEGMENT} and len(rows) >= 20
