"""Adapters of a segment of the product: a chain of assets, one per stage. The reports on them are in `reports`.

They are of the group `adapters`, so the nightly jobs train them too.
"""

from collections.abc import Mapping
from dataclasses import replace

import dagster as dg

from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training import adapters, offline_adapters
from rl_assets.defs.training.training_runs import Results, StageConfig, TrainingStage, train_adapter, training_asset
from rl_assets.recipes.segments import FILTERS, Segment, Stage

STAGES: Mapping[Stage, TrainingStage] = {
    "sft": adapters.SFT,
    "dpo": adapters.DPO,
    "kto": offline_adapters.KTO,
    "grpo": offline_adapters.GRPO,
    "ppo": offline_adapters.PPO,
}


class SegmentConfig(StageConfig):
    """Values that win over those of the segment's recipe."""


def segment_adapters(name: str, segment: Segment) -> list[dg.AssetsDefinition]:
    """An asset `<name>_<stage>_adapter` for each stage of the segment; all but the first continue the first."""
    return [_adapter(name, segment, stage) for stage in segment.stages]


def _adapter(name: str, segment: Segment, stage: Stage) -> dg.AssetsDefinition:
    key, training = f"{name}_{stage}_adapter", replace(STAGES[stage], segment=name)
    parents = [f"{name}_{training.parent}_adapter"] if training.parent else []

    def adapter(context: dg.AssetExecutionContext, home: HomeResource, config: SegmentConfig) -> Results:
        chosen = config if config.recipe else config.model_copy(update={"recipe": segment.recipe})
        yield from train_adapter(context, home, training, segment.apply_to(chosen.resolve_stage(home, stage)))

    deps = [adapters.base_model, training.dataset, *parents]
    return training_asset(key, training, deps, description=_description(name, segment, stage))(adapter)


def _description(name: str, segment: Segment, stage: Stage) -> str:
    filters = segment.model_dump(include=set(FILTERS), exclude_defaults=True)
    rows = ", ".join(
        f"{column} {value if isinstance(value, str) else ' or '.join(value)}" for column, value in filters.items()
    )
    return f"The {stage.upper()} adapter of the segment {name}: rows of {rows}."
