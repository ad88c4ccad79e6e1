"""Training and answering in bfloat16 on a CPU, where the settings ask for it and the CPU has it."""

from pathlib import Path

import pytest

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.generation import generate
from rl_assets.models.loading import load_base
from rl_assets.models.switching import SwitchedModels
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.training.job import TrainingJob
from rl_assets.training.runner.checks import step0_loss_check, step0_tolerance
from rl_assets.training.train import train
from rl_assets_tests.support.training_samples import DAY

NATIVE = "rl_assets.models.runtime.has_native_bfloat16"


@pytest.fixture
def asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RL_ASSETS_CPU_BFLOAT16", "true")


@pytest.mark.usefixtures("asked_for")
def test_adapters_are_trained_on_the_base_in_16_bits_and_their_card_says_so(
    sft_adapter: Adapter,
    base: BaseModel,
    recipe: Recipe,
    sft_data: Path,
    dpo_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(NATIVE, lambda: True)
    sft = train(TrainingJob("sft", sft_data, DAY, base, recipe, tmp_path), print)
    dpo = train(TrainingJob("dpo", dpo_data, DAY, base, recipe, tmp_path, sft), print)
    for adapter in (sft, dpo):
        assert adapter.manifest.device.endswith(", bfloat16")
        assert all(check.passed for check in adapter.manifest.checks.values())
    assert sft.sha256 != sft_adapter.sha256 and not sft_adapter.manifest.device.endswith("bfloat16")
    loaded = SwitchedModels(base, None, print)
    prompts = [[{"role": "user", "content": "Which part is number 7?"}]] * 2
    answers = generate(loaded.switch_to(dpo), loaded.tokenizer, prompts, 8, print).answers
    assert answers[0] == answers[1] and answers[0].tokens


@pytest.mark.usefixtures("asked_for")
def test_references_that_were_computed_in_other_batches_are_the_parents(
    sft_adapter: Adapter,
    base: BaseModel,
    recipe: Recipe,
    dpo_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """In 16 bits their sums differ from those of the first step by tenths of a nat."""
    monkeypatch.setattr(NATIVE, lambda: True)
    twice = adjusted(recipe, {"dpo": {"max_steps": 40, "save_steps": 40}})
    dpo = train(TrainingJob("dpo", dpo_data, DAY, base, twice, tmp_path, sft_adapter), print)
    checks = dpo.manifest.checks
    assert checks["step0_loss"].passed and checks["step0_margin"].passed
    assert not step0_loss_check(checks["step0_loss"].limit + 0.03, step0_tolerance()).passed


@pytest.mark.usefixtures("asked_for")
def test_a_cpu_without_it_computes_in_32_bits_and_says_so(base: BaseModel, monkeypatch: pytest.MonkeyPatch):
    import torch

    monkeypatch.setattr(NATIVE, lambda: False)
    lines: list[str] = []
    assert load_base(base, None, lines.append).dtype == torch.float32
    assert lines == ["float32: this CPU has no bfloat16 of its own, which RL_ASSETS_CPU_BFLOAT16 asks for"]
