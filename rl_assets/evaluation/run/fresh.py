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
from rl_assets.lake.delta import Lake
from rl_assets.models.adapters import Adapter, read_manifest
from rl_assets.tables.dataset_manifest import read_manifest as read_dataset_manifest
from rl_assets.tables.features import PROMPT_CLUSTERS

MAX_FRESH = 200


class RowsGoneError(Exception):
    """The rows that an adapter was trained on are no longer there, so nothing is known to be new to it."""


def fresh_items(inputs: EvalInputs, known: frozenset[str], limit: int = MAX_FRESH) -> list[Item]:
    """Prompts with a good answer that are not `known`, of at most `limit` clusters by the hash of their names.

    `known` are keys of prompts and of clusters that a compared model has learned, or that the epoch has counted.
    """
    files = [inputs.sft_folder / f"{split}.parquet" for split in TRAINING_SPLITS]
    new = [
        row for file in files for row in _new_metadata(file, known) if selected(row, inputs.segment, inputs.row_filter)
    ]
    clusters = {row["metadata"]["cluster_key"] or row["metadata"]["prompt_key"] for row in new}
    kept = set(sorted(clusters, key=sha256_text)[:limit])
    prompts = [key for key, cluster in map(_keys, new) if cluster in kept]
    return items_of(row for file in files for row in _rows_of(file, prompts))


def with_clusters_of_tonight(home: Home, keys: frozenset[str]) -> frozenset[str]:
    """The keys, and the clusters in which those prompts are tonight.

    A day that is read late assigns later prompts again: what was learned under one name may be another cluster now. The
    name of a cluster is the key of a prompt in it, so clusters are followed too.
    """
    lake = Lake(home.lake_url)
    rows = lake.read(PROMPT_CLUSTERS, lake.keys(PROMPT_CLUSTERS))
    named = pc.field("prompt_key").isin(pa.array(sorted(keys), pa.string()))
    clusters = rows.to_table(columns=["cluster_key"], filter=named)["cluster_key"].drop_null()
    return keys.union(clusters.to_pylist())


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


def learned_keys(home: Home, adapters: Iterable[Adapter]) -> frozenset[str]:
    """Prompt and cluster keys of every row that the adapters, or those that they continue, may have seen.

    Raises RowsGoneError if a dataset that one of them was trained on was rebuilt since.
    """
    folders = {folder for adapter in adapters for folder in _training_sets(home, adapter)}
    pairs = (pair for folder in folders for split in TRAINING_SPLITS for pair in split_keys(folder, split))
    return with_clusters_of_tonight(home, frozenset(key for pair in pairs for key in pair if key))


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
