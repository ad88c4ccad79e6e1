"""4 and 8 bit on a CPU: gradients after a forward in evaluation mode, and what merging into such a base means."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import load_base
from rl_assets.recipes.recipe import Recipe
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets.training.trainers.sft import lora_config
from rl_assets_tests.support.training_samples import DAY

if TYPE_CHECKING:
    import torch


def gradients(model: "torch.nn.Module", tokens: "torch.Tensor") -> "list[torch.Tensor]":
    model.train()
    model.zero_grad()
    model(input_ids=tokens, labels=tokens).loss.backward()
    return [p.grad.clone() for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("bits", ["nf4", "int8"])
def test_gradients_are_the_same_after_a_generation(bits: Literal["nf4", "int8"], base: BaseModel, recipe: Recipe):
    import torch
    from peft import get_peft_model

    if torch.cuda.is_available():
        pytest.skip("the trap is that of CPUs")
    torch.manual_seed(0)
    lora = recipe.lora.model_copy(update={"lora_dropout": 0.0})
    model = get_peft_model(load_base(base, bits, print), lora_config(lora))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    tokens = torch.randint(8, 600, (2, 24))
    before = gradients(model, tokens)
    assert sum(gradient.abs().sum().item() for gradient in before) > 0
    model.eval()
    model.generate(input_ids=tokens[:, :4], max_new_tokens=4)
    for after, was in zip(gradients(model, tokens), before, strict=True):
        assert torch.allclose(after, was, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("bits", ["nf4", "int8"])
def test_an_adapter_of_a_quantized_base_is_merged_into_the_unquantized_one_and_the_difference_is_measured(
    bits: Literal["nf4", "int8"], base: BaseModel, recipe: Recipe, sft_data: Path, tmp_path: Path
):
    lines: list[str] = []
    quantized = recipe.model_copy(update={"quantization": bits})
    adapter = train(TrainingJob("sft", sft_data, DAY, base, quantized, tmp_path), lines.append)
    checks = adapter.manifest.checks
    assert checks["merged_model"].passed and abs(checks["merged_model"].value) < 1e-6
    rounding = checks["quantized_base"]
    assert rounding.passed and 1e-6 < rounding.value < rounding.limit
    assert f"trained on {bits}" in rounding.what
    assert any("is loaded into the machine's memory, to merge into it" in line for line in lines)
    assert "quantized_base" in (adapter.folder / "README.md").read_text(encoding="utf-8")


def test_without_memory_for_the_unquantized_base_merging_is_not_said_to_be_right(
    base: BaseModel, recipe: Recipe, sft_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("rl_assets.models.loading.free_host_bytes", lambda: 1000)
    quantized = recipe.model_copy(update={"quantization": "nf4"})
    adapter = train(TrainingJob("sft", sft_data, DAY, base, quantized, tmp_path), print)
    checks = adapter.manifest.checks
    for name in ("merged_model", "quantized_base"):
        assert not checks[name].passed
        assert "not measured: the base without quantization takes" in checks[name].what
