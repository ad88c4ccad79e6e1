from pathlib import Path

import pytest
from pydantic import ValidationError

from rl_assets.recipes.recipe import PRESETS, Recipe, adjusted, named_recipe, preset, recipe_hash
from rl_assets.recipes.stages import DpoRecipe, SftRecipe


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


@pytest.mark.parametrize(
    ("values", "rows", "within"),
    [
        ({"max_steps": 5}, 80, True),
        ({"max_steps": 5}, 79, False),
        ({"num_train_epochs": 1}, 10, True),
        ({"num_train_epochs": 2}, 1000, False),
        ({"num_train_epochs": 3, "max_steps": 2}, 40, True),
    ],
)
def test_within_one_epoch_no_row_is_seen_twice(values: dict[str, int], rows: int, within: bool):
    assert DpoRecipe.model_validate(values).is_within_one_epoch(rows) == within


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
        (
            "sft: {learning_rat: 1.0e-4}",
            r"yaml is invalid: sft.learning_rat is no key: did you mean learning_rate\?$",
        ),
        ("lora: {rank: 8}", r"lora.rank is no key: use one of lora_alpha, lora_dropout, r, target_modules$"),
        ("sfft: {}", r"sfft is no key: did you mean sft\?$"),
        ("sft: {lr_scheduler_type: cosin}", r"sft.lr_scheduler_type is 'cosin': use 'cosine', 'linear' or 'constant_w"),
        ("seed: one", r"seed is 'one': use a whole number$"),
        ("sft: {max_steps: 1.5}", r"sft.max_steps is 1.5: use a whole number$"),
        ("sft: {learning_rate: -1}", r"sft.learning_rate is -1: use a number above 0$"),
        ("lora: 5", r"lora is 5: use a mapping of keys to values$"),
        ("max_length: 4", r"max_length is 4: use 8 or more$"),
        ("grpo: {reward_funcs: [exact]}", r"grpo.reward_funcs.0 is 'exact': use 'json_format', 'exact_answer', "),
        ("grpo: {method: offline_grpo, beta: 0}", "is invalid: grpo: method offline_grpo needs beta > 0"),
        ("grpo: {method: online_grpo, beta: 0, reward_funcs: [reward_model]}", "a learned reward needs beta > 0"),
        ("grpo: {method: online_grpo, effective_batch_size: 6}", "multiple of num_generations"),
        ("kto: {gradient_accumulation_steps: 16}", "must be at least twice"),
        ("ppo: {beta: 0, reward_funcs: [reward_model]}", "a learned reward needs beta > 0"),
        ("ppo: {gamma: 1.01}", "ppo.gamma is 1.01"),
        ("ppo: {rollout_size: 60}", r"rollout_size \(60\) must be a multiple of effective_batch_size \(16\)"),
        ("ppo: {save_rollouts: 0}", "ppo.save_rollouts is 0"),
        ("ppo: {reward_weights: [1]}", "reward_weights has 1 values for 3 reward_funcs"),
        ("ppo: {epochs_a_rollout: 4}", "epochs_a_rollout"),
        ("quantization: fp3", "quantization is 'fp3'"),
        ("sft: {gradient_accumulation_steps: 3}", "must be a multiple of gradient_accumulation_steps"),
        ("preset: lora_9b", r"no training recipe 'lora_9b': did you mean lora_7b\?"),
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
    with pytest.raises(ValueError, match="candidate is 'reward': use 'sft', 'dpo', 'kto', 'grpo' or 'ppo'"):
        adjusted(recipe, {"candidate": "reward"})
