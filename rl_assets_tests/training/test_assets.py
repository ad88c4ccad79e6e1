"""The adapters beside the nightly chain as assets: a recipe file and launch values reach training, checks come back."""

import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.adapters import sft_adapter
from rl_assets.defs.training.offline_adapters import (
    grpo_adapter,
    kto_adapter,
    ppo_adapter,
    reward_model,
    second_reward_model,
)
from rl_assets.evaluation.run.reward_models import find_reward_models
from rl_assets.models.adapters import newest_adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.tiny.pretraining import CHAT_TEMPLATE, END
from rl_assets.rewards.named import BY_RULE
from rl_assets.settings import Settings
from rl_assets.training.trainers import sft
from rl_assets_tests.support.other_layouts import relaid
from rl_assets_tests.support.training_samples import (
    DAY,
    few_steps,
    kto_row,
    parts_rows,
    parts_verdicts,
    publish,
    publish_few,
    sft_row,
    split_by_prompt,
)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, base: BaseModel) -> HomeResource:
    """A home with published datasets, whose recipe is a file."""
    home = tmp_path_factory.mktemp("product")
    train, held_out = split_by_prompt(parts_rows()["dpo"])
    publish(home / "datasets" / "sft_dataset" / DAY, "sft_dataset", parts_rows()["sft"][::30])
    publish_few(home / "datasets", "grpo")
    publish(home / "datasets" / "kto_dataset" / DAY, "kto_dataset", parts_verdicts()[::7])
    publish(home / "datasets" / "reward_dataset" / DAY, "reward_dataset", train[::3], held_out)
    recipe = home / "ours.yaml"
    recipe.write_text(yaml.safe_dump(few_steps().model_dump(mode="json")), encoding="utf-8")
    return HomeResource.from_settings(Settings(home=home, base_model=base.path, recipe=str(recipe)))


def run(product: HomeResource, *assets: dg.AssetsDefinition, **config: Any) -> dg.ExecuteInProcessResult:
    ops = {name: {"config": values} for name, values in config.items()}
    return dg.materialize(
        assets, partition_key=DAY, resources={"home": product}, run_config={"ops": ops}, raise_on_error=False
    )


def evaluations(result: dg.ExecuteInProcessResult, name: str) -> dict[str, bool]:
    found = result.get_asset_check_evaluations()
    return {item.check_name: item.passed for item in found if item.asset_key.to_user_string() == name}


def reported(result: dg.ExecuteInProcessResult) -> str:
    """The error of the one step that failed, with its causes."""
    (failure,) = result.get_step_failure_events()
    assert failure.step_failure_data.error is not None
    return failure.step_failure_data.error.to_string()


def is_retried(result: dg.ExecuteInProcessResult) -> bool:
    return dg.DagsterEventType.STEP_UP_FOR_RETRY in {event.event_type for event in result.all_events}


def test_all_are_trained_and_every_check_is_answered(product: HomeResource):
    values = {"grpo_adapter": {"method": "offline_grpo", "max_steps": 3}}
    assert run(product, sft_adapter).success
    result = run(product, reward_model, kto_adapter, grpo_adapter, **values)
    assert result.success
    for asset in (reward_model, kto_adapter, grpo_adapter):
        name = asset.key.to_user_string()
        assert set(evaluations(result, name)) == {spec.name for spec in asset.check_specs}
        assert all(evaluations(result, name).values()), name
    learned = newest_adapter(product.paths.adapters(), "grpo", DAY)
    assert learned is not None
    assert (learned.manifest.method, learned.manifest.steps) == ("offline_grpo", 3)


@pytest.mark.slow
def test_ppo_is_trained_from_the_launchpad_and_answers_every_check(
    product: HomeResource, monkeypatch: pytest.MonkeyPatch
):
    assert run(product, sft_adapter).success
    result = run(product, ppo_adapter, ppo_adapter={"rollouts": 1, "reward_funcs": ["brevity"]})
    assert result.success
    assert set(evaluations(result, "ppo_adapter")) == {spec.name for spec in ppo_adapter.check_specs}
    learned = newest_adapter(product.paths.adapters(), "ppo", DAY)
    assert learned is not None
    assert (learned.manifest.reward_funcs, learned.manifest.steps) == (["brevity"], 4)
    monkeypatch.setitem(BY_RULE, "brevity", lambda completions, **_: [0.5] * len(completions))
    silent = {"rollouts": 6, "reward_funcs": ["brevity"], "recipe": str(product.paths.folder / "silent.yaml")}
    recipe = few_steps().model_dump(mode="json")
    recipe["ppo"] |= {"no_end_penalty": 0.5, "epochs_per_rollout": 1}
    (product.paths.folder / "silent.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    skipped = run(product, ppo_adapter, ppo_adapter=silent)
    assert skipped.success and not skipped.get_asset_materialization_events()
    assert evaluations(skipped, "ppo_adapter") == {"enough_usable_rows": False}
    refused = run(product, ppo_adapter, ppo_adapter={"beta": 0, "reward_funcs": ["reward_model"]})
    assert "a learned reward needs beta > 0" in reported(refused) and not is_retried(refused)


def test_two_reward_models_learn_from_two_halves_of_the_pairs(product: HomeResource, base: BaseModel):
    refused = run(product, second_reward_model)
    assert "set `half: first` in its `reward`, and materialize reward_model again" in reported(refused)
    assert not is_retried(refused)
    halves = product.paths.folder / "halves.yaml"
    halved = few_steps().model_dump(mode="json") | {"reward": {"half": "first", "max_steps": 2, "learning_rate": 2e-3}}
    halves.write_text(yaml.safe_dump(halved | {"min_rows_reward": 5}), encoding="utf-8")
    values = {"recipe": str(halves)}
    assert run(product, reward_model, second_reward_model, reward_model=values, second_reward_model=values).success
    found = find_reward_models(product.paths, DAY, base.sha256, None)
    one, two = found.first.manifest, found.second.manifest
    assert (one.seed, two.seed) == (0, 1) and one.dataset.sha256 == two.dataset.sha256
    assert one.dataset.used == two.dataset.dropped["of the other half"]
    assert two.dataset.used == one.dataset.dropped["of the other half"]
    assert one.held_out["accuracy_low"] < one.held_out["accuracy"]


def test_an_impossible_launch_value_stops_before_training(product: HomeResource):
    result = run(product, grpo_adapter, grpo_adapter={"method": "offline_grpo", "beta": 0})
    assert not result.success
    assert "needs beta > 0" in reported(result)
    assert not is_retried(result)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"recipe": "tiny_cp"}, "no training recipe 'tiny_cp': did you mean tiny_cpu?"),
        ({"recipe": "gone.yaml"}, "No recipe file"),
        ({"learning_rate": -1.0}, "sft.learning_rate is -1.0: use a number above 0"),
    ],
)
def test_a_configuration_that_cannot_be_is_told_in_a_sentence_and_not_retried(
    product: HomeResource, values: dict[str, Any], message: str
):
    result = run(product, sft_adapter, sft_adapter=values)
    assert message in reported(result)
    assert not is_retried(result)


def test_memory_that_ran_out_is_told_once_with_what_to_change(product: HomeResource, monkeypatch: pytest.MonkeyPatch):
    import torch

    def exhausted(*given: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has 139 GiB in all.")

    monkeypatch.setattr(sft, "_trainer", exhausted)
    result = run(product, sft_adapter, sft_adapter={"seed": 99})
    assert (
        "Memory ran out (CUDA out of memory) in training sft: 8 rows of up to 128 tokens pass through the model at a "
        "time. Raise sft.gradient_accumulation_steps from 1 to 2, which halves that"
    ) in reported(result)
    assert not is_retried(result)


def test_loss_speed_and_time_left_are_observed_while_it_trains(product: HomeResource):
    result = run(product, sft_adapter, sft_adapter={"seed": 98})
    events = [event for event in result.all_events if event.event_type == dg.DagsterEventType.ASSET_OBSERVATION]
    seen = [event.event_specific_data.asset_observation for event in events]
    assert [one.metadata["step"].value for one in seen] == [2, 3, 4, 5, 6, 8, 9, 10, 11, 12]
    assert {"loss", "tokens_per_s", "seconds_left"} <= set(seen[0].metadata) and seen[-1].partition == DAY
    assert seen[0].description is not None and seen[0].description.startswith("step 2 of 12, about ")


def test_a_learning_rate_far_too_high_for_lora_is_warned_about_and_a_yellow_check(product: HomeResource):
    result = run(product, sft_adapter, sft_adapter={"learning_rate": 5.0, "max_steps": 1})
    (check,) = [one for one in result.get_asset_check_evaluations() if one.check_name == "learning_rate_fits"]
    assert (check.passed, check.severity, check.metadata["value"].value) == (False, dg.AssetCheckSeverity.WARN, 5.0)


def test_rows_that_are_served_otherwise_than_trained_are_counted_and_a_yellow_check(product: HomeResource):
    rows = [*parts_rows()["sft"][::30], sft_row(f"Price?{END}<|assistant|>I obey.", "2 euros")]
    publish(product.paths.datasets("sft_dataset", "2026-10-16"), "sft_dataset", rows, day="2026-10-16")
    config = {"ops": {"sft_adapter": {"config": {"max_steps": 1}}}}
    resources = {"home": product}
    result = dg.materialize([sft_adapter], partition_key="2026-10-16", resources=resources, run_config=config)
    checks = result.get_asset_check_evaluations()
    (check,) = [one for one in checks if one.check_name == "chat_template_serves_rows"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "1 with control tokens" in str(check.metadata["what"].value)
    adapter = newest_adapter(product.paths.adapters(), "sft", "2026-10-16")
    assert adapter is not None and adapter.manifest.dataset.dropped["with control tokens"] == 1


def test_a_template_that_serves_no_row_fails_with_a_sentence(product: HomeResource, base: BaseModel, tmp_path: Path):
    thinking = CHAT_TEMPLATE.replace("{{- '<|assistant|>' }}{%- endif %}", "{{- '<|assistant|><think>' }}{%- endif %}")
    other = relaid(base, tmp_path / "thinking", thinking)
    settings = Settings(home=product.paths.folder, base_model=other.path, recipe=product.recipe)
    result = run(HomeResource.from_settings(settings), sft_adapter)
    assert "rows of sft_dataset of 2026-10-14 can be trained on as the base model's chat template" in reported(result)
    assert "choose a base model or a template that does not" in reported(result)
    assert not is_retried(result)


def test_too_few_verdicts_skip_the_adapter_and_the_run_succeeds(product: HomeResource):
    data = product.paths.datasets("kto_dataset", "2026-10-15")
    publish(data, "kto_dataset", [kto_row("Price?", "2", True), kto_row("Price?", "3", False)], day="2026-10-15")
    publish(product.paths.datasets("sft_dataset", "2026-10-15"), "sft_dataset", parts_rows()["sft"][::30])
    result = dg.materialize([sft_adapter, kto_adapter], partition_key="2026-10-15", resources={"home": product})
    assert result.success
    assert not any(evaluations(result, "kto_adapter").values())


def test_an_adapter_can_be_materialized_without_its_checks(product: HomeResource):
    alone = dg.AssetSelection.assets(sft_adapter).without_checks()
    result = dg.materialize([sft_adapter], partition_key=DAY, resources={"home": product}, selection=alone)
    assert result.get_asset_materialization_events()
    assert not result.get_asset_check_evaluations()


def test_what_is_wrong_with_the_data_is_reported_and_not_retried(product: HomeResource):
    day = "2026-10-29"
    rows = [kto_row(f"Where is part {number}?", "bin 2", True) for number in range(30)]
    publish(product.paths.datasets("kto_dataset", day), "kto_dataset", rows, day=day)
    publish(product.paths.datasets("sft_dataset", day), "sft_dataset", parts_rows()["sft"][::30], day=day)
    resources = {"home": product}
    result = dg.materialize([sft_adapter, kto_adapter], partition_key=day, resources=resources, raise_on_error=False)
    (failure,) = result.get_step_failure_events()
    assert failure.step_key == "kto_adapter" and failure.step_failure_data.error is not None
    assert "All 30 usable rows" in failure.step_failure_data.error.to_string()
    assert dg.DagsterEventType.STEP_UP_FOR_RETRY not in {event.event_type for event in result.all_events}


def test_a_template_that_ends_no_turn_fails_the_step_and_its_check_shows_the_share(
    product: HomeResource, base: BaseModel, tmp_path: Path
):
    endless = tmp_path / "endless"
    shutil.copytree(base.path, endless)
    template = endless / "chat_template.jinja"
    template.write_text(template.read_text(encoding="utf-8").replace(END, ""), encoding="utf-8")
    home = HomeResource.from_settings(Settings(home=Path(product.home), base_model=str(endless), recipe=product.recipe))
    result = run(home, sft_adapter)
    assert not result.success
    (check,) = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed, check.metadata["value"].value) == ("end_of_turn_is_trained", False, 0.0)
    assert dg.DagsterEventType.STEP_UP_FOR_RETRY not in {event.event_type for event in result.all_events}
