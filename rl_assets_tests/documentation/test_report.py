"""From questions about documentation to adapters, answers and a report; the model is too small to be good at it."""

import json
from pathlib import Path

import pytest

from rl_assets.datasets.folder import publish_dataset
from rl_assets.documentation.expectations import MULTIMODAL_GRPO, MULTIMODAL_SFT
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.publish import publish_source
from rl_assets.documentation.questions import SEGMENT, MultimodalPolicy, build_multimodal
from rl_assets.documentation.report import evaluate_images, write_image_report
from rl_assets.lake.delta import Lake
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel, ensure_base_model
from rl_assets.models.latency import MIN_PROMPTS, REQUESTS
from rl_assets.models.tiny.pretraining import TinySpec
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.recipes.stages import GrpoRecipe, LoraRecipe, SftRecipe
from rl_assets.training.errors import TrainingRefused
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets_tests.support.documentation_sites import guide, site
from rl_assets_tests.support.training_samples import ONLINE

DAY = "2026-11-20"
POLICY = MultimodalPolicy(distractors=4)
SUITES = {"multimodal_sft_dataset": MULTIMODAL_SFT, "multimodal_grpo_dataset": MULTIMODAL_GRPO}
RECIPE = Recipe(
    name="few_steps",
    segment=SEGMENT,
    max_length=2048,
    min_rows_sft=20,
    min_rows_grpo=20,
    lora=LoraRecipe(r=4, lora_alpha=8, lora_dropout=0.0),
    sft=SftRecipe(learning_rate=2e-3, effective_batch_size=4, max_steps=4, save_steps=2),
    grpo=GrpoRecipe(learning_rate=1e-3, effective_batch_size=4, max_steps=4, save_steps=2),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A home with both datasets of a guide of 60 pages."""
    home = tmp_path_factory.mktemp("home")
    plain = {
        f"plain/{i:02}.md": f"# Part {i}\n\n## Storage of {i}\n\nOf {i}: {'Keep it dry and cool. ' * 4}"
        for i in range(30)
    }
    site(home / "docs" / "guide", guide(60) | plain)
    lake = Lake(str(home / "lake"))
    publish_source(lake, home / "docs", "guide", Limits(), "1GB")
    for name, suite in SUITES.items():
        connection, built = build_multimodal(lake, name, POLICY, "1GB")
        publish_dataset(connection, home / "datasets" / name / DAY, built, POLICY, suite, {})
    return home


@pytest.fixture(scope="module")
def base(home) -> BaseModel:
    small = TinySpec(hidden=64, intermediate=128, layers=2, steps=20, warmup_steps=4, positions=2048)
    return ensure_base_model("tiny", home / "models", print, small)


@pytest.fixture(scope="module")
def sft(home, base) -> Adapter:
    dataset = home / "datasets" / "multimodal_sft_dataset" / DAY
    return train(TrainingJob("sft", dataset, DAY, base, RECIPE, home / "adapters" / SEGMENT), print)


@pytest.mark.slow
def test_adapters_train_on_the_datasets_and_the_report_compares_them_with_the_base(home, base, sft):
    groups = home / "datasets" / "multimodal_grpo_dataset" / DAY
    grpo = train(TrainingJob("grpo", groups, DAY, base, RECIPE, home / "adapters" / SEGMENT, sft), print)
    dataset = home / "datasets" / "multimodal_sft_dataset" / DAY
    report = evaluate_images(DAY, dataset, base, {"sft": sft, "grpo": grpo}, print, max_new_tokens=32)
    write_image_report(report, home / "reports" / DAY)

    rows = json.loads((dataset / "manifest.json").read_text(encoding="utf-8"))["rows"]
    assert (report.questions, report.too_long) == (rows["test"], 0)
    assert list(report.models) == ["base", "sft", "grpo"]
    assert report.models["base"].metrics["json_validity"].mean == 0
    assert report.gate.verdict in ("HOLD", "INSUFFICIENT")
    # A slow machine times fewer requests: no more begin once the budget of time is spent.
    assert MIN_PROMPTS <= report.latency.n <= REQUESTS and report.latency.mean > 0
    assert all(scores.tokens_per_answer > 0 for scores in report.models.values())
    written = json.loads((home / "reports" / DAY / "multimodal.json").read_text(encoding="utf-8"))
    assert written["models"]["grpo"]["metrics"]["hallucination"]["n"] == rows["test"]
    page = (home / "reports" / DAY / "multimodal.md").read_text(encoding="utf-8")
    assert "| inclusion |" in page and "for equally many tokens" in page and "Without a model" in page
    assert written["word_overlap"]["n"] == report.word_overlap.n > 0


@pytest.mark.slow
def test_answers_of_its_own_that_never_show_an_image_are_nothing_to_learn_from(home, base, sft, tmp_path):
    online = ONLINE | {"reward_funcs": ["image_answer"], "max_steps": 2}
    groups = home / "datasets" / "multimodal_grpo_dataset" / DAY
    with pytest.raises(TrainingRefused, match=r"same reward, in all 2 steps \(mean rewards: image_answer 0\)"):
        train(TrainingJob("grpo", groups, DAY, base, adjusted(RECIPE, {"grpo": online}), tmp_path, sft), print)


def test_the_rows_of_the_datasets_are_of_the_segment_that_the_adapters_train_on(home):
    import pyarrow.parquet as pq

    for name in SUITES:
        rows = pq.read_table(home / "datasets" / name / DAY / "train.parquet").to_pylist()
        assert {row["metadata"]["segment"] for row in rows} == {SEGMENT} and len(rows) >= 20
