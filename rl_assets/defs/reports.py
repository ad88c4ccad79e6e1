"""Evaluation, decision and champion. Measuring and deciding is `rl_assets.evaluation`."""

import dagster as dg

from rl_assets.defs.adapters import GPU, OWNERS, TrainingConfig, base_model, dpo_adapter, sft_adapter
from rl_assets.defs.datasets import dpo_dataset, sft_dataset
from rl_assets.defs.metadata import report_metadata
from rl_assets.defs.partitions import days
from rl_assets.defs.resources import HomeResource
from rl_assets.evaluation.champion import champion_adapter, promote, read_champion
from rl_assets.evaluation.promotion import PromotionRules, decide
from rl_assets.evaluation.render import read_report, write_report
from rl_assets.evaluation.report import evaluate
from rl_assets.files import write_json
from rl_assets.training.adapters import newest_adapter
from rl_assets.training.base_models import ensure_base_model


class PromotionConfig(dg.Config, PromotionRules):
    """When a candidate may replace the champion."""


@dg.asset(
    partitions_def=days,
    deps=[base_model, sft_dataset, dpo_dataset, sft_adapter, dpo_adapter],
    check_specs=[
        dg.AssetCheckSpec(
            "no_test_prompt_was_trained_on",
            asset="eval_report",
            blocking=True,
            description="No prompt of the test split lies in a training or validation split of any dataset.",
        )
    ],
    group_name="reports",
    kinds={"huggingface", "matplotlib"},
    owners=OWNERS,
    pool=GPU,
)
def eval_report(context: dg.AssetExecutionContext, home: HomeResource, config: TrainingConfig) -> dg.MaterializeResult:
    """The candidate against base, parent and champion on held-out items, with paired 95 % intervals."""
    day, folder, log = context.partition_key, home.folder, context.log.info
    parent, candidate = (newest_adapter(folder / "adapters", kind, day) for kind in ("sft", "dpo"))
    if candidate is None:
        raise dg.Failure(f"{day} has no DPO adapter to evaluate; materialize dpo_adapter first", allow_retries=False)
    champion = read_champion(folder)
    report = evaluate(
        day,
        ensure_base_model(home.base_model, folder / "models", log),
        candidate,
        parent,
        champion_adapter(folder, champion) if champion else None,
        sft_folder=home.dataset("sft_dataset", day),
        dpo_folder=home.dataset("dpo_dataset", day),
        segment=config.resolve(home).segment,
        log=log,
    )
    write_report(report, folder / "reports" / day)
    leak = dg.AssetCheckResult(
        check_name="no_test_prompt_was_trained_on",
        passed=not report.leaked,
        metadata={"leaked": len(report.leaked), "first": report.leaked[:20]},
    )
    return dg.MaterializeResult(metadata=report_metadata(report, folder / "reports" / day), check_results=[leak])


@dg.asset(partitions_def=days, deps=[eval_report], group_name="reports", kinds={"json"}, owners=OWNERS)
def promotion_decision(
    context: dg.AssetExecutionContext, home: HomeResource, config: PromotionConfig
) -> dg.MaterializeResult:
    """PROMOTE, REJECT, HOLD or INSUFFICIENT, with reasons. A promoted adapter of a newer day becomes `champion.json`."""
    day, folder = context.partition_key, home.folder
    report = read_report(folder / "reports" / day)
    decision = decide(report, read_champion(folder), config)
    write_json(folder / "reports" / day / "decision.json", decision.model_dump(mode="json"))
    candidate = newest_adapter(folder / "adapters", "dpo", day)
    if candidate is None:
        raise dg.Failure(f"{day} has no DPO adapter; materialize dpo_adapter first", allow_retries=False)
    promoted = promote(folder, decision, candidate)
    for reason in decision.reasons:
        context.log.info(f"{decision.verdict}: {reason}")
    return dg.MaterializeResult(
        metadata={
            "verdict": decision.verdict,
            "reasons": dg.MetadataValue.md("\n".join(f"- {reason}" for reason in decision.reasons)),
            "guard_rails": dg.MetadataValue.md(
                "\n".join(f"- {rail.sentence()}" for rail in decision.guard_rails) or "none"
            ),
            "champion_changed": promoted,
        }
    )
