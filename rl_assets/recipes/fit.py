"""Whether a recipe fits a base model: its learning rates for LoRA, and its rows for the model's context."""

from collections.abc import Iterator

from rl_assets.recipes.recipe import STAGES, Recipe
from rl_assets.recipes.stages import OptimizerRecipe

FULL_FINE_TUNING_RATE = 2e-5
FORMER_PPO_RATE = 1.41e-5
# Good rates for LoRA fall with the width of the model: about 5e-4 x (2000 / hidden size)^0.78 for supervised training
# (Schulman et al. 2025, "LoRA Without Regret"), which gives 2.9e-4 at 4,096 and 4.3e-3 at the 128 of `tiny`.
RATE_AT_2000, WIDTH_EXPONENT = 5e-4, 0.78
# So many times a good rate is far too high. Training on preferences or rewards wants a tenth of a supervised rate.
FAR = 10.0
PREFERENCE_SHARE = 0.1
# For a model whose configuration names no width: that of `tiny`, the most tolerant.
UNKNOWN_WIDTH = 128
SUPERVISED_METHODS = ("raft", "awr")


def recipe_warnings(recipe: Recipe, hidden_size: int | None, stages: tuple[str, ...] = STAGES) -> list[str]:
    """Values of these stages that are allowed but rarely intended, in sentences."""
    return [*_too_low(recipe, stages), *_too_high(recipe, hidden_size, stages), *_of_ppo(recipe, stages)]


def highest_rate(recipe: Recipe, stage: str, hidden_size: int | None) -> float:
    """The learning rate from which LoRA of a base of that width does not learn but blow up, to two digits."""
    good = RATE_AT_2000 * (2000 / (hidden_size or UNKNOWN_WIDTH)) ** WIDTH_EXPONENT
    supervised = stage in ("sft", "reward") or (stage == "grpo" and recipe.grpo.method in SUPERVISED_METHODS)
    return float(f"{FAR * good * (1.0 if supervised else PREFERENCE_SHARE):.2g}")


def context_problem(recipe: Recipe, base: str, context: int | None) -> str | None:
    """Why rows of the recipe's length cannot be trained on the base; None if they can, or its context is not known."""
    if context is None or recipe.max_length <= context:
        return None
    return (
        f"Recipe {recipe.name}: max_length is {recipe.max_length}, and the base model {base} sees {context} tokens at "
        f"most: set max_length to {context} or less, or choose a base model with a longer context."
    )


def _too_low(recipe: Recipe, stages: tuple[str, ...]) -> Iterator[str]:
    if "sft" in stages and recipe.sft.learning_rate <= FULL_FINE_TUNING_RATE:
        yield (
            f"Recipe {recipe.name}: the SFT learning rate {recipe.sft.learning_rate:g} is one for full fine-tuning; "
            "LoRA usually wants ten times as much (2e-4)."
        )


def _of_ppo(recipe: Recipe, stages: tuple[str, ...]) -> Iterator[str]:
    if "ppo" not in stages:
        return
    if recipe.ppo.gamma < 1:
        yield (
            f"Recipe {recipe.name}: gamma {recipe.ppo.gamma:g} discounts the reward of an answer of 100 tokens to "
            f"{recipe.ppo.gamma**100:.2f} at its first; 1.0 is usual where answers are scored as a whole."
        )
    if recipe.ppo.learning_rate == FORMER_PPO_RATE:
        yield (
            f"Recipe {recipe.name}: the PPO learning rate {FORMER_PPO_RATE:g} is a common one for full fine-tuning; "
            "LoRA may want more."
        )


def _too_high(recipe: Recipe, hidden_size: int | None, stages: tuple[str, ...]) -> Iterator[str]:
    for name in stages:
        stage: OptimizerRecipe = getattr(recipe, name)
        limit = highest_rate(recipe, name, hidden_size)
        if stage.learning_rate > limit:
            width = f"of hidden size {hidden_size}" if hidden_size else "of unknown size"
            yield (
                f"Recipe {recipe.name}: the {name} learning rate {stage.learning_rate:g} is far too high for LoRA on a "
                f"base model {width}: a tenth of {limit:g} is usual, and above {limit:g} training blows up or forgets "
                "what the base knows."
            )
