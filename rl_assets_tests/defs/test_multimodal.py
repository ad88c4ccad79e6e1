"""Agents that show images, through Dagster: what is skipped and why, what is trained, and what never changes for it."""

from pathlib import Path

import dagster as dg
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.training_runs import ENOUGH_ROWS
from rl_assets.documentation.questions import SEGMENT
from rl_assets.models.adapters import newest_adapter
from rl_assets.models.base_models import ensure_base_model
from rl_assets.models.tiny.pretraining import TinySpec
from rl_assets.quickstart.install import install, install_docs
from rl_assets.settings import Settings
from rl_assets.tables.dataset_ledger import DATASETS
from rl_assets_tests.support.documentation_sites import guide, site
from rl_assets_tests.support.tiny_vlm import build_tiny_vlm

DAY, LOG_DAY = "2026-11-20", "2026-10-01"
RECIPE = """
max_length: 256
min_rows_sft: 8
lora: {r: 4, lora_alpha: 8, lora_dropout: 0.0}
sft: {learning_rate: 0.01, effective_batch_size: 4, max_steps: 4, save_steps: 4}
"""


@pytest.fixture(scope="module")
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        ephemeral.add_dynamic_partitions("doc_sources", ["guide", "fastapi"])
        yield ephemeral


def run(
    instance: dg.DagsterInstance, settings: Settings, job: str, partition: str, *assets: str, config: dict | None = None
) -> dg.ExecuteInProcessResult:
    defs = build_defs(resources={"home": HomeResource.from_settings(settings)}, executor=dg.in_process_executor)
    chosen = [dg.AssetKey(name) for name in assets] or None
    return defs.resolve_job_def(job).execute_in_process(
        partition_key=partition, instance=instance, asset_selection=chosen, run_config=config, raise_on_error=False
    )


@pytest.fixture(scope="module")
def settings(tmp_path_factory, instance) -> Settings:
    """A home with a guide of 40 pages, and the embedded base model, which has not learned anything yet."""
    home = tmp_path_factory.mktemp("home")
    plain = {
        f"plain/{i:02}.md": f"# Part {i}\n\n## Storage of {i}\n\nOf {i}: {'Keep it dry and cool. ' * 4}"
        for i in range(20)
    }
    site(home / "docs" / "guide", guide(40) | plain)
    base = ensure_base_model("tiny", home / "models", print, TinySpec(hidden=32, intermediate=64, layers=1, steps=2))
    (home / "short.yaml").write_text("preset: tiny_cpu\nmax_length: 256\n", encoding="utf-8")
    settings = Settings(home=home, base_model=base.path, recipe=str(home / "short.yaml"))
    assert run(instance, settings, "images_job", "guide").success
    return settings


@pytest.mark.training
def test_questions_too_long_for_the_base_train_nothing_and_the_run_ends_well(instance, settings):
    result = run(instance, settings, "multimodal_job", DAY)
    assert result.success
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
    assert {"image_index", "multimodal_sft_dataset", "multimodal_vision_dataset"} <= made
    assert not {"multimodal_sft_adapter", "multimodal_grpo_adapter", "multimodal_report"} & made
    (seen,) = result.get_asset_observation_events()
    said = seen.asset_observation_data.asset_observation
    assert said.asset_key == dg.AssetKey("multimodal_sft_adapter")
    assert "too long" in said.metadata["skipped"].value
    results = [check for check in result.get_asset_check_evaluations() if check.asset_key == said.asset_key]
    assert [(check.check_name, check.passed) for check in results] == [(ENOUGH_ROWS, False)]
    assert newest_adapter(settings.paths.adapters(SEGMENT), "sft", DAY) is None


@pytest.mark.training
def test_a_vision_language_model_trains_on_the_pictures_of_the_day(instance, settings, tmp_path):
    texts = [path.read_text(encoding="utf-8") for path in sorted((settings.home / "docs").rglob("*.md"))]
    model = build_tiny_vlm(tmp_path / "tiny-vlm", texts)
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    defs = build_defs(resources={"home": HomeResource.from_settings(settings)}, executor=dg.in_process_executor)
    chosen = {"model": str(model), "recipe": str(tmp_path / "recipe.yaml"), "learning_rate": 0.02}
    result = dg.materialize(
        [defs.get_assets_def("multimodal_vision_dataset"), defs.get_assets_def("multimodal_vision_adapter")],
        partition_key=DAY,
        instance=instance,
        resources=defs.resources,
        run_config={"ops": {"multimodal_vision_adapter": {"config": chosen}}},
    )
    assert result.success
    dataset, adapter = (event for event in result.get_asset_materialization_events())
    assert "data:image/webp;base64," in dataset.materialization.metadata["preview"].value
    assert adapter.materialization.metadata["rows"].value >= 20
    found = newest_adapter(settings.paths.adapters("vision"), "sft", DAY)
    assert found.manifest.recipe["sft"]["learning_rate"] == 0.02
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert checks["weights_reload"] and checks["end_of_turn_is_trained"] and checks["every_row_has_one_image"]


def files_of_datasets(home: Path) -> dict[str, bytes]:
    folders = [home / "datasets" / name / LOG_DAY for name in DATASETS]
    return {
        path.relative_to(home).as_posix(): path.read_bytes() for folder in folders for path in sorted(folder.iterdir())
    }


@pytest.mark.slow
def test_logs_of_text_give_byte_identical_datasets_with_and_without_documentation(instance, tmp_path, monkeypatch):
    monkeypatch.setenv("RL_ASSETS_USER_HASH_KEY", "the same in both homes")
    without, beside = Settings(home=tmp_path / "without"), Settings(home=tmp_path / "beside")
    for settings in (without, beside):
        install(settings.home)
    install_docs(beside.home)
    assert run(instance, beside, "images_job", "fastapi").success
    made = ("image_index", "multimodal_sft_dataset", "multimodal_grpo_dataset", "multimodal_vision_dataset")
    assert run(instance, beside, "multimodal_job", LOG_DAY, *made).success
    for settings in (without, beside):
        assert run(instance, settings, "datasets_job", LOG_DAY).success
    plain = files_of_datasets(without.home)
    assert len(plain) >= 6 * len(DATASETS) and any(len(content) > 10_000 for content in plain.values())
    assert files_of_datasets(beside.home) == plain
