"""Rows of a published dataset in the form that trainers take: those that fit, and how many were dropped and why."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rl_assets.recipes.recipe import Recipe, matches_filters
from rl_assets.training.errors import NotEnoughRows, UntrainableRows

Message = dict[str, str]
Row = dict[str, Any]

SIDES = ("completion", "chosen", "rejected")


@dataclass
class TrainingRows:
    """Rows to train on with their ids, how many were dropped for which reason, and how many prompts lost old turns.

    `tokens` holds, for rows that are trained on as token ids, an array for each side of a row, its prompt included.
    """

    rows: list[Row] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    cut: int = 0
    tokens: list[list[Any]] = field(default_factory=list)

    def counts(self) -> dict[str, Any]:
        """What the adapter's manifest says of them."""
        return {"used": len(self.rows), "dropped": dict(sorted(self.dropped.items())), "cut": self.cut}


def sft_rows(dataset: Path, recipe: Recipe, tokenizer: Any) -> TrainingRows:
    """{prompt, completion} rows of the recipe's segment: the last answer is the completion. May raise NotEnoughRows."""
    kept = TrainingRows()
    for record in read_split(dataset, ["messages"], recipe, kept):
        *prompt, answer = record["messages"]
        _add_with_tokens(kept, recipe, tokenizer, {"prompt": prompt, "completion": [answer]}, record["id"])
    return require_min_rows(kept, recipe.min_rows_sft, dataset, recipe)


def pair_rows(dataset: Path, recipe: Recipe, tokenizer: Any, needed: int, split: str = "train") -> TrainingRows:
    """{prompt, chosen, rejected} rows of the recipe's segment whose sides differ as tokens. May raise NotEnoughRows."""
    kept = TrainingRows()
    sides = ("prompt", "chosen", "rejected")
    for record in read_split(dataset, list(sides), recipe, kept, split):
        _add_with_tokens(kept, recipe, tokenizer, {name: record[name] for name in sides}, record["id"])
    return require_min_rows(kept, needed, dataset, recipe)


def kto_rows(dataset: Path, recipe: Recipe, tokenizer: Any) -> TrainingRows:
    """{prompt, completion, label} rows of the recipe's segment, of both labels. NotEnoughRows, UntrainableRows."""
    kept = TrainingRows()
    columns = ["prompt", "completion", "label"]
    for record in read_split(dataset, columns, recipe, kept):
        add_if_it_fits(kept, recipe, tokenizer, {name: record[name] for name in columns}, record["id"])
    require_min_rows(kept, recipe.min_rows_kto, dataset, recipe)
    labels = {row["label"] for row in kept.rows}
    if len(labels) < 2:
        raise UntrainableRows(
            f"All {len(kept.rows)} usable rows of {dataset} are {'good' if labels == {True} else 'bad'}: "
            "learning from single answers needs both kinds; lower good_from or raise bad_to of kto_dataset."
        )
    return kept


def read_split(
    dataset: Path, columns: list[str], recipe: Recipe, kept: TrainingRows, split: str = "train"
) -> Iterator[dict[str, Any]]:
    """Records of the recipe's segment with these columns and an `id`: the row's interaction, or its index in the file.

    Others are counted in `kept` as dropped.
    """
    from pyarrow import parquet

    records = parquet.read_table(dataset / f"{split}.parquet", columns=[*columns, "metadata"]).to_pylist()
    for index, record in enumerate(records):
        if matches_filters(record["metadata"], recipe):
            yield record | {"id": record["metadata"].get("interaction_id") or f"{split} row {index}"}
        else:
            kept.dropped["of other segments"] += 1


def describe_filters(recipe: Recipe) -> list[str]:
    """The recipe's filters in words: segment 'docs'."""
    filters = {"segment": [recipe.segment or ""], "agents": recipe.agents, "categories": recipe.categories}
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
    tokens = [_tokens(tokenizer, row["prompt"] + side) for side in sides]
    if any(not message["content"].strip() for side in sides for message in side):
        kept.dropped["with an empty answer"] += 1
        return None
    if len(tokens) == 2 and tokens[0] == tokens[1]:
        kept.dropped["with equal sides"] += 1
        return None
    fitting = _truncate_prompt(recipe, tokenizer, row["prompt"], sides, tokens)
    if fitting is None:
        kept.dropped["too long"] += 1
        return None
    prompt, tokens = fitting
    kept.cut += len(prompt) < len(row["prompt"])
    kept.rows.append(row | {"prompt": prompt})
    kept.ids.append(identity)
    return tokens


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
    """The rows themselves; NotEnoughRows if there are fewer than `needed`."""
    if len(kept.rows) < needed:
        where = f"{dataset / 'train.parquet'}" + "".join(f", {name}," for name in describe_filters(recipe))
        raise NotEnoughRows(len(kept.rows), needed, where, dict(kept.dropped))
    return kept
