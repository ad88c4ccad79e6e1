"""Rows of a published group dataset, as the methods that learn from groups take them."""

from pathlib import Path
from typing import Any

from rl_assets.recipes.recipe import Recipe
from rl_assets.training.data.rows import TrainingRows, add_if_it_fits, read_split, require_min_rows

MIN_REFERENCE_REWARD = 0.8
NO_REFERENCE = "without a good logged answer"
NO_SIGNAL = "answers to a prompt whose rewards are all equal"


def group_rows(dataset: Path, recipe: Recipe, tokenizer: Any, *, best_only: bool) -> TrainingRows:
    """`read_group_rows`, as many as the recipe asks for. May raise NotEnoughRows."""
    kept = read_group_rows(dataset, recipe, tokenizer, best_only=best_only)
    return require_min_rows(kept, recipe.min_rows_grpo, dataset, recipe)


def read_group_rows(dataset: Path, recipe: Recipe, tokenizer: Any, *, best_only: bool, every: int = 1) -> TrainingRows:
    """{prompt, completion, advantage} rows of the recipe's segment, A = r - mean(r) of the group.

    Of each group with signal, or of each `every`th: its best answer (the first of equals) or all. No division by the
    standard deviation, which would weigh the easiest and the hardest prompts most (Liu et al. 2025, arXiv:2503.20783).
    """
    kept = TrainingRows()
    for group in read_split(dataset, ["prompt", "responses"], recipe, kept, every=every):
        answers = with_advantages(group["responses"])
        if not answers:
            kept.dropped[NO_SIGNAL] += len(group["responses"])
        for answer in answers[:1] if best_only else answers:
            completion = [{"role": "assistant", "content": answer["text"]}]
            row = {"prompt": group["prompt"], "completion": completion, "advantage": answer["advantage"]}
            add_if_it_fits(kept, recipe, tokenizer, row, answer["interaction_id"])
    return kept


def prompt_rows(dataset: Path, recipe: Recipe, tokenizer: Any) -> TrainingRows:
    """`read_prompt_rows`, as many as the recipe asks for. May raise NotEnoughRows."""
    return require_min_rows(read_prompt_rows(dataset, recipe, tokenizer), recipe.min_rows_grpo, dataset, recipe)


def read_prompt_rows(dataset: Path, recipe: Recipe, tokenizer: Any, every: int = 1) -> TrainingRows:
    """{prompt, completion, reference} rows for answers of the policy's own: `reference` is the best logged answer."""
    kept = TrainingRows()
    for group in read_split(dataset, ["prompt", "responses"], recipe, kept, every=every):
        best = max(group["responses"], key=lambda answer: answer["reward"])
        completion = [{"role": "assistant", "content": best["text"]}]
        row = {"prompt": group["prompt"], "completion": completion, "reference": best["text"]}
        add_if_it_fits(kept, recipe, tokenizer, row, best["interaction_id"])
    return kept


def read_held_out_prompts(dataset: Path, recipe: Recipe, tokenizer: Any, limit: int) -> TrainingRows:
    """{prompt, completion, reference, cluster} rows of the validation split whose best logged answer is a good one.

    The first `limit` of them; of the others it is not known what would be right.
    """
    kept = TrainingRows()
    for group in read_split(dataset, ["prompt", "responses"], recipe, kept, "validation"):
        best = max(group["responses"], key=lambda answer: answer["reward"])
        if best["reward"] < MIN_REFERENCE_REWARD:
            kept.dropped[NO_REFERENCE] += 1
            continue
        metadata = group["metadata"]
        row = {
            "prompt": group["prompt"],
            "completion": [{"role": "assistant", "content": best["text"]}],
            "reference": best["text"],
            "cluster": metadata.get("cluster_key") or metadata.get("prompt_key") or best["interaction_id"],
        }
        add_if_it_fits(kept, recipe, tokenizer, row, best["interaction_id"])
        if len(kept.rows) == limit:
            break
    return kept


def with_advantages(responses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers with their advantages, the best first, or none if all rewards are equal."""
    rewards = [answer["reward"] for answer in responses]
    if min(rewards) == max(rewards):
        return []
    mean = sum(rewards) / len(rewards)
    ranked = sorted(responses, key=lambda answer: -answer["reward"])
    return [answer | {"advantage": answer["reward"] - mean} for answer in ranked]
