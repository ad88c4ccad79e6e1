"""Checks of the next training: whether the base model is one to use, and what the newest datasets would train."""

from collections.abc import Iterator

from rl_assets.datasets.retrain_trigger import measure_growth
from rl_assets.doctor.machine_checks import CheckResult, error, ok, warning
from rl_assets.models.base_models import unfit_base
from rl_assets.models.counting_tokenizer import NoTokenizerError, counting_tokenizer
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


def tonight(settings: Settings) -> Iterator[CheckResult]:
    """What a training would do with the newest datasets, by the recipe and with the base model's own tokenizer."""
    recipe = named_recipe(settings.recipe)
    growth = measure_growth(settings.paths, recipe)
    if growth is None:
        yield warning(
            "tonight", "nothing would train: there is no dataset yet; materialize the groups raw and datasets"
        )
        return
    try:
        tokenizer = counting_tokenizer(settings.base_model, settings.paths.models)
    except NoTokenizerError as problem:
        yield error("tonight", f"nothing would train: {problem}")
        return
    usable = usable_rows(settings.paths, growth.day, recipe, tokenizer, NIGHTLY)
    new = ", ".join(f"{count} {kind}" for kind, count in growth.new_prompts.items())
    message = f"{sentence(usable)}. Datasets of {growth.day}, recipe {recipe.name}; prompts not trained on yet: {new}"
    yield (ok if all(one.trains for one in usable) else warning)("tonight", message)
