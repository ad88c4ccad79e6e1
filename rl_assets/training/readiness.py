"""What would train on a day's datasets: rows counted as the trainers count them, by the recipe. Nothing is trained."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from rl_assets.core.home import Home
from rl_assets.recipes.recipe import Recipe
from rl_assets.tables.dataset_manifest import read_manifest
from rl_assets.tables.usable_rows import UsableRows
from rl_assets.training.data.group_rows import read_group_rows, read_prompt_rows
from rl_assets.training.data.rows import (
    HELD_OUT,
    TrainingRows,
    not_enough_held_out,
    not_enough_rows,
    read_kto_rows,
    read_pair_rows,
    read_sft_rows,
    require_both_labels,
)
from rl_assets.training.errors import NotEnoughRows, UntrainableRows

KINDS = ("sft", "dpo", "reward", "kto", "grpo")
DATASETS = {kind: f"{kind}_dataset" for kind in KINDS} | {"ppo": "grpo_dataset"}
# What the nightly run trains; the second continues the first.
NIGHTLY = ("sft", "dpo")
# Rows of a larger dataset are estimated from about this many.
SAMPLE = 5_000

Reader = Callable[..., TrainingRows]
READERS: Mapping[str, Reader] = {
    "sft": read_sft_rows,
    "dpo": read_pair_rows,
    "kto": read_kto_rows,
}


def usable_rows(home: Home, day: str, recipe: Recipe, tokenizer: Any, kinds: Iterable[str] = KINDS) -> list[UsableRows]:
    """For each kind of adapter, how many rows of the day it would be trained on, and why it would be skipped."""
    return [_count(kind, home.datasets(DATASETS[kind], day), recipe, tokenizer) for kind in kinds]


def _count(kind: str, dataset: Path, recipe: Recipe, tokenizer: Any) -> UsableRows:
    needed: int = getattr(recipe, f"min_rows_{kind}")
    manifest = read_manifest(dataset)
    if manifest is None:
        missing = f"there is no {dataset.parent.name} of {dataset.name}: materialize it"
        return UsableRows(kind, 0, needed, missing)
    every = max(1, -(-manifest.rows.get("train", 0) // SAMPLE))
    kept = _reader(kind, recipe)(dataset, recipe, tokenizer, every=every)
    rows = len(kept.rows) * every
    try:
        if rows < needed:
            dropped = {reason: count * every for reason, count in kept.dropped.items()}
            raise not_enough_rows(rows, needed, dropped, dataset, recipe)
        if kind == "kto":
            require_both_labels(kept, dataset)
        if kind == "reward":
            _require_held_out(dataset, recipe, tokenizer, every)
    except (NotEnoughRows, UntrainableRows) as reason:
        return UsableRows(kind, rows, needed, str(reason))
    return UsableRows(kind, rows, needed)


def _reader(kind: str, recipe: Recipe) -> Reader:
    if kind == "reward":
        return partial(read_pair_rows, half=recipe.reward.half)
    if kind not in ("grpo", "ppo"):
        return READERS[kind]
    if kind == "ppo" or recipe.grpo.method == "online_grpo":
        return read_prompt_rows
    return partial(read_group_rows, best_only=recipe.grpo.method == "raft")


def _require_held_out(dataset: Path, recipe: Recipe, tokenizer: Any, every: int) -> None:
    pairs = sum(len(read_pair_rows(dataset, recipe, tokenizer, split, every=every).rows) * every for split in HELD_OUT)
    if pairs < recipe.reward.min_held_out:
        raise not_enough_held_out(pairs, recipe, dataset)
