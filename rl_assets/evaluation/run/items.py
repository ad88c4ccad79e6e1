"""Held-out items: what every model is asked, from the datasets' test splits, and the leak check."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from rl_assets.core.chat import Message
from rl_assets.core.files import sha256_json
from rl_assets.metrics.text import exact_match
from rl_assets.metrics.verifiers import Verifier, inferred

RowFilter = Callable[[dict[str, Any]], bool]
TRAINING_SPLITS = ("train", "validation")


@dataclass(frozen=True)
class Item:
    """One held-out prompt and every known good answer to it; a metric takes its best reference.

    `rejected` are answers that were found worse. `agent` gave the reference. `verifier` says whether an answer solves
    the task, where a rule can; only an item with a `schema` may be without references.
    """

    prompt: tuple[Message, ...]
    references: tuple[str, ...]
    cluster: str
    segment: str | None
    category: str | None
    agent: str | None = None
    verifier: Verifier | None = None
    schema: dict[str, Any] | None = None
    rejected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pair:
    """One held-out preference: two answers to one prompt of which the first was judged better."""

    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    cluster: str
    segment: str | None
    category: str | None


def read_split(folder: Path, split: str, columns: list[str] | None = None) -> list[dict[str, Any]]:
    """Rows of `<folder>/<split>.parquet`; a published dataset has all three, if only as empty files."""
    path = folder / f"{split}.parquet"
    if not path.is_file():
        raise FileNotFoundError(f"no {split} split at {path}: materialize the dataset of that day first")
    return pq.read_table(path, columns=columns).to_pylist()


def every_row(metadata: dict[str, Any]) -> bool:
    """The filter that keeps all rows."""
    return True


def _wanted(row: dict[str, Any], segment: str | None, among: RowFilter) -> bool:
    return (segment is None or row["metadata"]["segment"] == segment) and among(row["metadata"])


def _messages(raw: list[dict[str, Any]]) -> tuple[Message, ...]:
    return tuple({"role": message["role"], "content": message["content"]} for message in raw)


def held_out_answers(
    sft_folder: Path, segment: str | None, min_reference_reward: float = 0.9, among: RowFilter = every_row
) -> list[Item]:
    """Test rows of the SFT dataset whose answer earned at least `min_reference_reward` (0 to 1).

    Rows with one and the same prompt become one item with several references, so nothing is asked twice.
    Sorted by prompt content, so that the order never depends on the files.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in read_split(sft_folder, "test"):
        if _wanted(row, segment, among) and row["metadata"]["reward"] >= min_reference_reward:
            groups.setdefault(sha256_json(_messages(row["messages"][:-1])), []).append(row)
    return [_item(groups[key]) for key in sorted(groups)]


def _item(rows: list[dict[str, Any]]) -> Item:
    metadata = rows[0]["metadata"]
    references = tuple(sorted({row["messages"][-1]["content"] for row in rows}))
    return Item(
        prompt=_messages(rows[0]["messages"][:-1]),
        references=references,
        cluster=metadata["prompt_key"],
        segment=metadata["segment"],
        category=metadata["category"],
        agent=metadata["agent"],
        verifier=inferred(references),
    )


def held_out_pairs(dpo_folder: Path, segment: str | None, among: RowFilter = every_row) -> list[Pair]:
    """Test rows of the DPO dataset, sorted by content."""
    rows = [row for row in read_split(dpo_folder, "test") if _wanted(row, segment, among)]
    return sorted((_pair(row) for row in rows), key=lambda pair: (pair.cluster, pair.chosen, pair.rejected))


def _pair(row: dict[str, Any]) -> Pair:
    return Pair(
        prompt=_messages(row["prompt"]),
        chosen=row["chosen"][-1]["content"],
        rejected=row["rejected"][-1]["content"],
        cluster=row["metadata"]["prompt_key"],
        segment=row["metadata"]["segment"],
        category=row["metadata"]["category"],
    )


def with_rejected(items: Sequence[Item], pairs: Sequence[Pair]) -> list[Item]:
    """The items with the answers to their prompts that held-out pairs reject, but for those that match a reference."""
    worse: dict[str, set[str]] = {}
    for pair in pairs:
        worse.setdefault(pair.cluster, set()).add(pair.rejected)
    return [
        replace(item, rejected=tuple(text for text in sorted(worse.get(item.cluster, ())) if not _is_good(text, item)))
        for item in items
    ]


def _is_good(text: str, item: Item) -> bool:
    return bool(item.references and exact_match(text, item.references))


def _keys(folder: Path, split: str) -> set[tuple[str, str | None]]:
    rows = (row["metadata"] for row in read_split(folder, split, ["metadata"]))
    return {(row["prompt_key"], row["cluster_key"]) for row in rows}


def leaked_keys(folders: Sequence[Path], more: Sequence[Path] = ()) -> list[str]:
    """Prompt keys of the test splits in `folders` that, or a near-duplicate of which, any training split holds, sorted.

    Must be empty: an answer seen in training says nothing about the model. Near-duplicates share a cluster key.
    Training splits are those of `folders` and of `more`; looks at all segments.
    """
    held_out = {keys for folder in folders for keys in _keys(folder, "test")}
    trained_on = {keys for folder in (*folders, *more) for split in TRAINING_SPLITS for keys in _keys(folder, split)}
    seen = {key for keys in trained_on for key in keys if key is not None}
    return sorted(prompt for prompt, cluster in held_out if {prompt, cluster} & seen)
