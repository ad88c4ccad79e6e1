from pathlib import Path

import pytest
from pydantic import ValidationError

from rl_assets.recipes.recipe import PRESETS, Recipe, adjusted, named_recipe, preset, recipe_hash, recipe_warnings
from rl_assets.recipes.stages import SftRecipe


def test_an_unknown_preset_is_refused_with_all_names():
    names = "tiny_cpu, demo, lora_135m, lora_0_5b, lora_7b, qlora_7b, qlora_8b, low_vram"
    with pytest.raises(ValueError, match=f"lora_9b.*{names}"):
        preset("lora_9b")


def test_an_unknown_key_is_an_error():
    with pytest.raises(ValidationError, match="learning_rat"):
        SftRecipe.model_validate({"learning_rat": 1e-4})


def test_every_value_changes_the_hash_and_equal_values_do_not():
    recipe = preset("tiny_cpu")
    assert recipe_hash(recipe) == recipe_hash(Recipe.model_validate(recipe.model_dump()))
    assert recipe_hash(recipe) != recipe_hash(recipe.model_copy(update={"seed": 1}))


@pytest.mark.parametrize("name", sorted(set(PRESETS) - {"lora_135m"}))
def test_every_preset_but_that_for_few_steps_on_a_cpu_has_an_effective_batch_of_16(name: str):
    recipe = preset(name)
    assert {stage.effective_batch_size for stage in (recipe.sft, recipe.dpo)} == {16}


def test_a_full_fine_tuning_rate_is_allowed_and_warned_about():
    slow = Recipe(name="slow", sft=SftRecipe(learning_rate=2e-5))
    assert "2e-05" in recipe_warnings(slow)[0]
    assert recipe_warnings(preset("qlora_8b")) == []


def test_a_recipe_file_is_a_preset_with_other_values(tmp_path: Path):
    path = tmp_path / "ours.yaml"
    path.write_text("preset: tiny_cpu\nseed: 7\ngrpo: {method: offline_grpo, beta: 0.1}\n", encoding="utf-8")
    recipe = named_recipe(str(path))
    assert (recipe.name, recipe.seed, recipe.grpo.method, recipe.grpo.beta) == ("ours", 7, "offline_grpo", 0.1)
    assert recipe.sft == preset("tiny_cpu").sft
    assert named_recipe("tiny_cpu") == preset("tiny_cpu")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sft: {learning_rat: 1.0e-4}", r"ours.yaml is invalid: sft.learning_rat: Extra inputs"),
        ("grpo: {method: offline_grpo, beta: 0}", "needs beta > 0"),
        ("grpo: {method: online_grpo, beta: 0, reward_funcs: [reward_model]}", "a learned reward needs beta > 0"),
        ("grpo: {method: online_grpo, effective_batch_size: 6}", "multiple of num_generations"),
        ("kto: {gradient_accumulation_steps: 16}", "must be at least twice"),
        ("sft: {gradient_accumulation_steps: 3}", "must be a multiple of gradient_accumulation_steps"),
        ("preset: lora_9b", "no training recipe 'lora_9b'"),
        ("- sft", "holds list, expected a mapping"),
        ("a: [", "not valid YAML"),
        ("a: !!python/object/apply:os.getcwd []", "not valid YAML"),
    ],
)
def test_a_bad_recipe_file_is_refused_with_its_name_and_what_is_wrong(tmp_path: Path, text: str, message: str):
    path = tmp_path / "ours.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        named_recipe(str(path))


def test_a_missing_recipe_file_is_said(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"No recipe file .*ours.yaml"):
        named_recipe(str(tmp_path / "ours.yaml"))


def test_another_stages_values_change_nothing_for_a_stage():
    recipe = preset("tiny_cpu")
    other = adjusted(recipe, {"grpo": {"method": "offline_grpo"}})
    assert recipe_hash(other, "sft") == recipe_hash(recipe, "sft")
    assert recipe_hash(other, "grpo") != recipe_hash(recipe, "grpo")


def test_which_adapter_is_the_candidate_changes_no_adapter():
    recipe = preset("tiny_cpu")
    other = adjusted(recipe, {"candidate": "grpo"})
    assert all(recipe_hash(other, stage) == recipe_hash(recipe, stage) for stage in ("sft", "dpo", "grpo"))
    with pytest.raises(ValidationError, match="candidate"):
        adjusted(recipe, {"candidate": "reward"})
