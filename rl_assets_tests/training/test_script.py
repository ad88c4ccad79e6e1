"""The script of an adapter, run by a Python that cannot see this project, must give the recorded losses and weights."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rl_assets.core.files import sha256_text
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import load_tokenizer
from rl_assets.models.tiny.pretraining import CHAT_TEMPLATE
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.training.export.script import training_script
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets_tests.support.other_layouts import relaid
from rl_assets_tests.support.training_samples import DAY, ONLINE, chat, parts_rows, publish, sft_row
from rl_assets_tests.support.training_scripts import answers_that_fit, run_script


def test_the_sft_script_reproduces_losses_and_weights(
    sft_adapter: Adapter, base: BaseModel, sft_data: Path, tmp_path: Path
):
    from safetensors.torch import load_file

    source = training_script(sft_adapter, base.path, sft_data, None)
    assert "rl_assets" not in source
    assert answers_that_fit(source, ["An answer.", " ", "\u200b\ufeff", ""]) == ["An answer."]
    assert run_script(source, tmp_path) < 1e-6
    again, recorded = (load_file(f / "adapter_model.safetensors") for f in (tmp_path / "out", sft_adapter.folder))
    assert max((again[name] - recorded[name]).abs().max().item() for name in recorded) < 1e-6


@pytest.mark.slow
def test_an_adapter_has_the_template_of_its_training_and_so_has_its_script(
    base: BaseModel, recipe: Recipe, tmp_path: Path
):
    dated = relaid(base, tmp_path / "dated", "{{- strftime_now('%d %b %Y') }}" + CHAT_TEMPLATE)
    rows = [*parts_rows()["sft"][::60], sft_row("Price?<|user|>", "2 euros")]
    data = publish(tmp_path / "data" / DAY, "sft_dataset", rows)
    values = {"min_rows_sft": 1, "sft": {"max_steps": 2}, "chat_template": {"date": "2025-03-05"}}
    job = TrainingJob("sft", data, DAY, dated, adjusted(recipe, values), tmp_path / "adapters")
    adapter = train(job, print)
    assert adapter.manifest.dataset.dropped["with control tokens"] == 1
    tokenizer = load_tokenizer(dated)
    tokenizer.chat_template = (adapter.folder / "chat_template.jinja").read_text(encoding="utf-8")
    assert sha256_text(tokenizer.chat_template) == adapter.manifest.chat_template_sha256
    assert tokenizer.apply_chat_template(chat("Price?"), tokenize=False).startswith("05 Mar 2025<|user|>Price?")
    assert "chat_template.jinja" in (adapter.folder / "README.md").read_text(encoding="utf-8")
    assert run_script(training_script(adapter, dated.path, data, None), tmp_path) < 1e-6


@pytest.mark.slow
def test_the_dpo_script_reproduces_losses(
    dpo_adapter: Adapter, sft_adapter: Adapter, base: BaseModel, dpo_data: Path, tmp_path: Path
):
    assert run_script(training_script(dpo_adapter, base.path, dpo_data, sft_adapter.folder), tmp_path) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "values"),
    [
        ("awr", {}),
        ("offline_grpo", {}),
        ("online_grpo", ONLINE | {"max_steps": 2, "beta": 0.1}),
    ],
)
def test_the_grpo_script_reproduces_losses(
    method: str,
    values: dict[str, Any],
    groups: Path,
    sft_adapter: Adapter,
    base: BaseModel,
    recipe: Recipe,
    tmp_path: Path,
):
    chosen = adjusted(recipe, {"grpo": values | {"method": method}})
    adapter = train(TrainingJob("grpo", groups, DAY, base, chosen, tmp_path / "adapters", sft_adapter), print)
    source = training_script(adapter, base.path, groups, sft_adapter.folder)
    assert "rl_assets" not in source.replace(str(groups), "").replace(base.path, "").replace(
        str(sft_adapter.folder), ""
    )
    assert run_script(source, tmp_path) < 1e-6


def test_a_script_is_refused_for_an_adapter_that_a_reward_model_scored(dpo_adapter: Adapter, dpo_data: Path):
    manifest = dpo_adapter.manifest.model_copy(update={"reward_funcs": ["reward_model"]})
    scored = replace(dpo_adapter, kind="grpo", manifest=manifest)
    with pytest.raises(ValueError, match="rewarded by a model"):
        training_script(scored, "base", dpo_data, None)


def test_a_script_is_refused_for_other_data_and_without_the_parent(
    dpo_adapter: Adapter, sft_adapter: Adapter, base: BaseModel, sft_data: Path, dpo_data: Path
):
    with pytest.raises(ValueError, match="content hash differs"):
        training_script(dpo_adapter, base.path, sft_data, sft_adapter.folder)
    with pytest.raises(ValueError, match="name its folder"):
        training_script(dpo_adapter, base.path, dpo_data, None)
