"""Checks of the next training: whether the base model is one to use, and what the newest datasets would train."""

from collections.abc import Iterator

from rl_assets.datasets.retrain_trigger import measure_growth
from rl_assets.doctor.machine_checks import CheckResult, error, ok, warning
from rl_assets.models.base_facts import facts_by_name
from rl_assets.models.base_models import unfit_base
from rl_assets.models.counting_tokenizer import NoTokenizerError, counting_tokenizer
from rl_assets.recipes.fit import context_problem, recipe_warnings
from rl_assets.recipes.recipe import named_recipe
from rl_assets.settings import Settings
from rl_assets.tables.usable_rows import sentence
from rl_assets.training.readiness import NIGHTLY, usable_rows


def base_model(settings: Settings) -> Iterator[CheckResult]:
    """Whether the base model is more than the demo's."""
    if unfit := unfit_base(settings.base_model, settings.recipe):
        yield warning("base model", unfit)
    else:
        yield ok("base model", f"{settings.base_model}, trained by the recipe {settings.recipe}")


def recipe_fit(settings: Settings) -> Iterator[CheckResult]:
    """Whether the recipe can train the base model: its rows fit the context, its learning rates are ones for LoRA."""
    try:
        recipe = named_recipe(settings.recipe)
    except (ValueError, FileNotFoundError) as invalid:
        yield error("recipe", str(invalid))
        return
    facts = facts_by_name(settings.base_model, settings.paths.models)
    if facts is None:
        yield ok("recipe", f"{recipe.name}; whether it fits {settings.base_model} shows once that is fetched")
    elif problem := context_problem(recipe, settings.base_model, facts.context):
        yield error("recipe", f"nothing would train: {problem}")
    elif warnings := recipe_warnings(recipe, facts.hidden_size, NIGHTLY):
        yield warning("recipe", " ".join(warnings))
    else:
        seen = f" of the {facts.context:,} that {settings.base_model} sees" if facts.context else ""
        yield ok("recipe", f"{recipe.name}: rows of up to {recipe.max_length:,} tokens{seen}")


def tonight(settings: Settings) -> Iterator[CheckResult]:
    """What a training would do with the newest datasets, by the recipe and with the base model's own tokenizer."""
    try:
        recipe = named_recipe(settings.recipe)
    except (ValueError, FileNotFoundError):
        yield error("tonight", "nothing would train: the recipe is invalid")
        return
    growth = measure_growth(settings.paths, recipe)
    if growth is None:
        yield warning(
            "tonight", "nothing would train: there is no dataset yet; materialize the groups raw and datasets"
        )
        return
    try:
        tokenizer = counting_tokenizer(settings.base_model, settings.paths.models, recipe.chat_template)
    except NoTokenizerError as problem:
        yield error("tonight", f"nothing would train: {problem}")
        return
    usable = usable_rows(settings.paths, growth.day, recipe, tokenizer, NIGHTLY)
    new = ", ".join(f"{count} {kind}" for kind, count in growth.new_prompts.items())
    message = f"{sentence(usable)}. Datasets of {growth.day}, recipe {recipe.name}; prompts not trained on yet: {new}"
    yield (ok if all(one.trains for one in usable) else warning)("tonight", message)
