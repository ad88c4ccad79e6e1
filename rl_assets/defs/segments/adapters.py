"""Adapters of a segment of the product: a chain of assets, one per stage. The reports on them are in `reports`.

They are of the group `adapters`, so the nightly jobs train them too.
"""

from collections.abc import Mapping

import dagster as dg

from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training import adapters, offline_adapters
from rl_assets.defs.training.training_runs import Results, StageConfig, train_stage, training_asset
from rl_assets.recipes.segments import Segment, Stage

CHECKS: Mapping[Stage, dict[str, str]] = {
    "sft": adapters.SFT_CHECKS,
    "dpo": adapters.DPO_CHECKS,
    "kto": offline_adapters.KTO_CHECKS,
    "grpo": offline_adapters.GRPO_CHECKS,
}


class SegmentConfig(StageConfig):
    """Values that win over those of the segment's recipe."""


def segment_adapters(name: str, segment: Segment) -> list[dg.AssetsDefinition]:
    """An asset `<name>_<stage>_adapter` for each stage of the segment; all but the first continue the first."""
    return [_adapter(name, segment, stage) for stage in segment.stages]


def _adapter(name: str, segment: Segment, stage: Stage) -> dg.AssetsDefinition:
    key, parent = f"{name}_{stage}_adapter", None if stage == "sft" else "sft"
    deps = [adapters.base_model, f"{stage}_dataset", *([f"{name}_{parent}_adapter"] if parent else [])]

    def adapter(context: dg.AssetExecutionContext, home: HomeResource, config: SegmentConfig) -> Results:
        chosen = config if config.recipe else config.model_copy(update={"recipe": segment.recipe})
        recipe = segment.apply_to(chosen.resolve_stage(home, stage))
        yield from train_stage(context, home, recipe, stage, CHECKS[stage], parent, name)

    shared = training_asset(key, CHECKS[stage])
    made = dg.asset(name=key, deps=deps, description=_description(name, segment, stage), **shared)(adapter)
    assert isinstance(made, dg.AssetsDefinition)
    return made


def _description(name: str, segment: Segment, stage: Stage) -> str:
    filters = segment.model_dump(include={"segment", "agent", "category"}, exclude_defaults=True)
    rows = ", ".join(
        f"{column} {value if isinstance(value, str) else ' or '.join(value)}" for column, value in filters.items()
    )
    return f"The {stage.upper()} adapter of the segment {name}: rows of {rows}."
