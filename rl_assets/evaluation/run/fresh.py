"""Fresh prompts: those that neither the entrant nor the champion can have learned from, whatever their split is.

Evaluating on what landed after a model was trained (prequential; Dawid 1984) gives some twenty times as many prompts a
night as the test split does.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rl_assets.core.files import sha256_text
from rl_assets.core.home import Home
from rl_assets.evaluation.run.inputs import (
    MIN_REFERENCE_REWARD,
    TRAINING_SPLITS,
    EvalInputs,
    Item,
    items_of,
    selected,
    split_keys,
)
from rl_assets.models.adapters import Adapter, read_manifest
from rl_assets.tables.dataset_manifest import read_manifest as read_dataset_manifest

MAX_FRESH = 200


class RowsGoneError(Exception):
    """The rows that an adapter was trained on are no longer there, so nothing is known to be new to it."""


def fresh_items(
    home: Home, inputs: EvalInputs, adapters: Iterable[Adapter], counted: frozenset[str], limit: int = MAX_FRESH
) -> list[Item]:
    """Prompts with a good answer that are new to `adapters`, of at most `limit` clusters by the hash of their names.

    Clusters that the epoch has `counted` are left out. Raises RowsGoneError if a dataset that an adapter, or one that
    it continues, was trained on was rebuilt since.
    """
    known = counted.union(*(learned_keys(home, adapter) for adapter in adapters))
    files = [inputs.sft_folder / f"{split}.parquet" for split in TRAINING_SPLITS]
    new = [
        row for file in files for row in _new_metadata(file, known) if selected(row, inputs.segment, inputs.row_filter)
    ]
    clusters = {row["metadata"]["cluster_key"] or row["metadata"]["prompt_key"] for row in new}
    kept = set(sorted(clusters, key=sha256_text)[:limit])
    prompts = [key for key, cluster in map(_keys, new) if cluster in kept]
    return items_of(row for file in files for row in _rows_of(file, prompts))


def _keys(row: dict[str, Any]) -> tuple[str, str]:
    metadata = row["metadata"]
    return metadata["prompt_key"], metadata["cluster_key"] or metadata["prompt_key"]


def _new_metadata(file: Path, known: frozenset[str]) -> list[dict[str, Any]]:
    """Metadata of the rows with a good answer whose prompt and cluster are not `known`; texts are not read."""
    table = pq.read_table(file, columns=["metadata"])
    seen = pa.array(sorted(known), pa.string())
    prompt, cluster, reward = (
        pc.struct_field(table["metadata"], name) for name in ("prompt_key", "cluster_key", "reward")
    )
    old = pc.or_(pc.is_in(prompt, seen), pc.is_in(pc.coalesce(cluster, prompt), seen))
    rows: list[dict[str, Any]] = table.filter(
        pc.and_(pc.invert(old), pc.greater_equal(reward, MIN_REFERENCE_REWARD))
    ).to_pylist()
    return rows


def _rows_of(file: Path, prompts: Sequence[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(
        file,
        columns=["messages", "metadata"],
        filters=pc.field("metadata", "prompt_key").isin(prompts)
        & (pc.field("metadata", "reward") >= MIN_REFERENCE_REWARD),
    ).to_pylist()
    return rows


def learned_keys(home: Home, adapter: Adapter) -> set[str]:
    """Prompt and cluster keys of every row that the adapter, or one that it continues, may have seen."""
    keys: set[str] = set()
    for folder in _training_sets(home, adapter):
        for split in TRAINING_SPLITS:
            keys |= {key for pair in split_keys(folder, split) for key in pair if key}
    return keys


def _training_sets(home: Home, adapter: Adapter) -> Iterator[Path]:
    """The dataset of each training on the way from the base to the adapter."""
    folder: Path | None = adapter.folder
    while folder is not None:
        manifest, kinds = read_manifest(folder), folder.parent.parent
        yield _unchanged(home, manifest.dataset.name, manifest.dataset.day, manifest.dataset.sha256)
        if manifest.parent is None:
            return
        folder = next(kinds.glob(f"*/{manifest.parent.inputs_hash}"), None)
        if folder is None:
            raise RowsGoneError(f"the adapter {manifest.parent.inputs_hash[:8]}, which was continued, is gone")


def _unchanged(home: Home, name: str, day: str, sha256: str) -> Path:
    folder = home.datasets(name, day)
    manifest = read_dataset_manifest(folder)
    if manifest is None or manifest.sha256 != sha256:
        raise RowsGoneError(f"{name} of {day} was rebuilt since an adapter was trained on it")
    return folder
