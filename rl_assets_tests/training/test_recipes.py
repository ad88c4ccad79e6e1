import pytest
from pydantic import ValidationError

from rl_assets.training.recipes import PRESETS, Recipe, SftRecipe, preset, recipe_hash, recipe_warnings


def test_an_unknown_preset_is_refused_with_all_names():
    with pytest.raises(ValueError, match=r"lora_9b.*tiny_cpu, lora_0_5b, lora_7b, qlora_7b, qlora_8b, low_vram"):
        preset("lora_9b")


def test_an_unknown_key_is_an_error():
    with pytest.raises(ValidationError, match="learning_rat"):
        SftRecipe.model_validate({"learning_rat": 1e-4})


def test_every_value_changes_the_hash_and_equal_values_do_not():
    recipe = preset("tiny_cpu")
    assert recipe_hash(recipe) == recipe_hash(Recipe.model_validate(recipe.model_dump()))
    assert recipe_hash(recipe) != recipe_hash(recipe.model_copy(update={"seed": 1}))


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_has_an_effective_batch_of_16(name: str):
    recipe = preset(name)
    assert {stage.batch * stage.accumulate for stage in (recipe.sft, recipe.dpo)} == {16}


def test_a_full_fine_tuning_rate_is_allowed_and_warned_about():
    slow = Recipe(name="slow", sft=SftRecipe(learning_rate=2e-5))
    assert "2e-05" in recipe_warnings(slow)[0]
    assert recipe_warnings(preset("qlora_8b")) == []
