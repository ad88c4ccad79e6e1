"""Answers with images, from pages to the gate, on a model that any machine can train: base, SFT and GRPO compared.

    python -m rl_assets_tests.benchmarks.multimodal [--home FOLDER]

A folder that is kept resumes, and trains nothing twice. About five minutes on two cores.
"""

import argparse
import tempfile
from pathlib import Path

from rl_assets.datasets.folder import publish_dataset
from rl_assets.documentation.expectations import MULTIMODAL_GRPO, MULTIMODAL_SFT
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.publish import publish_source
from rl_assets.documentation.questions import SEGMENT, MultimodalPolicy, build_multimodal
from rl_assets.documentation.report import as_markdown, evaluate_images, write_image_report
from rl_assets.lake.delta import Lake
from rl_assets.models.base_models import ensure_base_model
from rl_assets.recipes.recipe import Recipe
from rl_assets.recipes.stages import GrpoRecipe, LoraRecipe, SftRecipe
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets_tests.benchmarks.reading_base import reading_base
from rl_assets_tests.support.documentation_sites import site
from rl_assets_tests.support.manual_site import manual_site

DAY = "2026-11-20"
POLICY = MultimodalPolicy(distractors=4)
SUITES = {"multimodal_sft_dataset": MULTIMODAL_SFT, "multimodal_grpo_dataset": MULTIMODAL_GRPO}
ROOM = 128
RECIPE = Recipe(
    name="tiny_documentation",
    segment=SEGMENT,
    max_length=512,
    lora=LoraRecipe(lora_dropout=0.0),
    sft=SftRecipe(learning_rate=2e-3, max_steps=160, save_steps=40),
    grpo=GrpoRecipe(learning_rate=1e-3, lr_scheduler_type="cosine", max_steps=40, save_steps=20),
)


def publish_questions(home: Path) -> None:
    """The manual's pages in the lake, and both datasets of the day."""
    site(home / "docs" / "manual", manual_site())
    lake = Lake(str(home / "lake"))
    publish_source(lake, home / "docs", "manual", Limits(), "1GB")
    for name, suite in SUITES.items():
        connection, built = build_multimodal(lake, name, POLICY, "1GB")
        publish_dataset(connection, home / "datasets" / name / DAY, built, POLICY, suite, {})


def run(home: Path) -> str:
    """The report as text; adapters and report lie below `home`."""
    publish_questions(home)
    sft_data, grpo_data = (home / "datasets" / name / DAY for name in SUITES)
    base = ensure_base_model(str(reading_base(sft_data, home / "models" / "reading")), home / "models", print)
    adapters = home / "adapters" / SEGMENT
    sft = train(TrainingJob("sft", sft_data, DAY, base, RECIPE, adapters), print)
    grpo = train(TrainingJob("grpo", grpo_data, DAY, base, RECIPE, adapters, sft), print)
    report = evaluate_images(DAY, sft_data, base, {"sft": sft, "grpo": grpo}, print, ROOM)
    write_image_report(report, home / "reports" / DAY)
    return as_markdown(report)


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description="Answers with images on the embedded model.")
    parser.add_argument("--home", type=Path, help="a folder to keep; a temporary one where none is named")
    home = parser.parse_args().home
    if home:
        print(run(home))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(run(Path(folder)))


if __name__ == "__main__":
    main()
