"""Rows of a published dataset in the form that trainers take: those that fit, and how many were dropped and why."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rl_assets.core.blank import is_empty_answer
from rl_assets.core.files import sha256_json, sha256_text
from rl_assets.models.chat_template import (
    ESCAPED,
    FAULTS,
    MERGED,
    PROMPT_MISMATCH,
    escapes,
    has_control_tokens,
    merges_system,
    row_fault,
)
from rl_assets.recipes.recipe import FILTERS, Recipe, matches_filters
from rl_assets.tables.dataset_manifest import read_manifest
from rl_assets.training.errors import (
    OF_OTHER_HALF,
    OF_OTHER_SEGMENTS,
    REMEDIES,
    TOO_LONG,
    NotEnoughRows,
    UntrainableRows,
)

Message = dict[str, str]
Row = dict[str, Any]
Half = Literal["first", "second"]

SIDES = ("completion", "chosen", "rejected")
HELD_OUT = ("validation", "test")


@dataclass
class TrainingRows:
    """Rows to train on with their ids, how many were dropped for which reason, and how many prompts lost old turns.

    `adapted` counts rows that are kept although the chat template does not serve them as they are, by what was done.
    `tokens` holds, for rows that are trained on as token ids, an array for each side of a row, its prompt included.
    """

    rows: list[Row] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    cut: int = 0
    tokens: list[list[Any]] = field(default_factory=list)
    adapted: Counter[str] = field(default_factory=Counter)

    def counts(self) -> dict[str, Any]:
        """What the adapter's manifest says of them."""
        adapted = {"adapted": dict(sorted(self.adapted.items()))} if self.adapted else {}
        return {"used": len(self.rows), "dropped": dict(sorted(self.dropped.items())), "cut": self.cut} | adapted


def sft_rows(dataset: Path, recipe: Recipe, tokenizer: Any) -> TrainingRows:
    """{prompt, completion} rows of the recipe's segment: the last answer is the completion. May raise NotEnoughRows."""
    return require_min_rows(read_sft_rows(dataset, recipe, tokenizer), recipe.min_rows_sft, dataset, recipe)


def read_sft_rows(dataset: Path, recipe: Recipe, tokenizer: Any, every: int = 1) -> TrainingRows:
    """`sft_rows` without a minimum, or of each `every`th row alone."""
    kept = TrainingRows()
    for record in read_split(dataset, ["messages"], recipe, kept, every=every):
        *prompt, answer = record["messages"]
        _add_with_tokens(kept, recipe, tokenizer, {"prompt": prompt, "completion": [answer]}, record["id"])
    return kept


def pair_rows(dataset: Path, recipe: Recipe, tokenizer: Any, needed: int, half: Half | None = None) -> TrainingRows:
    """{prompt, chosen, rejected} rows of the recipe's segment whose sides differ as tokens. May raise NotEnoughRows."""
    return require_min_rows(read_pair_rows(dataset, recipe, tokenizer, half=half), needed, dataset, recipe)


def read_pair_rows(
    dataset: Path, recipe: Recipe, tokenizer: Any, split: str = "train", every: int = 1, half: Half | None = None
) -> TrainingRows:
    """`pair_rows` of any split without a minimum, or of each `every`th row alone, or of one half of the clusters."""
    kept = TrainingRows()
    sides = ("prompt", "chosen", "rejected")
    for record in read_split(dataset, list(sides), recipe, kept, split, every):
        if half is not None and half_of(record) != half:
            kept.dropped[OF_OTHER_HALF] += 1
            continue
        _add_with_tokens(kept, recipe, tokenizer, {name: record[name] for name in sides}, record["id"])
    return kept


def half_of(record: dict[str, Any]) -> Half:
    """The half of a pair: a hash of its cluster of prompts, so near duplicates are in one half."""
    metadata = record["metadata"]
    cluster = metadata.get("cluster_key") or metadata.get("prompt_key") or sha256_json(record["prompt"])
    return "first" if int(sha256_text(cluster)[-1], 16) % 2 == 0 else "second"


def kto_rows(dataset: Path, recipe: Recipe, tokenizer: Any) -> TrainingRows:
    """{prompt, completion, label} rows of the recipe's segment, of both labels. NotEnoughRows, UntrainableRows."""
    kept = require_min_rows(read_kto_rows(dataset, recipe, tokenizer), recipe.min_rows_kto, dataset, recipe)
    require_both_labels(kept, dataset)
    return kept


def read_kto_rows(dataset: Path, recipe: Recipe, tokenizer: Any, every: int = 1) -> TrainingRows:
    """`kto_rows` without a minimum, or of each `every`th row alone."""
    kept = TrainingRows()
    columns = ["prompt", "completion", "label"]
    for record in read_split(dataset, columns, recipe, kept, every=every):
        add_if_it_fits(kept, recipe, tokenizer, {name: record[name] for name in columns}, record["id"])
    return kept


def require_both_labels(kept: TrainingRows, dataset: Path) -> None:
    """Raise UntrainableRows if all rows are good, or all are bad."""
    labels = {row["label"] for row in kept.rows}
    if len(labels) < 2:
        raise UntrainableRows(
            f"All {len(kept.rows)} usable rows of {dataset} are {'good' if labels == {True} else 'bad'}: "
            "learning from single answers needs both kinds; lower good_from or raise bad_to of kto_dataset."
        )


def read_split(
    dataset: Path, columns: list[str], recipe: Recipe, kept: TrainingRows, split: str = "train", every: int = 1
) -> Iterator[dict[str, Any]]:
    """Records of the recipe's segment with these columns and an `id`: the row's interaction, or its index in the file.

    Others are counted in `kept` as dropped. Of each `every` rows only the first is read.
    """
    from pyarrow import parquet

    index = 0
    with parquet.ParquetFile(dataset / f"{split}.parquet") as file:
        for batch in file.iter_batches(columns=[*columns, "metadata"]):
            chosen = range(-index % every, len(batch), every)
            for at, record in zip(chosen, batch.take(list(chosen)).to_pylist(), strict=True):
                if matches_filters(record["metadata"], recipe):
                    identity = record["metadata"].get("interaction_id") or f"{split} row {index + at}"
                    yield record | {"id": identity}
                else:
                    kept.dropped[OF_OTHER_SEGMENTS] += 1
            index += len(batch)


def describe_filters(recipe: Recipe) -> list[str]:
    """The recipe's filters in words: segment 'docs'."""
    filters = {name: getattr(recipe, name) for name in FILTERS} | {"segment": [recipe.segment or ""]}
    return [f"{name} {', '.join(values)!r}" for name, values in filters.items() if any(values)]


def _add_with_tokens(kept: TrainingRows, recipe: Recipe, tokenizer: Any, row: Row, identity: str) -> None:
    """Keep the row with its tokens, in four bytes each, or count why not."""
    import numpy as np

    if sides := add_if_it_fits(kept, recipe, tokenizer, row, identity):
        kept.tokens.append([np.array(side, np.int32) for side in sides])


def add_if_it_fits(
    kept: TrainingRows, recipe: Recipe, tokenizer: Any, row: Row, identity: str
) -> list[list[int]] | None:
    """Keep the row, and return its tokens by side, or count why not. The tokens are those that the trainer sees."""
    sides = [row[name] for name in SIDES if name in row]
    if any(is_empty_answer(message["content"]) for side in sides for message in side):
        kept.dropped["with an empty answer"] += 1
        return None
    fault = row_fault(tokenizer, row["prompt"], sides)
    if fault and (fault != PROMPT_MISMATCH or recipe.chat_template.on_prompt_mismatch == "drop"):
        kept.dropped[fault] += 1
        return None
    tokens = [_tokens(tokenizer, row["prompt"] + side) for side in sides]
    if len(tokens) == 2 and tokens[0] == tokens[1]:
        kept.dropped["with equal sides"] += 1
        return None
    fitting = _truncate_prompt(recipe, tokenizer, row["prompt"], sides, tokens)
    if fitting is None:
        kept.dropped[TOO_LONG] += 1
        return None
    prompt, tokens = fitting
    kept.cut += len(prompt) < len(row["prompt"])
    kept.adapted.update([*_changes(tokenizer, prompt, sides), *([fault] if fault else [])])
    kept.rows.append(row | {"prompt": prompt})
    kept.ids.append(identity)
    return tokens


def _changes(tokenizer: Any, prompt: list[Message], sides: list[list[Message]]) -> Iterator[str]:
    """What the recipe's rules change of a row, as `adapted` counts it."""
    if merges_system(tokenizer) and prompt[0]["role"] == "system":
        yield MERGED
    if escapes(tokenizer) and has_control_tokens(tokenizer, [*prompt, *(turn for side in sides for turn in side)]):
        yield ESCAPED


def _truncate_prompt(
    recipe: Recipe, tokenizer: Any, prompt: list[Message], sides: list[list[Message]], tokens: list[list[int]]
) -> tuple[list[Message], list[list[int]]] | None:
    """The prompt if it fits with the longest side, and the tokens of both; by "cut" without its oldest exchanges; None
    if it cannot fit.
    """
    system = [message for message in prompt[:1] if message["role"] == "system"]
    turns = prompt[len(system) :]
    while max(map(len, tokens)) > recipe.max_length:
        if recipe.on_overlong == "drop" or len(turns) < 3:
            return None
        turns = turns[2:]
        tokens = [_tokens(tokenizer, system + turns + side) for side in sides]
    return system + turns, tokens


def _tokens(tokenizer: Any, conversation: list[Message]) -> list[int]:
    ids: list[int] = tokenizer.apply_chat_template(conversation, return_dict=True)["input_ids"]
    return ids


def require_min_rows(kept: TrainingRows, needed: int, dataset: Path, recipe: Recipe) -> TrainingRows:
    """The rows themselves; NotEnoughRows if there are fewer than `needed`.

    UntrainableRows if there would be enough, and the chat template serves none of them.
    """
    unserved = {reason: kept.dropped[reason] for reason in FAULTS if kept.dropped[reason]}
    if not kept.rows and sum(unserved.values()) >= needed:
        raise UntrainableRows(
            f"None of the {sum(unserved.values())} rows of {dataset.parent.name} of {dataset.name} can be trained on "
            f"as the base model's chat template serves them: {listed(unserved)}. "
            + " ".join(REMEDIES[reason] for reason in unserved)
        )
    if len(kept.rows) < needed:
        raise not_enough_rows(len(kept.rows), needed, dict(kept.dropped), dataset, recipe)
    return kept


def listed(counts: dict[str, int]) -> str:
    """The counts in words: 3 too long, 1 with an empty answer."""
    return ", ".join(f"{count} {reason}" for reason, count in counts.items())


def not_enough_rows(usable: int, needed: int, dropped: dict[str, int], dataset: Path, recipe: Recipe) -> NotEnoughRows:
    """The error with its cause: rows that were dropped, or answers that no row was made of."""
    where = f"{dataset.parent.name} of {dataset.name}" + "".join(f", {name}," for name in describe_filters(recipe))
    manifest = read_manifest(dataset)
    outcomes = manifest.answer_outcomes if manifest else None
    answers = outcomes and {reason: count for reason, count in outcomes.items() if reason != "selected"}
    held_out = sum(manifest.rows.get(split, 0) for split in HELD_OUT) if manifest else 0
    if dropped.get(TOO_LONG):
        where += f" (max_length {recipe.max_length})"
    return NotEnoughRows(usable, needed, where, dropped, answers, held_out)


def not_enough_held_out(pairs: int, recipe: Recipe, dataset: Path) -> NotEnoughRows:
    """The error of a reward model that could not be measured."""
    where = f"{dataset.parent.name} of {dataset.name}, held out,"
    return NotEnoughRows(pairs, recipe.reward.min_held_out, where, {})
