"""Adapters of agents that show images, trained as all others are, and the report with its quality gate.

They are stored below `adapters/documentation`, as a separate segment, so they never replace the product's adapters.
"""

from dataclasses import replace

import dagster as dg

from rl_assets.defs.documentation.images import GROUP
from rl_assets.defs.documentation.multimodal import (
    image_index,
    multimodal_grpo_dataset,
    multimodal_sft_dataset,
    multimodal_vision_dataset,
)
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import day_check, days
from rl_assets.defs.shared.permanent_errors import without_retries
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.adapters import SFT, SFT_CHECKS, SftConfig, base_model
from rl_assets.defs.training.offline_adapters import GRPO, GrpoConfig
from rl_assets.defs.training.training_runs import (
    GPU,
    GPU_STEP,
    Results,
    TrainingConfig,
    TrainingStage,
    train_adapter,
    training_asset,
)
from rl_assets.documentation.questions import SEGMENT
from rl_assets.documentation.report import as_markdown, evaluate_images, write_image_report
from rl_assets.models.adapters import newest_adapter
from rl_assets.models.base_models import ensure_base_model
from rl_assets.recipes.recipe import Recipe

MULTIMODAL_SFT = replace(SFT, dataset="multimodal_sft_dataset", segment=SEGMENT)
MULTIMODAL_GRPO = replace(GRPO, dataset="multimodal_grpo_dataset", segment=SEGMENT)
VISION = TrainingStage("vision", "multimodal_vision_dataset", SFT_CHECKS, segment="vision")


def _of_segment(recipe: Recipe) -> Recipe:
    """The recipe for the rows of documentation."""
    return recipe.model_copy(update={"segment": SEGMENT})


@training_asset("multimodal_sft_adapter", MULTIMODAL_SFT, [base_model, multimodal_sft_dataset], group=GROUP)
def multimodal_sft_adapter(context: dg.AssetExecutionContext, home: HomeResource, config: SftConfig) -> Results:
    """A LoRA adapter that answers about documentation in JSON with images. Skipped if too few rows fit the model."""
    yield from train_adapter(context, home, MULTIMODAL_SFT, _of_segment(config.resolve_stage(home, "sft")))


@training_asset(
    "multimodal_grpo_adapter",
    MULTIMODAL_GRPO,
    [base_model, multimodal_grpo_dataset, multimodal_sft_adapter],
    group=GROUP,
)
def multimodal_grpo_adapter(context: dg.AssetExecutionContext, home: HomeResource, config: GrpoConfig) -> Results:
    """The multimodal SFT adapter, trained further with GRPO on answers scored by the image reward."""
    yield from train_adapter(context, home, MULTIMODAL_GRPO, _of_segment(config.resolve_stage(home, "grpo")))


class VisionTrainingConfig(SftConfig):
    """Which vision-language model is trained: a Hugging Face id, or a folder with model and processor."""

    model: str


@training_asset("multimodal_vision_adapter", VISION, [multimodal_vision_dataset], group=GROUP)
def multimodal_vision_adapter(
    context: dg.AssetExecutionContext, home: HomeResource, config: VisionTrainingConfig
) -> Results:
    """A LoRA adapter of a vision-language model that explains images of the documentation. In no job."""
    stage = replace(VISION, base_model=config.model)
    yield from train_adapter(context, home, stage, _of_segment(config.resolve_stage(home, "sft")))


@dg.asset(
    partitions_def=days,
    deps=[base_model, multimodal_sft_dataset, multimodal_sft_adapter, multimodal_grpo_adapter],
    check_specs=[
        day_check(
            "inclusion_reaches_the_goal",
            "multimodal_report",
            "80 % of held-out questions that need an image get a right one, and only offered ones; few "
            "images are needless or invented, texts are as good with images as without, and requests take at most 10 % "
            "longer.",
        )
    ],
    group_name=GROUP,
    kinds={"huggingface"},
    owners=MODEL_TEAM,
    pool=GPU,
    op_tags=GPU_STEP,
)
def multimodal_report(
    context: dg.AssetExecutionContext, home: HomeResource, config: TrainingConfig
) -> dg.MaterializeResult:
    """Base and adapters on held-out pages: right, needless and invented images, valid JSON; and the quality gate."""
    day, log, folder = context.partition_key, context.log.info, home.paths.adapters(SEGMENT)
    adapters = {kind: adapter for kind in ("sft", "grpo") if (adapter := newest_adapter(folder, kind, day))}
    if "sft" not in adapters:
        problem = f"{day} has no multimodal SFT adapter: materialize multimodal_sft_adapter first"
        raise dg.Failure(problem, allow_retries=False)
    base = ensure_base_model(home.base_model, home.paths.models, log)
    with without_retries():
        report = evaluate_images(day, home.paths.datasets("multimodal_sft_dataset", day), base, adapters, log)
    folder = home.paths.reports(day)
    write_image_report(report, folder)
    return dg.MaterializeResult(
        metadata={
            "dagster/uri": str(folder / "multimodal.json"),
            "gate": f"{report.gate.verdict}: {report.gate.reason}",
            "report": dg.MetadataValue.md(as_markdown(report)),
            "questions": report.questions,
            "too_long": report.too_long,
            "refused_by_the_template": report.refused,
            **({"latency_ratio": report.latency.mean} if report.latency else {}),
            **{name: metric.mean for name, metric in report.candidate.metrics.items()},
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
        multimodal_vision_dataset,
        multimodal_sft_adapter,
        multimodal_grpo_adapter,
        multimodal_report,
    ),
    description="From image pairs to the search index, datasets, adapters and report of agents that show images.",
)
