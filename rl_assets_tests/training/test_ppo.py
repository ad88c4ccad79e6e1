"""PPO for real on a tiny model: what it checks of itself, what it refuses, and what planted faults turn red."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rl_assets.defs.training.offline_adapters import PPO_CHECKS
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.encoding import pad_id, prompt_ids
from rl_assets.models.end_of_turn import end_of_turn_ids
from rl_assets.models.loading import WrongBaseModelError, load_to_continue, load_tokenizer
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.recipes.stages import PpoRecipe
from rl_assets.rewards import named
from rl_assets.training.errors import NoSignal, NotEnoughRows, TrainingRefused
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets.training.trainers import ppo
from rl_assets.training.trainers.ppo_models import ActorCritic, kept_tokens, without_dropout
from rl_assets.training.trainers.ppo_rewards import Answered, Rewards
from rl_assets.training.trainers.ppo_rollout import Sampler, prompt_order, sampling_config, seed_of
from rl_assets.training.trainers.ppo_trainer import mini_batches
from rl_assets_tests.support.killed_trainings import run_until_full, run_until_killed
from rl_assets_tests.support.training_samples import DAY, chat

LEARNED = {"ppo": {"reward_funcs": ["reward_model"]}}


@pytest.fixture(scope="session")
def job(groups: Path, base: BaseModel, sft_adapter: Adapter, recipe: Recipe, home: Path) -> TrainingJob:
    return TrainingJob("ppo", groups, DAY, base, recipe, home / "ppo", sft_adapter)


@pytest.fixture(scope="session")
def learned(job: TrainingJob) -> Adapter:
    """An adapter of three rollouts of 16 answers, four steps each."""
    return train(job, print)


def with_values(job: TrainingJob, folder: Path, **values: Any) -> TrainingJob:
    return replace(job, recipe=adjusted(job.recipe, {"ppo": values}), adapters=folder)


def test_the_run_answers_every_check_about_itself(learned: Adapter, sft_adapter: Adapter):
    manifest = learned.manifest
    assert set(manifest.checks) == set(PPO_CHECKS)
    assert manifest.failed_checks == []
    assert manifest.checks["first_ratio_is_one"].value <= 1e-4
    assert manifest.checks["reference_is_parent"].value <= 1e-5
    assert manifest.parent is not None and manifest.parent.sha256 == sft_adapter.sha256
    assert (manifest.steps, manifest.method) == (12, "ppo") and manifest.tokens > 0
    assert manifest.sha256 != sft_adapter.sha256


def test_what_each_rollout_measured_is_kept_and_beta_follows_the_kl(learned: Adapter):
    assert learned.manifest.ppo is not None
    rollouts = learned.manifest.ppo["rollouts"]
    assert [one["steps"] for one in rollouts] == [4, 4, 4]
    # Far below the target of 6 nats it falls by a fifth, each time.
    assert [one["beta"] for one in rollouts] == pytest.approx([0.1, 0.08, 0.064])
    assert learned.manifest.ppo["beta"] == pytest.approx(0.0512)
    assert rollouts[0]["kl"] == pytest.approx(0, abs=1e-5) and rollouts[2]["kl_size"] > 0


def test_only_the_policy_is_published(learned: Adapter):
    names = {path.name for path in learned.folder.iterdir()}
    assert not {"critic", "ref", "checkpoints", "value_head.safetensors"} & names
    card = (learned.folder / "README.md").read_text(encoding="utf-8")
    assert "Adapter learned from its own answers (PPO)" in card and "first_ratio_is_one" in card


def test_equal_inputs_train_nothing(job: TrainingJob, learned: Adapter):
    again = train(job, print)
    assert not again.trained and again.sha256 == learned.sha256


@pytest.mark.slow
@pytest.mark.parametrize(("killed", "resumed_from"), [(2, None), (7, 4)])
def test_killed_between_rollouts_or_inside_one_it_ends_with_the_same_weights(
    killed: int, resumed_from: int | None, job: TrainingJob, learned: Adapter, tmp_path: Path
):
    disturbed = replace(job, adapters=tmp_path)
    run_until_killed(disturbed, killed)
    resumed = train(disturbed, print)
    assert resumed.manifest.resumed_from_step == resumed_from
    assert resumed.sha256 == learned.sha256
    assert resumed.manifest.ppo == learned.manifest.ppo
    values = {name: check.value for name, check in resumed.manifest.checks.items()}
    assert values == {name: check.value for name, check in learned.manifest.checks.items()}


@pytest.mark.slow
def test_a_checkpoint_without_its_critic_is_not_resumed_from(job: TrainingJob, learned: Adapter, tmp_path: Path):
    disturbed = replace(job, adapters=tmp_path)
    run_until_killed(disturbed, 9)
    (critic,) = tmp_path.glob("ppo/*/checkpoints/checkpoint-8/critic/adapter_model.safetensors")
    critic.write_bytes(critic.read_bytes()[:-8] + b"altered!")
    lines: list[str] = []
    resumed = train(disturbed, lines.append)
    assert "checkpoint-8 is skipped: critic/adapter_model.safetensors was damaged" in lines
    assert (resumed.manifest.resumed_from_step, resumed.sha256) == (4, learned.sha256)


@pytest.mark.slow
def test_a_full_disk_leaves_no_adapter_and_the_next_run_goes_on(job: TrainingJob, learned: Adapter, tmp_path: Path):
    whole = replace(job, adapters=tmp_path)
    run_until_full(whole, int(1.5 * (learned.folder / "adapter_model.safetensors").stat().st_size))
    assert not list(tmp_path.glob("ppo/*/manifest.json"))
    assert train(whole, print).sha256 == learned.sha256


@pytest.mark.slow
def test_the_bare_base_as_reference_turns_its_check_red(
    job: TrainingJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import torch

    class WithBaseAsReference(ActorCritic):
        def __init__(self, *given: Any):
            super().__init__(*given)
            for name, weight in self.model.named_parameters():
                if "lora_B.ref" in name:
                    torch.nn.init.zeros_(weight)

    monkeypatch.setattr(ppo, "ActorCritic", WithBaseAsReference)
    adapter = train(with_values(job, tmp_path, rollouts=1), print)
    assert "reference_is_parent" in [check.name for check in adapter.manifest.failed_checks]


@pytest.mark.slow
def test_dropout_that_is_left_on_turns_the_first_ratio_red(
    job: TrainingJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def with_dropout(recipe: Recipe, values: dict[str, Any]) -> Recipe:
        return adjusted(recipe, {"lora": {"lora_dropout": 0.1}})

    monkeypatch.setattr(ppo, "adjusted", with_dropout)
    monkeypatch.setattr(ppo, "without_dropout", lambda model: None)
    adapter = train(with_values(job, tmp_path, rollouts=1), print)
    assert "first_ratio_is_one" in [check.name for check in adapter.manifest.failed_checks]


@pytest.mark.slow
def test_accumulated_steps_and_recomputed_activations_give_the_same_losses(
    job: TrainingJob, learned: Adapter, tmp_path: Path
):
    values = {"gradient_accumulation_steps": 4, "gradient_checkpointing": True}
    losses = [point[1] for point in train(with_values(job, tmp_path, **values), print).manifest.loss_curve]
    # The first rollout's answers are the same; later ones may differ by what rounding moves.
    assert losses[:4] == pytest.approx([point[1] for point in learned.manifest.loss_curve[:4]], abs=1e-4)


@pytest.mark.slow
def test_a_policy_that_moves_far_ends_the_passes_of_its_rollout(job: TrainingJob, tmp_path: Path):
    hasty = with_values(job, tmp_path, rollouts=2, learning_rate=0.05, stop_kl=1e-4, epochs_per_rollout=4)
    adapter = train(hasty, print)
    assert adapter.manifest.ppo is not None
    assert all(0 < one["steps"] < 8 for one in adapter.manifest.ppo["rollouts"])
    assert adapter.manifest.steps == 16


@pytest.mark.slow
def test_a_learned_reward_is_scaled_by_the_parents_answers_and_starts_the_critic(
    job: TrainingJob, reward_pairs: Path, base: BaseModel, recipe: Recipe, tmp_path: Path
):
    reward_model = train(TrainingJob("reward", reward_pairs, DAY, base, recipe, tmp_path), print)
    adapter = train(replace(with_values(job, tmp_path, **LEARNED["ppo"], rollouts=1), reward_model=reward_model), print)
    manifest = adapter.manifest
    assert manifest.reward_model is not None and manifest.reward_model.sha256 == reward_model.sha256
    assert manifest.ppo is not None and manifest.ppo["reward_scale"]["sd"] not in (0.0, 1.0)
    # Scores of the parent's own answers have mean 0 on that scale, but for those that did not end.
    assert abs(manifest.ppo["rollouts"][0]["reward"]) < 1
    other = replace(reward_model, base_sha256="0" * 64)
    with pytest.raises(WrongBaseModelError, match="was trained on a base model with hash 000000000000"):
        train(replace(with_values(job, tmp_path / "other", **LEARNED["ppo"]), reward_model=other), print)


@pytest.mark.slow
def test_answers_of_one_token_are_trained_on(job: TrainingJob, tmp_path: Path):
    adapter = train(with_values(job, tmp_path, rollouts=1, max_completion_length=1), print)
    assert adapter.manifest.ppo is not None and adapter.manifest.ppo["rollouts"][0]["length"] == 1


@pytest.mark.slow
def test_rewards_that_are_all_equal_end_the_training_after_five_rollouts(
    job: TrainingJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(named.BY_RULE, "brevity", lambda completions, **_: [0.5] * len(completions))
    silent = {"reward_funcs": ["brevity"], "no_end_penalty": 0.5, "epochs_per_rollout": 1}
    with pytest.raises(NoSignal, match=r"No signal: all answers of the first 5 rollouts got the reward 0.5, so there"):
        train(with_values(job, tmp_path, rollouts=9, **silent), print)
    assert not list(tmp_path.rglob("manifest.json"))


@pytest.mark.slow
def test_rewards_of_none_for_every_answer_are_refused(
    job: TrainingJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def of_references(prompts: Any, completions: Any, reference: Any, **_: Any) -> list[float | None]:
        return [1.0 if c[-1]["content"] == r else None for c, r in zip(completions, reference, strict=True)]

    monkeypatch.setitem(named.BY_RULE, "exact_answer", of_references)
    with pytest.raises(TrainingRefused, match="None of the rewards exact_answer rewards any of the 16 answers of roll"):
        train(with_values(job, tmp_path, reward_funcs=["exact_answer"]), print)
    assert not list(tmp_path.rglob("manifest.json"))


@pytest.mark.slow
def test_answers_that_do_not_end_are_penalised_and_warned_about(job: TrainingJob, tmp_path: Path):
    adapter = train(with_values(job, tmp_path, rollouts=1, max_completion_length=4, learning_rate=1e-6), print)
    check = adapter.manifest.checks["answers_end"]
    assert (check.passed, check.severity) == (False, "warn") and check.value < 0.95
    assert "Raise max_completion_length" in check.what


@pytest.mark.slow
def test_two_processes_answer_as_many_prompts_and_end_with_one_policy_and_critic(job: TrainingJob, tmp_path: Path):
    # Processes whose weights differ at the end raise an error of their own.
    adapter = train(with_values(job, tmp_path, rollouts=2), print, 2)
    assert adapter.manifest.device.startswith("2 x cpu") and adapter.manifest.failed_checks == []
    assert adapter.manifest.ppo is not None
    (first, _) = adapter.manifest.ppo["rollouts"]
    assert first["steps"] == 4 and first["unscored"] == 0 and first["kl"] == pytest.approx(0, abs=1e-5)
    assert all(abs(loss) < 100 for _, loss, _ in adapter.manifest.loss_curve)


@pytest.mark.parametrize("name", ["inf", "nan", "one too few", "a word"])
def test_a_reward_that_is_none_names_its_function_and_stops(name: str):
    wrong: dict[str, Callable[..., Any]] = {
        "inf": lambda **_: [1.0, float("inf")],
        "nan": lambda **_: [float("nan"), None],
        "one too few": lambda **_: [1.0],
        "a word": lambda **_: ["good", 1.0],
    }
    stage = PpoRecipe(reward_funcs=("brevity",))
    prompts = [{"prompt": chat("Price?"), "reference": "2"}]
    rewards = Rewards(stage, [wrong[name]], prompts)
    with pytest.raises(TrainingRefused, match=r"^The reward brevity returned .* Nothing is published\.$"):
        rewards.scores(Answered([0, 0], ["2", "3"], [1, 1], [True, True]))


def test_scores_are_weighed_sums_and_answers_without_an_end_are_penalised():
    stage = PpoRecipe(reward_funcs=("exact_answer", "brevity"), reward_weights=(2.0, 0.5))
    functions = [lambda **_: [1.0, None, None, 1.0], lambda **_: [1.0, 0.4, None, 1.0]]
    rewards = Rewards(stage, functions, [{"prompt": chat("Price?"), "reference": "2"}])
    answered = Answered([0] * 4, ["2"] * 4, [1] * 4, [True, True, True, False])
    assert rewards.scores(answered) == [2.5, 0.2, None, -1.0]


def test_a_learned_reward_has_the_parents_scale_and_is_clipped():
    stage = PpoRecipe(reward_funcs=("reward_model",))
    given = [1.0, 3.0]
    rewards = Rewards(stage, [lambda **_: list(given)], [{"prompt": chat("Price?"), "reference": "2"}])
    answered = Answered([0, 0], ["2", "3"], [1, 1], [True, True])
    rewards.measure_scale(answered)
    assert rewards.scale == (2.0, 1.0) and rewards.scores(answered) == [-1.0, 1.0]
    given[:] = [100.0, -100.0]
    assert rewards.scores(answered) == [5.0, -5.0]


def test_too_few_prompts_are_counted(job: TrainingJob, tmp_path: Path):
    with pytest.raises(NotEnoughRows, match="training needs 1000"):
        train(replace(job, recipe=adjusted(job.recipe, {"min_rows_ppo": 1000}), adapters=tmp_path), print)


def test_prompts_without_room_for_an_answer_are_dropped_and_counted(job: TrainingJob, tmp_path: Path):
    with pytest.raises(NotEnoughRows, match=r"0 usable rows \(69 with a prompt that leaves no room for an answer\)"):
        train(with_values(job, tmp_path, max_completion_length=120), print)
    with pytest.raises(TrainingRefused, match="leaves a prompt no room in max_length 128"):
        train(with_values(job, tmp_path, max_completion_length=128), print)


def test_a_learned_reward_without_a_reward_model_is_refused(job: TrainingJob, tmp_path: Path):
    with pytest.raises(ValueError, match="materialize reward_model first"):
        train(with_values(job, tmp_path, **LEARNED["ppo"]), print)


def test_a_parent_of_another_base_is_refused(job: TrainingJob, tmp_path: Path):
    assert job.parent is not None
    foreign = replace(job.parent, base_sha256="0" * 64)
    with pytest.raises(WrongBaseModelError, match="use its own base model"):
        train(replace(job, parent=foreign, adapters=tmp_path), print)


def test_what_the_base_names_as_its_own_sampling_does_not_change_ours(
    base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    import torch

    folder = Path(shutil.copytree(base.path, tmp_path / "greedy"))
    file = folder / "generation_config.json"
    values = json.loads(file.read_text(encoding="utf-8")) | {"do_sample": True, "top_k": 1, "repetition_penalty": 5.0}
    file.write_text(json.dumps(values), encoding="utf-8")
    other = replace(base, path=str(folder))
    models = ActorCritic(load_to_continue(other, sft_adapter, recipe, print), sft_adapter)
    without_dropout(models.model)
    tokenizer = load_tokenizer(other)
    ends, pad = end_of_turn_ids(tokenizer, models.base), pad_id(tokenizer)
    models.base.generation_config = sampling_config(ends, pad)
    sampler = Sampler(models, tokenizer, [prompt_ids(tokenizer, chat("Where is the bolt?"))], ends, pad, 12, 1.0)
    answered, ids, attention, mask = sampler.sample([0] * 8, seed_of(0, 0, 0))
    assert len(set(answered.texts)) > 4
    again, same, *_ = sampler.sample([0] * 8, seed_of(0, 0, 0))
    assert again == answered and torch.equal(ids, same)
    # Padding on the left changes nothing: each row alone has the log-probabilities that it has in the batch.
    together, _ = models.log_probabilities("default", ids, attention, mask.shape[1], 1.0)
    for row in range(2):
        start = int((attention[row] == 0).long().cumprod(0).sum())
        alone, _ = models.log_probabilities(
            "default", ids[row : row + 1, start:], attention[row : row + 1, start:], mask.shape[1], 1.0
        )
        torch.testing.assert_close(alone[0] * mask[row], together[row] * mask[row], atol=1e-5, rtol=0)


def test_an_answer_goes_up_to_its_first_end_whatever_padding_is():
    import torch

    written = torch.tensor([[5, 2, 2, 2], [2, 2, 2, 2], [5, 6, 7, 8]])
    mask, ended = kept_tokens(written, frozenset({2}))
    assert mask.sum(1).tolist() == [2, 1, 4] and ended == [True, True, False]


def test_the_order_of_prompts_is_that_of_the_seed_alone():
    first, rest = prompt_order(5, 1, 0, 5), prompt_order(5, 1, 5, 3)
    assert sorted(first) == list(range(5)) and prompt_order(5, 1, 3, 5) == first[3:] + rest
    assert prompt_order(5, 2, 0, 5) != first


def test_every_answer_is_in_one_mini_batch_of_each_epoch():
    steps = mini_batches(8, 4, 2, 7)
    assert [sorted(steps[at] + steps[at + 1]) for at in (0, 2)] == [list(range(8))] * 2
    assert steps[:2] != steps[2:] and mini_batches(8, 4, 2, 7) == steps
