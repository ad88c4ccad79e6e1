"""Rows of a published dataset in the form that the trainers take, those that fit, and how many were left out."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rl_assets.recipes.recipe import Recipe

Message = dict[str, str]
Row = dict[str, Any]

SIDES = ("completion", "chosen", "rejected")


class NotEnoughRows(ValueError):
    """Fewer usable rows than the recipe asks for; nothing was trained."""

    def __init__(self, found: int, needed: int, where: str, dropped: dict[str, int]):
        self.found, self.needed, self.where, self.dropped = found, needed, where, dropped
        lost = f" ({', '.join(f'{count} {reason}' for reason, count in dropped.items())})" if dropped else ""
        super().__init__(
            f"{where} has {found} usable rows{lost}, training needs {needed}: "
            "wait for more feedback, widen the window, or lower the recipe's min_rows."
        )

    def figures(self) -> dict[str, Any]:
        """What another process needs to raise the same."""
        return {name: getattr(self, name) for name in ("found", "needed", "where", "dropped")}


class UntrainableRows(ValueError):
    """Rows whose loss mask is empty or leaves out the end of the turn, or that are all of one kind."""


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
        return {"used": len(self.rows), "dropped": dict(sorted(self.dropped.items())), "cut": self.cut}


def sft_rows(dataset: Path, recipe: Recipe, tokenizer: Any) -> TrainingRows:
    """{prompt, completion} rows of the recipe's segment: the last answer is the completion. May raise NotEnoughRows."""
    taken = TrainingRows()
    for record in read_split(dataset, ["messages"], recipe, taken):
        *prompt, answer = record["messages"]
        _take_tokens(taken, recipe, tokenizer, {"prompt": prompt, "completion": [answer]}, record["id"])
    return enough(taken, recipe.min_rows_sft, dataset, recipe)


def pair_rows(dataset: Path, recipe: Recipe, tokenizer: Any, needed: int, split: str = "train") -> TrainingRows:
    """{prompt, chosen, rejected} rows of the recipe's segment whose sides differ as tokens. May raise NotEnoughRows."""
    taken = TrainingRows()
    sides = ("prompt", "chosen", "rejected")
    for record in read_split(dataset, list(sides), recipe, taken, split):
        _take_tokens(taken, recipe, tokenizer, {name: record[name] for name in sides}, record["id"])
    return enough(taken, needed, dataset, recipe)


def kto_rows(dataset: Path, recipe: Recipe, tokenizer: Any) -> TrainingRows:
    """{prompt, completion, label} rows of the recipe's segment, of both labels. NotEnoughRows, UntrainableRows."""
    taken = TrainingRows()
    columns = ["prompt", "completion", "label"]
    for record in read_split(dataset, columns, recipe, taken):
        take(taken, recipe, tokenizer, {name: record[name] for name in columns}, record["id"])
    enough(taken, recipe.min_rows_kto, dataset, recipe)
    labels = {row["label"] for row in taken.rows}
    if len(labels) < 2:
        raise UntrainableRows(
            f"All {len(taken.rows)} usable rows of {dataset} are {'good' if labels == {True} else 'bad'}: "
            "learning from single answers needs both kinds; lower good_from or raise bad_to of kto_dataset."
        )
    return taken


def read_split(
    dataset: Path, columns: list[str], recipe: Recipe, taken: TrainingRows, split: str = "train"
) -> Iterator[dict[str, Any]]:
    """Records of the recipe's slice with these columns and an `id`: the row's interaction, or its place in the file."""
    from pyarrow import parquet

    records = parquet.read_table(dataset / f"{split}.parquet", columns=[*columns, "metadata"]).to_pylist()
    for place, record in enumerate(records):
        if in_slice(record["metadata"], recipe):
            yield record | {"id": record["metadata"].get("interaction_id") or f"{split} row {place}"}
        else:
            taken.dropped["of other segments"] += 1


def in_slice(metadata: dict[str, Any], recipe: Recipe) -> bool:
    """Whether a row is of the recipe's segment, categories and agents.

    A row of several answers is of the agents only if they gave all of them. Human corrections are by the agent `human`.
    """
    agents = metadata.get("agents") or [metadata.get("agent")]
    return (
        (recipe.segment is None or metadata["segment"] == recipe.segment)
        and (not recipe.categories or metadata.get("category") in recipe.categories)
        and (not recipe.agents or set(agents) <= set(recipe.agents))
    )


def slice_words(recipe: Recipe) -> list[str]:
    """The recipe's filters in words: segment 'docs'."""
    given = {"segment": [recipe.segment or ""], "agents": recipe.agents, "categories": recipe.categories}
    return [f"{name} {', '.join(values)!r}" for name, values in given.items() if any(values)]


def _take_tokens(taken: TrainingRows, recipe: Recipe, tokenizer: Any, row: Row, identity: str) -> None:
    """Keep the row with its tokens, in four bytes each, or count why not."""
    import numpy as np

    if sides := take(taken, recipe, tokenizer, row, identity):
        taken.tokens.append([np.array(side, np.int32) for side in sides])


def take(taken: TrainingRows, recipe: Recipe, tokenizer: Any, row: Row, identity: str) -> list[list[int]] | None:
    """Keep the row, and return its tokens by side, or count why not. The tokens are those that the trainer sees."""
    sides = [row[name] for name in SIDES if name in row]
    rendered = [_tokens(tokenizer, row["prompt"] + side) for side in sides]
    if any(not message["content"].strip() for side in sides for message in side):
        taken.dropped["with an empty answer"] += 1
        return None
    if len(rendered) == 2 and rendered[0] == rendered[1]:
        taken.dropped["with equal sides"] += 1
        return None
    fitting = _fitting(recipe, tokenizer, row["prompt"], sides, rendered)
    if fitting is None:
        taken.dropped["too long"] += 1
        return None
    prompt, rendered = fitting
    taken.cut += len(prompt) < len(row["prompt"])
    taken.rows.append(row | {"prompt": prompt})
    taken.ids.append(identity)
    return rendered


def _fitting(
    recipe: Recipe, tokenizer: Any, prompt: list[Message], sides: list[list[Message]], rendered: list[list[int]]
) -> tuple[list[Message], list[list[int]]] | None:
    """The prompt if it fits beside the longest side, with the tokens of both; by "cut" without its oldest exchanges;
    None where it cannot fit.
    """
    system = [message for message in prompt[:1] if message["role"] == "system"]
    turns = prompt[len(system) :]
    while max(map(len, rendered)) > recipe.max_length:
        if recipe.on_overlong == "drop" or len(turns) < 3:
            return None
        turns = turns[2:]
        rendered = [_tokens(tokenizer, system + turns + side) for side in sides]
    return system + turns, rendered


def _tokens(tokenizer: Any, conversation: list[Message]) -> list[int]:
    return tokenizer.apply_chat_template(conversation, return_dict=True)["input_ids"]


def enough(taken: TrainingRows, needed: int, dataset: Path, recipe: Recipe) -> TrainingRows:
    """The rows themselves; NotEnoughRows where there are fewer than `needed`."""
    if len(taken.rows) < needed:
        where = f"{dataset / 'train.parquet'}" + "".join(f", {name}," for name in slice_words(recipe))
        raise NotEnoughRows(len(taken.rows), needed, where, dict(taken.dropped))
    return taken
