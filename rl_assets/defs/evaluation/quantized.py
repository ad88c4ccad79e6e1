"""A benchmark of an adapter on quantized bases; in no nightly job. Measuring is `evaluation.serving.quantized`."""

from functools import partial
from typing import Any

import dagster as dg

from rl_assets.core.files import write_json
from rl_assets.defs.datasets.datasets import sft_dataset
from rl_assets.defs.shared.metadata import markdown_table
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.adapters import base_model, dpo_adapter, sft_adapter
from rl_assets.defs.training.training_runs import GPU, GPU_STEP, TrainingConfig, required_adapter
from rl_assets.evaluation.run.inputs import held_out_answers
from rl_assets.evaluation.serving.quantized import BITS, Comparison, Load, compare_loads
from rl_assets.metrics.statistics import Interval
from rl_assets.models.base_models import ensure_base_model
from rl_assets.recipes.recipe import matches_slice

FILE = "quantized.json"


class QuantizedConfig(TrainingConfig):
    """Which adapter is benchmarked (the recipe's candidate unless given), and on how many held-out items."""

    kind: str | None = None
    items: int = 200
    max_new_tokens: int = 64


@dg.asset(
    partitions_def=days,
    deps=[base_model, sft_dataset, sft_adapter, dpo_adapter],
    group_name="serving",
    kinds={"huggingface", "bitsandbytes"},
    owners=MODEL_TEAM,
    pool=GPU,
    op_tags=GPU_STEP,
)
def quantized_model(
    context: dg.AssetExecutionContext, home: HomeResource, config: QuantizedConfig
) -> dg.MaterializeResult:
    """The day's adapter on its base in 16, 8 and 4 bits: speed, memory, and loss of quality, with intervals."""
    day, log = context.partition_key, context.log.info
    recipe = config.resolve(home)
    base = ensure_base_model(home.base_model, home.paths.models, log)
    adapter = required_adapter(home.paths.adapters(), config.kind or recipe.candidate, day)
    folder = home.paths.datasets("sft_dataset", day)
    items = held_out_answers(folder, recipe.segment, row_filter=partial(matches_slice, recipe=recipe))[: config.items]
    if not items:
        raise dg.Failure(f"the test split of {day} has no item to benchmark on", allow_retries=False)
    comparison = compare_loads(base, adapter, items, config.max_new_tokens, log)
    path = home.paths.reports(day) / FILE
    write_json(path, {"adapter": adapter.sha256, "items": len(items), "loads": comparison.rows()})
    return dg.MaterializeResult(
        metadata={
            "dagster/uri": str(path),
            "adapter": f"{adapter.kind} {adapter.inputs_hash}",
            "items": len(items),
            "loads": markdown_table(_row(comparison, load) for load in comparison.loads),
            **{
                f"memory_ratio_{bits}_bit": comparison.memory_ratio(comparison.loads[BITS.index(bits)])
                for bits in BITS[1:]
            },
        }
    )


def _row(comparison: Comparison, load: Load) -> dict[str, Any]:
    """One row of the table: rounded, with intervals of the loss of quality."""
    return {
        "bits": load.bits,
        "ms per request": round(load.ms_per_request, 2),
        "ms per token": round(load.ms_per_token, 3),
        "tokens/s, one request": round(load.tokens_per_s),
        "tokens/s, batched": round(load.batched_tokens_per_s),
        "MB of weights": round(load.weight_bytes / 1e6, 3),
        "memory ratio": round(comparison.memory_ratio(load), 2),
        "peak MB": round(load.peak_bytes / 1e6, 1),
        "nats per token": _with_interval(comparison.nats_per_token.get(load.bits)),
        "exact match": _with_interval(comparison.exact_match.get(load.bits)),
    }


def _with_interval(change: Interval | None) -> str:
    """A difference from 16 bits; one cluster has no interval."""
    if change is None:
        return "-"
    return (
        f"{change.mean:+.4f}" if change.low is None else f"{change.mean:+.4f} [{change.low:+.4f}, {change.high:+.4f}]"
    )
