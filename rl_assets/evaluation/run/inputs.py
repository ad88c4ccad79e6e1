"""What an evaluation is made from besides models: held-out items and pairs, benchmarks, the log, prices.

Items come from the test splits of the datasets. None of their prompts, and none of a benchmark, may be in a training
split: `EvalInputs.contaminated` names those that are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from rl_assets.core.chat import Message
from rl_assets.core.files import sha256_json
from rl_assets.core.identity import prompt_key
from rl_assets.evaluation.online.conversations import Conversation
from rl_assets.evaluation.schema.report import Production
from rl_assets.llm.prices import SHIPPED, PriceTable, read_prices
from rl_assets.metrics.text import exact_match
from rl_assets.metrics.verifiers import Verifier, inferred
from rl_assets.recipes.recipe import DeclaredMetric

RowFilter = Callable[[dict[str, Any]], bool]
TRAINING_SPLITS = ("train", "validation")
MIN_REFERENCE_REWARD = 0.9


@dataclass(frozen=True)
class Item:
    """One held-out prompt and every known good answer to it; a metric takes its best reference.

    `rejected` are answers that held-out pairs reject. `agent` gave the reference. `verifier` says whether an answer
    solves the task, if a rule can; only an item with a `schema` may have no references. `near` names the cluster of
    near-duplicate prompts.
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
    near: str | None = None

    @property
    def counted_as(self) -> str:
        """The cluster of near-duplicate prompts, which counts once in an epoch."""
        return self.near or self.cluster


@dataclass(frozen=True)
class Pair:
    """One held-out preference: two answers to one prompt the first of which is preferred; `human` if people did.

    `near` names the cluster of near-duplicate prompts.
    """

    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    cluster: str
    segment: str | None
    category: str | None
    human: bool = True
    near: str | None = None

    @property
    def counted_as(self) -> str:
        """The cluster of near-duplicate prompts, which counts once in an epoch."""
        return self.near or self.cluster


@dataclass(frozen=True)
class Agreement:
    """Held-out clusters with two good logged answers to one prompt, and how many of them agree."""

    clusters: int = 0
    agreeing: int = 0


@dataclass(frozen=True)
class Benchmark:
    """One file of the benchmarks folder: its name without ending, its hash, and its items in the order of the lines."""

    name: str
    sha256: str
    items: list[Item]


def read_split(folder: Path, split: str, columns: list[str] | None = None) -> list[dict[str, Any]]:
    """Rows of `<folder>/<split>.parquet`; a published dataset has all three, if only as empty files."""
    path = folder / f"{split}.parquet"
    if not path.is_file():
        raise FileNotFoundError(f"no {split} split at {path}: materialize the dataset of that day first")
    rows: list[dict[str, Any]] = pq.read_table(path, columns=columns).to_pylist()
    return rows


def every_row(metadata: dict[str, Any]) -> bool:
    """The filter that keeps all rows."""
    return True


def selected(row: dict[str, Any], segment: str | None, row_filter: RowFilter) -> bool:
    """Whether a row is of the segment and passes the filter."""
    return (segment is None or row["metadata"]["segment"] == segment) and row_filter(row["metadata"])


def _messages(raw: list[dict[str, Any]]) -> tuple[Message, ...]:
    return tuple({"role": message["role"], "content": message["content"]} for message in raw)


def held_out_answers(
    sft_folder: Path,
    segment: str | None,
    min_reference_reward: float = MIN_REFERENCE_REWARD,
    row_filter: RowFilter = every_row,
) -> list[Item]:
    """Items of the SFT dataset's test rows whose answer earned at least `min_reference_reward` (0 to 1)."""
    return items_of(
        row
        for row in read_split(sft_folder, "test")
        if selected(row, segment, row_filter) and row["metadata"]["reward"] >= min_reference_reward
    )


def items_of(rows: Iterable[dict[str, Any]]) -> list[Item]:
    """Rows with one and the same prompt become one item with several references, so no prompt is generated for twice.

    Sorted by prompt content, so that the order never depends on the files.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
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
        near=metadata["cluster_key"],
    )


def held_out_pairs(dpo_folder: Path, segment: str | None, row_filter: RowFilter = every_row) -> list[Pair]:
    """Test rows of the DPO dataset, sorted by content."""
    rows = [row for row in read_split(dpo_folder, "test") if selected(row, segment, row_filter)]
    return sorted((_pair(row) for row in rows), key=lambda pair: (pair.cluster, pair.chosen, pair.rejected))


def _pair(row: dict[str, Any]) -> Pair:
    return Pair(
        prompt=_messages(row["prompt"]),
        chosen=row["chosen"][-1]["content"],
        rejected=row["rejected"][-1]["content"],
        cluster=row["metadata"]["prompt_key"],
        segment=row["metadata"]["segment"],
        category=row["metadata"]["category"],
        human=row["metadata"].get("reward_source") == "human",
        near=row["metadata"]["cluster_key"],
    )


def with_rejected(items: Sequence[Item], pairs: Sequence[Pair]) -> list[Item]:
    """The items with the answers to their prompts that held-out pairs reject, except those that match a reference."""
    rejected: dict[str, set[str]] = {}
    for pair in pairs:
        rejected.setdefault(pair.cluster, set()).add(pair.rejected)
    return [
        replace(
            item, rejected=tuple(text for text in sorted(rejected.get(item.cluster, ())) if not _is_good(text, item))
        )
        for item in items
    ]


def _is_good(text: str, item: Item) -> bool:
    return bool(item.references and exact_match(text, item.references))


def split_keys(folder: Path, split: str) -> set[tuple[str, str | None]]:
    """Prompt key and cluster key of a split's rows."""
    rows = (row["metadata"] for row in read_split(folder, split, ["metadata"]))
    return {(row["prompt_key"], row["cluster_key"]) for row in rows}


def contaminated_prompts(folders: Sequence[Path], more: Sequence[Path] = ()) -> list[str]:
    """Prompt keys of the test splits in `folders` that, or a near-duplicate of which, any training split holds, sorted.

    Must be empty: an answer seen in training says nothing about the model. Near-duplicates share a cluster key.
    Training splits are those of `folders` and of `more`, of all segments.
    """
    held_out = {keys for folder in folders for keys in split_keys(folder, "test")}
    trained_on = {
        keys for folder in (*folders, *more) for split in TRAINING_SPLITS for keys in split_keys(folder, split)
    }
    seen = {key for keys in trained_on for key in keys if key is not None}
    return sorted(prompt for prompt, cluster in held_out if {prompt, cluster} & seen)


def conversation_key(prompt: Sequence[Message]) -> str:
    """The key of a prompt; two that differ in nothing but case, spaces and final punctuation share it."""
    return prompt_key([turn["role"] for turn in prompt], [turn["content"] for turn in prompt], None, None)


def contaminated_benchmarks(benchmarks: Sequence[Benchmark], folders: Sequence[Path]) -> list[str]:
    """Benchmark prompts that a training split holds, as "name: prompt key"; training texts are streamed."""
    names = {conversation_key(item.prompt): benchmark.name for benchmark in benchmarks for item in benchmark.items}
    if not names:
        return []
    seen: set[str] = set()
    for folder in folders:
        for split in TRAINING_SPLITS:
            seen |= {key for key in _conversations(folder / f"{split}.parquet") if key in names}
    return sorted(f"{names[key]}: {key}" for key in seen)


def _conversations(path: Path) -> Iterator[str]:
    """Keys of the prompts in a split: `messages` end with the answer, `prompt` does not."""
    file = pq.ParquetFile(path)
    column, answers = ("messages", 1) if "messages" in file.schema_arrow.names else ("prompt", 0)
    for batch in file.iter_batches(10_000, columns=[column]):
        for messages in batch.column(column).to_pylist():
            yield conversation_key(messages[: len(messages) - answers])


def _shipped_prices() -> PriceTable:
    return read_prices(SHIPPED)


@dataclass(frozen=True)
class EvalInputs:
    """Where the prompts come from, and what a report states alongside the answers to them.

    The items are the rows of the test splits of `sft_folder` and `dpo_folder` that belong to the segment and pass
    `row_filter` (on their metadata); `rows` says what both keep, and `name` is that of the declared segment, None for
    the product. `trained_on` are further datasets that adapters of the day may have seen. `declared` is the metric that
    the recipe wants to decide. `agreement` says how often two good logged answers to one held-out prompt agree.
    `conversations` are those of the log that drew an arm.
    """

    sft_folder: Path
    dpo_folder: Path
    trained_on: Sequence[Path] = ()
    segment: str | None = None
    row_filter: RowFilter = every_row
    rows: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    declared: DeclaredMetric = "auto"
    agreement: Agreement = field(default_factory=Agreement)
    benchmarks: Sequence[Benchmark] = ()
    conversations: Sequence[Conversation] = ()
    production: Production = field(default_factory=Production)
    prices: PriceTable = field(default_factory=_shipped_prices)

    @property
    def held_out_folders(self) -> tuple[Path, Path]:
        """The datasets whose test splits hold the items and pairs."""
        return self.sft_folder, self.dpo_folder

    def held_out(self) -> tuple[list[Item], list[Pair]]:
        """Items and preference pairs of the test splits."""
        pairs = held_out_pairs(self.dpo_folder, self.segment, self.row_filter)
        answers = held_out_answers(self.sft_folder, self.segment, row_filter=self.row_filter)
        return with_rejected(answers, pairs), pairs

    def contaminated(self) -> list[str]:
        """Held-out and benchmark prompts that a training split holds."""
        folders = [*self.held_out_folders, *self.trained_on]
        held_out = contaminated_prompts(self.held_out_folders, self.trained_on)
        return held_out + contaminated_benchmarks(self.benchmarks, folders)
