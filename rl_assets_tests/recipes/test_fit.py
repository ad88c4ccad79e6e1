"""Whether a recipe fits a base model: learning rates by its width, rows by its context."""

import pytest

from rl_assets.models.tiny.pretraining import TinySpec
from rl_assets.recipes.fit import context_problem, recipe_warnings
from rl_assets.recipes.recipe import PRESETS, STAGES, Recipe, adjusted, preset
from rl_assets.recipes.stages import SftRecipe

# Widths of models of 0.135, 0.5, 1.3 and 7 billion parameters.
WIDTHS = {"lora_135m": 576, "lora_0_5b": 896, "low_vram": 2048, "lora_7b": 4096, "qlora_7b": 4096, "qlora_8b": 4096}


def test_no_preset_is_warned_about_on_a_base_model_that_it_is_for():
    for name in PRESETS:
        assert recipe_warnings(preset(name), WIDTHS.get(name, TinySpec().hidden)) == [], name


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("width", [TinySpec().hidden, 576, 4096, None])
def test_a_rate_of_5_is_warned_about_at_every_stage_and_width(stage: str, width: int | None):
    (warning,) = recipe_warnings(adjusted(preset("lora_0_5b"), {stage: {"learning_rate": 5}}), width)
    assert f"the {stage} learning rate 5 is far too high for LoRA" in warning


def test_the_rates_of_the_embedded_model_are_too_high_for_real_ones():
    (sft, *others) = recipe_warnings(preset("tiny_cpu"), 4096, ("sft", "dpo"))
    assert not others and "dpo learning rate 0.001 is far too high for LoRA on a base model of hidden size 4096" in sft
    assert len(recipe_warnings(adjusted(preset("tiny_cpu"), {"sft": {"learning_rate": 0.02}}), 4096)) > 1


def test_a_full_fine_tuning_rate_is_allowed_and_warned_about():
    slow = Recipe(name="slow", sft=SftRecipe(learning_rate=2e-5))
    assert "2e-05" in recipe_warnings(slow, 896)[0]
    assert recipe_warnings(slow, 896, ("dpo",)) == []


def test_discounts_and_rates_of_ppo_that_are_rarely_meant_are_warned_about():
    (warning,) = recipe_warnings(adjusted(preset("lora_0_5b"), {"ppo": {"gamma": 0.99}}), 896)
    assert "gamma 0.99 discounts the reward of an answer of 100 tokens to 0.37" in warning
    (warning,) = recipe_warnings(adjusted(preset("lora_0_5b"), {"ppo": {"learning_rate": 1.41e-5}}), 896, ("ppo",))
    assert "1.41e-05 is a common one for full fine-tuning" in warning


@pytest.mark.parametrize(("context", "fits"), [(2047, False), (2048, True), (None, True)])
def test_rows_longer_than_the_context_are_a_problem(context: int | None, fits: bool):
    problem = context_problem(preset("lora_7b"), "a-model", context)
    assert (problem is None) == fits
    assert fits or "max_length is 2048, and the base model a-model sees 2047 tokens at most: set max_length" in problem
