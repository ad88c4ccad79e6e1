"""Rows of a published dataset in the form that the trainers take, and the audit of what will be trained on."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rl_assets.training.recipes import Recipe

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
    """Rows to train on with their ids, how many were dropped for which reason, and how many prompts lost old turns."""

    rows: list[Row] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    cut: int = 0

    def counts(self) -> dict[str, Any]:
        return {"used": len(self.rows), "dropped": dict(sorted(self.dropped.items())), "cut": self.cut}


def sft_rows(dataset: Path, recipe: Recipe, tokenizer: Any) -> TrainingRows:
    """{prompt, completion} rows of the recipe's segment: the last answer is the completion. May raise NotEnoughRows."""
    taken = TrainingRows()
    for record in read_split(dataset, ["messages"], recipe, taken):
        *prompt, answer = record["messages"]
        take(taken, recipe, tokenizer, {"prompt": prompt, "completion": [answer]}, record["id"])
    return enough(taken, recipe.min_rows_sft, dataset, recipe)


def pair_rows(dataset: Path, recipe: Recipe, tokenizer: Any, needed: int, split: str = "train") -> TrainingRows:
    """{prompt, chosen, rejected} rows of the recipe's segment whose sides differ as tokens. May raise NotEnoughRows."""
    taken = TrainingRows()
    sides = ("prompt", "chosen", "rejected")
    for record in read_split(dataset, list(sides), recipe, taken, split):
        take(taken, recipe, tokenizer, {name: record[name] for name in sides}, record["id"])
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


def audit_trained_tokens(trained: Iterable[Sequence[int]], end_of_turn: frozenset[int]) -> int:
    """Number of rows, each with trained tokens and its end of turn among them; UntrainableRows names those without.

    `trained` holds the token ids that enter the loss, a row each.
    """
    rows = [(number, set(tokens)) for number, tokens in enumerate(trained)]
    bad = [number for number, tokens in rows if not tokens & end_of_turn]
    if bad:
        raise UntrainableRows(
            f"{len(bad)} of {len(rows)} rows (first: {bad[:5]}) train no end-of-turn token {sorted(end_of_turn)}: "
            "the model would never learn to stop. Use a tokenizer whose chat template ends a turn with its eos token."
        )
    return len(rows)


def end_of_turn_ids(tokenizer: Any, model: Any) -> frozenset[int]:
    """Token ids that end a turn: the tokenizer's eos token and all that stop the model's generation."""
    stops = model.generation_config.eos_token_id
    listed = stops if isinstance(stops, list) else [stops]
    return frozenset(token for token in (*listed, tokenizer.eos_token_id) if token is not None)


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


def take(taken: TrainingRows, recipe: Recipe, tokenizer: Any, row: Row, identity: str) -> None:
    """Keep the row or count why not. Lengths are those of the trainer's own tokenizer and chat template."""
    sides = [row[name] for name in SIDES if name in row]
    rendered = [_tokens(tokenizer, row["prompt"] + side) for side in sides]
    prompt = _fitting_prompt(recipe, tokenizer, row["prompt"], sides, max(map(len, rendered)))
    if any(not message["content"].strip() for side in sides for message in side):
        taken.dropped["with an empty answer"] += 1
    elif len(rendered) == 2 and rendered[0] == rendered[1]:
        taken.dropped["with equal sides"] += 1
    elif prompt is None:
        taken.dropped["too long"] += 1
    else:
        taken.cut += len(prompt) < len(row["prompt"])
        taken.rows.append(row | {"prompt": prompt})
        taken.ids.append(identity)


def _fitting_prompt(
    recipe: Recipe, tokenizer: Any, prompt: list[Message], sides: list[list[Message]], length: int
) -> list[Message] | None:
    """The prompt if it fits beside the longest side, `length` tokens together; by "cut" without its oldest exchanges;
    None where it cannot fit.
    """
    system = [message for message in prompt[:1] if message["role"] == "system"]
    turns = prompt[len(system) :]
    while length > recipe.max_length:
        if recipe.on_overlong == "drop" or len(turns) < 3:
            return None
        turns = turns[2:]
        length = max(len(_tokens(tokenizer, system + turns + side)) for side in sides)
    return system + turns


def _tokens(tokenizer: Any, conversation: list[Message]) -> list[int]:
    return tokenizer.apply_chat_template(conversation, return_dict=True)["input_ids"]


def enough(taken: TrainingRows, needed: int, dataset: Path, recipe: Recipe) -> TrainingRows:
    """The rows themselves; NotEnoughRows where there are fewer than `needed`."""
    if len(taken.rows) < needed:
        where = f"{dataset / 'train.parquet'}" + "".join(f", {name}," for name in slice_words(recipe))
        raise NotEnoughRows(len(taken.rows), needed, where, dict(taken.dropped))
    return taken
