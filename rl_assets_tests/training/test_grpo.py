"""Learning from groups by each method, for real, on a tiny model."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import load_tokenizer
from rl_assets.models.tiny.pretraining import END
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.rewards.named import reward_functions
from rl_assets.training.data.group_rows import group_rows, prompt_rows, with_advantages
from rl_assets.training.errors import TrainingRefused
from rl_assets.training.job import TrainingJob
from rl_assets.training.runner.run import open_run
from rl_assets.training.train import train
from rl_assets.training.trainers import online_grpo
from rl_assets_tests.support.training_samples import DAY, ONLINE, group_row, publish


def with_method(recipe: Recipe, name: str, **values: Any) -> Recipe:
    return adjusted(recipe, {"grpo": {"method": name, **values}})


@pytest.mark.parametrize("name", ["raft", "awr", "offline_grpo"])
def test_each_method_on_offline_data_makes_the_better_answers_likelier(
    name: str, groups: Path, base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    adapter = train(TrainingJob("grpo", groups, DAY, base, with_method(recipe, name), tmp_path, sft_adapter), print)
    checks = adapter.manifest.checks
    assert all(check.passed for check in checks.values()), checks
    assert checks["better_answers_gained"].value > 0
    assert adapter.manifest.method == name
    assert adapter.manifest.parent is not None and adapter.manifest.parent.sha256 == sft_adapter.sha256
    assert (adapter.manifest.logging_policy is not None) == (name == "offline_grpo")


def test_the_ratio_to_the_parent_is_one_before_any_update(
    groups: Path, base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    tokenizer = load_tokenizer(base)
    rows = group_rows(groups, recipe, tokenizer, best_only=False).rows
    clipped = with_method(recipe, "offline_grpo", effective_batch_size=len(rows), max_steps=1)
    adapter = train(TrainingJob("grpo", groups, DAY, base, clipped, tmp_path, sft_adapter), print)
    # With a ratio of 1 and no KL every token's loss is minus its answer's advantage.
    tokens = [answer_tokens(tokenizer, row) for row in rows]
    expected = -sum(row["advantage"] * count for row, count in zip(rows, tokens, strict=True)) / sum(tokens)
    assert adapter.manifest.loss_curve[0][1] == pytest.approx(expected, abs=1e-5)


def answer_tokens(tokenizer: Any, row: dict[str, Any]) -> int:
    prompt = tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True)["input_ids"]
    return len(tokenizer.apply_chat_template(row["prompt"] + row["completion"])["input_ids"]) - len(prompt)


@pytest.mark.parametrize("name", ["awr", "offline_grpo"])
def test_batch_1_accumulated_8_times_equals_batch_8(
    name: str, groups: Path, base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    still = adjusted(recipe, {"lora": {"lora_dropout": 0.0}})
    job = TrainingJob("grpo", groups, DAY, base, still, tmp_path, sft_adapter)
    whole, parts = (
        train(replace(job, recipe=with_method(still, name, max_steps=3, gradient_accumulation_steps=steps)), print)
        for steps in (1, 8)
    )
    losses, same = ([point[1] for point in run.manifest.loss_curve] for run in (whole, parts))
    assert same == pytest.approx(losses, abs=1e-4)


def test_online_answers_are_scored_and_the_adapter_is_whole(
    groups: Path, base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    online = adjusted(recipe, {"grpo": ONLINE | {"max_steps": 2, "learning_rate": 1e-3}})
    adapter = train(TrainingJob("grpo", groups, DAY, base, online, tmp_path, sft_adapter), print)
    assert adapter.manifest.reward_funcs == ["exact_answer", "brevity"]
    assert adapter.manifest.steps == 2
    assert adapter.manifest.checks["weights_reload"].passed


def test_rewards_that_are_all_equal_give_an_error_with_the_cause_and_no_adapter(
    groups: Path, base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    silent = adjusted(recipe, {"grpo": ONLINE | {"max_steps": 2, "max_completion_length": 2}})
    cause = r"same reward, in all 2 steps \(mean rewards: exact_answer 0, brevity 1\).*9\d% of the answers were cut"
    with pytest.raises(TrainingRefused, match=cause):
        train(TrainingJob("grpo", groups, DAY, base, silent, tmp_path, sft_adapter), print)
    assert not list(tmp_path.rglob("manifest.json"))


def test_reward_functions_that_score_no_prompt_are_refused_before_a_step(
    base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    rows = [group_row(f"Price of part {number}?", ("two", 1.0), ("three", 0.0)) for number in range(20)]
    data = publish(tmp_path / "d", "grpo_dataset", rows)
    blind = adjusted(recipe, {"grpo": ONLINE | {"reward_funcs": ["json_format", "task_success"]}})
    with pytest.raises(TrainingRefused, match="None of the reward functions json_format, task_success gives a reward"):
        train(TrainingJob("grpo", data, DAY, base, blind, tmp_path / "adapters", sft_adapter), print)


def test_worked_solutions_of_the_log_are_rewards_by_default(
    base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    rows = [group_row(f"{n} + {n}?", (f"{n} and {n}\nA: {2 * n}", 1.0), ("A: 1", 0.0)) for n in range(1, 21)]
    data, tokenizer = publish(tmp_path / "d", "grpo_dataset", rows), load_tokenizer(base)
    stage = adjusted(recipe, {"grpo": {"method": "online_grpo"}}).grpo
    prompts = prompt_rows(data, recipe, tokenizer).rows
    solved = [[{"role": "assistant", "content": f"A: {2 * n}"}] for n in range(1, 21)]
    rewards = {
        name: function(
            prompts=[row["prompt"] for row in prompts],
            completions=solved,
            reference=[row["reference"] for row in prompts],
        )
        for name, function in zip(stage.reward_funcs, reward_functions(stage.reward_funcs, None), strict=True)
    }
    assert rewards["task_success"] == [1.0] * 20
    assert rewards["exact_answer"] == [0.0] * 20


def test_generation_stops_at_the_templates_end_of_turn_too(
    groups: Path, base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    folder = Path(shutil.copytree(base.path, tmp_path / "gemma-like"))
    for name in ("tokenizer_config.json", "generation_config.json", "config.json"):
        values = json.loads((folder / name).read_text(encoding="utf-8"))
        # Its eos is another token than the one that ends turns, and no configuration names that.
        values |= {"eos_token": "<|pad|>"} if "tokenizer" in name else {"eos_token_id": 0}
        (folder / name).write_text(json.dumps(values), encoding="utf-8")
    other = replace(base, path=str(folder))
    job = TrainingJob("grpo", groups, DAY, other, adjusted(recipe, {"grpo": ONLINE}), tmp_path, sft_adapter)
    tokenizer = load_tokenizer(other)
    rows = prompt_rows(groups, job.recipe, tokenizer).rows
    trainer = online_grpo._trainer(open_run(job, print), tokenizer, rows)
    end = tokenizer.convert_tokens_to_ids(END)
    assert tokenizer.eos_token_id != end and end in trainer.eos_token_ids
    assert end in trainer.generation_config.eos_token_id


def test_only_groups_with_signal_are_learned_from(tmp_path: Path, base: BaseModel, recipe: Recipe):
    rows = [group_row("Price?", ("2", 1.0), ("3", 0.0)), group_row("Where?", ("bin 2", 0.5), ("rack", 0.5))]
    tolerant = adjusted(recipe, {"min_rows_grpo": 1})
    data, tokenizer = publish(tmp_path / "d", "grpo_dataset", rows), load_tokenizer(base)
    best = group_rows(data, tolerant, tokenizer, best_only=True)
    assert [row["completion"][0]["content"] for row in best.rows] == ["2"]
    assert sum(best.dropped.values()) == 2
    every = group_rows(data, tolerant, tokenizer, best_only=False)
    assert [row["advantage"] for row in every.rows] == [0.5, -0.5]


def test_advantages_are_rewards_minus_their_groups_mean():
    answers = [{"reward": reward} for reward in (0.0, 0.2, 1.0)]
    assert [answer["advantage"] for answer in with_advantages(answers)] == pytest.approx([0.6, -0.2, -0.4])


def test_a_learned_reward_without_a_reward_model_is_refused(
    groups: Path, base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    learned = adjusted(recipe, {"grpo": ONLINE | {"reward_funcs": ["reward_model"]}})
    with pytest.raises(ValueError, match="materialize reward_model first"):
        train(TrainingJob("grpo", groups, DAY, base, learned, tmp_path, sft_adapter), print)
