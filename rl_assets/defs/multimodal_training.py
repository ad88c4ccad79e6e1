"""Adapters of agents that show images, trained by the same functions as the others, and the report with its gate.

They lie below `adapters/documentation`, a segment of their own, so the product's adapters are never mistaken for them.
"""

from pathlib import Path

import dagster as dg

from rl_assets.defs.adapters import SFT_CHECKS, SftConfig, base_model
from rl_assets.defs.images import GROUP
from rl_assets.defs.more_adapters import GRPO_CHECKS, GrpoConfig
from rl_assets.defs.multimodal import image_index, multimodal_grpo_dataset, multimodal_sft_dataset
from rl_assets.defs.partitions import days
from rl_assets.defs.resources import HomeResource
from rl_assets.defs.training_runs import GPU, OWNERS, Results, TrainingConfig, materialize_adapter, training_asset
from rl_assets.images.questions import SEGMENT
from rl_assets.images.report import as_markdown, evaluate_images, write_image_report
from rl_assets.training.adapters import Adapter, newest_adapter
from rl_assets.training.base_models import ensure_base_model
from rl_assets.training.grpo import train_grpo
from rl_assets.training.recipes import Recipe
from rl_assets.training.sft import train_sft


def _adapters(home: HomeResource) -> Path:
    return home.folder / "adapters" / SEGMENT


def _of_segment(recipe: Recipe) -> Recipe:
    return recipe.model_copy(update={"segment": SEGMENT})


@dg.asset(deps=[base_model, multimodal_sft_dataset], **training_asset("multimodal_sft_adapter", SFT_CHECKS, GROUP))
def multimodal_sft_adapter(context: dg.AssetExecutionContext, home: HomeResource, config: SftConfig) -> Results:
    """A LoRA adapter that answers about documentation in JSON with images. Skipped where too few rows fit the model."""
    day, log = context.partition_key, context.log.info
    recipe = _of_segment(config.resolve_stage(home, "sft"))
    base = ensure_base_model(home.base_model, home.folder / "models", log)

    def train() -> Adapter:
        return train_sft(home.dataset("multimodal_sft_dataset", day), day, base, recipe, _adapters(home), log)

    yield from materialize_adapter(context, recipe, train, SFT_CHECKS)


@dg.asset(
    deps=[base_model, multimodal_grpo_dataset, multimodal_sft_adapter],
    **training_asset("multimodal_grpo_adapter", GRPO_CHECKS, GROUP),
)
def multimodal_grpo_adapter(context: dg.AssetExecutionContext, home: HomeResource, config: GrpoConfig) -> Results:
    """The multimodal SFT adapter, trained further on answers of differing worth by the image reward."""
    day, log = context.partition_key, context.log.info
    recipe = _of_segment(config.resolve_stage(home, "grpo"))
    base = ensure_base_model(home.base_model, home.folder / "models", log)
    parent = _wanted(home, day)

    def train() -> Adapter:
        dataset = home.dataset("multimodal_grpo_dataset", day)
        return train_grpo(dataset, day, base, parent, recipe, _adapters(home), log, None)

    yield from materialize_adapter(context, recipe, train, GRPO_CHECKS)


@dg.asset(
    partitions_def=days,
    deps=[base_model, multimodal_sft_dataset, multimodal_sft_adapter, multimodal_grpo_adapter],
    check_specs=[
        dg.AssetCheckSpec(
            "inclusion_reaches_the_goal",
            asset="multimodal_report",
            description="80 % of held-out questions that need an image get a right one, and only offered ones.",
        )
    ],
    group_name=GROUP,
    kinds={"huggingface"},
    owners=OWNERS,
    pool=GPU,
)
def multimodal_report(
    context: dg.AssetExecutionContext, home: HomeResource, config: TrainingConfig
) -> dg.MaterializeResult:
    """Base and adapters on held-out pages: right images, needless ones, invented ones, valid JSON; and the gate."""
    day, log = context.partition_key, context.log.info
    sft = _wanted(home, day)
    grpo = newest_adapter(_adapters(home), "grpo", day)
    adapters = {"sft": sft} | ({"grpo": grpo} if grpo else {})
    base = ensure_base_model(home.base_model, home.folder / "models", log)
    report = evaluate_images(day, home.dataset("multimodal_sft_dataset", day), base, adapters, log)
    folder = home.folder / "reports" / day
    write_image_report(report, folder)
    candidate = report.models[[*report.models][-1]]
    return dg.MaterializeResult(
        metadata={
            "dagster/uri": str(folder / "multimodal.json"),
            "gate": f"{report.gate.verdict}: {report.gate.reason}",
            "report": dg.MetadataValue.md(as_markdown(report)),
            "questions": report.questions,
            "left_out": report.left_out,
            **{name: found.mean for name, found in candidate.items()},
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="inclusion_reaches_the_goal",
                passed=report.gate.verdict == "PASS",
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"verdict": report.gate.verdict, "reason": report.gate.reason},
            )
        ],
    )


multimodal_job = dg.define_asset_job(
    "multimodal_job",
    selection=dg.AssetSelection.assets(
        image_index,
        multimodal_sft_dataset,
        multimodal_grpo_dataset,
        multimodal_sft_adapter,
        multimodal_grpo_adapter,
        multimodal_report,
    ),
    description="From image pairs to the search index, datasets, adapters and report of agents that show images.",
)


def _wanted(home: HomeResource, day: str) -> Adapter:
    sft = newest_adapter(_adapters(home), "sft", day)
    if sft is None:
        raise dg.Failure(
            f"{day} has no multimodal SFT adapter: materialize multimodal_sft_adapter", allow_retries=False
        )
    return sft
