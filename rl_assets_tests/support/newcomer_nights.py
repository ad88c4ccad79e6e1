"""The night of a newcomer through Dagster: an empty home, their own log, no recipe; datasets first, then adapters."""

import json
from collections.abc import Iterable
from pathlib import Path

import dagster as dg

from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.models.tiny.pretraining import TinySpec, corpus, train_tokenizer
from rl_assets.settings import Settings
from rl_assets_tests.support.newcomer_logs import DAY

# What the two adapters of a night are made of; the other datasets cost a test seconds.
NEEDED = (
    *("interactions", "feedback", "rejected_records", "ingested_files"),
    *("interaction_features", "rated_interactions", "sft_dataset", "dpo_dataset"),
)
ADAPTERS = ("sft_adapter", "dpo_adapter")


def run_job(
    settings: Settings, instance: dg.DagsterInstance, job: str, assets: Iterable[str] = (), steps: int = 2
) -> dg.ExecuteInProcessResult:
    """Run a job for the day, or some assets of it; trainings end after a few steps, as the launchpad allows."""
    home = HomeResource.from_settings(settings)
    defs = build_defs(resources={"home": home}, executor=dg.in_process_executor)
    selected = [dg.AssetKey(name) for name in assets] or None
    config = {"ops": {name: {"config": {"max_steps": steps}} for name in assets if name in ADAPTERS}}
    return defs.resolve_job_def(job).execute_in_process(
        partition_key=DAY, instance=instance, asset_selection=selected, run_config=config, raise_on_error=False
    )


def weightless_base(folder: Path) -> str:
    """The tokenizer of the embedded base model with no weights: enough for trainings that are skipped."""
    train_tokenizer(corpus(TinySpec()), TinySpec()).save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}), encoding="utf-8")
    (folder / "model.safetensors").touch()
    return str(folder)


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    return {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}


def checks(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, dg.AssetCheckEvaluation]:
    """The results of an asset's checks by name."""
    found = result.get_asset_check_evaluations()
    return {check.check_name: check for check in found if check.asset_key == dg.AssetKey(asset)}
