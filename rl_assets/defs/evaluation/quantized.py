"""A benchmark of an adapter on quantized bases; in no nightly job. Measuring is `evaluation.serving.quantized`."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import dagster as dg

from rl_assets.core.files import write_json
from rl_assets.defs.datasets.datasets import sft_dataset
from rl_assets.defs.shared.metadata import markdown_table
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import days
from rl_assets.defs.shared.permanent_errors import without_retries
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.adapters import base_model, dpo_adapter, sft_adapter
from rl_assets.defs.training.training_runs import GPU, GPU_STEP, TrainingConfig, required_adapter
from rl_assets.evaluation.promotion.epochs import read_primary
from rl_assets.evaluation.run.inputs import held_out_answers
from rl_assets.evaluation.schema.metrics import METRICS
from rl_assets.evaluation.serving.quantized import BITS, Comparison, Load, compare_loads
from rl_assets.metrics.statistics import Interval
from rl_assets.models.base_models import ensure_base_model
from rl_assets.recipes.recipe import matches_slice

FILE = "quantized.json"
# Shown beside the metric that decides; all metrics of the evaluation report are in the file.
SHOWN = ("exact_match", "log_perplexity")


class QuantizedConfig(TrainingConfig):
    """Which adapter is benchmarked (the recipe's candidate unless given), and on how many held-out items."""

    kind: str | None = None
    items: int = 200


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
    """The day's adapter on its base in 16, 8 and 4 bits: speed, memory, and loss of quality by the metrics of
    `eval_report`, with intervals."""
    day, log = context.partition_key, context.log.info
    recipe = config.resolve(home)
    base = ensure_base_model(home.base_model, home.paths.models, log)
    adapter = required_adapter(home.paths.adapters(), config.kind or recipe.candidate, day)
    folder = home.paths.datasets("sft_dataset", day)
    items = held_out_answers(folder, recipe.segment, row_filter=partial(matches_slice, recipe=recipe))[: config.items]
    if not items:
        raise dg.Failure(f"the test split of {day} has no item to benchmark on", allow_retries=False)
    with without_retries():
        primary = read_primary(home.paths.metric_of_epoch())
        comparison = compare_loads(base, adapter, items, log)
    prompts, path = comparison.loads[0].prompts, home.paths.reports(day) / FILE
    facts = {"items": len(prompts.items), "too_long": prompts.too_long, "max_new_tokens": prompts.max_new_tokens}
    decides = primary.metric if primary else None
    content = {"adapter": adapter.sha256, **facts, "decides": decides, "loads": comparison.rows()}
    write_json(path, content)
    shown = [name for name in dict.fromkeys((decides, *SHOWN)) if name in comparison.loads[0].columns]
    return dg.MaterializeResult(
        metadata={
            "dagster/uri": str(path),
            "adapter": f"{adapter.kind} {adapter.inputs_hash}",
            **facts,
            "loads": markdown_table(_row(comparison, load, shown) for load in comparison.loads),
            **{
                f"memory_ratio_{bits}_bit": comparison.memory_ratio(comparison.loads[BITS.index(bits)])
                for bits in BITS[1:]
            },
        }
    )


def _row(comparison: Comparison, load: Load, metrics: Sequence[str]) -> dict[str, Any]:
    """One row of the table: rounded, with intervals of the loss of quality."""
    changes = comparison.changes(load)
    return {
        "bits": load.bits,
        "ms per request": round(load.ms_per_request, 2),
        "ms per token": round(load.ms_per_token, 3),
        "tokens/s, one request": round(load.tokens_per_s),
        "tokens/s, batched": round(load.batched_tokens_per_s),
        "MB of weights": round(load.weight_bytes / 1e6, 3),
        "memory ratio": round(comparison.memory_ratio(load), 2),
        "peak MB": round(load.peak_bytes / 1e6, 1),
        **{METRICS[name].title: _with_interval(changes.get(name)) for name in metrics},
    }


def _with_interval(change: Interval | None) -> str:
    """A difference from 16 bits; one cluster has no interval."""
    if change is None:
        return "-"
    return (
        f"{change.mean:+.4f}" if change.low is None else f"{change.mean:+.4f} [{change.low:+.4f}, {change.high:+.4f}]"
    )
