"""One base with adapters that are switched, against models that are loaded and merged one by one."""

from typing import Any

import pytest

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.generation import Answer, generate
from rl_assets.models.latency import paired_latency_ratios
from rl_assets.models.log_probabilities import log_probabilities
from rl_assets.models.switching import SwitchedModels

PROMPTS = [({"role": "user", "content": f"Which colour has the rotor in drawer {n}?"},) for n in range(6)]
QUESTIONS = [(prompt, ["red 0", "I do not know"]) for prompt in PROMPTS]


def quiet(_: str) -> None:
    """Nothing is to be read."""


def outputs(model: Any, tokenizer: Any) -> tuple[list[Answer], list[float]]:
    scored = log_probabilities(model, tokenizer, QUESTIONS, quiet)
    return generate(model, tokenizer, PROMPTS, 16, quiet).answers, [one.per_token for row in scored for one in row]


def merged_alone(base: BaseModel, adapter: Adapter | None) -> Any:
    """A model of its own, into which the adapter is merged."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base.path)
    return (PeftModel.from_pretrained(model, str(adapter.folder)).merge_and_unload() if adapter else model).eval()


def test_switched_models_answer_as_models_of_their_own(base: BaseModel, parent: Adapter, candidate: Adapter):
    loaded = SwitchedModels(base, None, quiet)
    for adapter in (None, parent, candidate, None, parent):
        answers, scores = outputs(loaded.switch_to(adapter), loaded.tokenizer)
        own_answers, own_scores = outputs(merged_alone(base, adapter), loaded.tokenizer)
        assert answers == own_answers
        assert scores == pytest.approx(own_scores, abs=1e-5)


def test_on_a_quantized_base_adapters_stay_apart_and_leave_it_as_it_was(
    base: BaseModel, parent: Adapter, candidate: Adapter
):
    lines: list[str] = []
    loaded = SwitchedModels(base, "nf4", lines.append)
    first = outputs(loaded.switch_to(None), loaded.tokenizer)
    by_adapter = [outputs(loaded.switch_to(adapter), loaded.tokenizer) for adapter in (parent, candidate)]
    assert by_adapter[0][1] != by_adapter[1][1] != first[1]
    assert outputs(loaded.as_served(parent), loaded.tokenizer) == by_adapter[0]
    assert outputs(loaded.base_at_the_cost_of(candidate), loaded.tokenizer)[1] == pytest.approx(first[1], abs=1e-6)
    assert outputs(loaded.switch_to(candidate), loaded.tokenizer) == by_adapter[1]
    assert outputs(loaded.switch_to(None), loaded.tokenizer) == first
    assert any(type(module).__name__ == "Linear4bit" for module in loaded.model.modules())
    assert lines == ["nf4 without a GPU: correct and slow; it saves memory, not time"]


def test_in_16_bits_adapters_stay_apart_until_requests_are_timed(
    base: BaseModel, parent: Adapter, candidate: Adapter, monkeypatch: pytest.MonkeyPatch
):
    """As on a GPU: merging rounds the base's weights, and so the next model's answers."""
    import torch

    monkeypatch.setattr("rl_assets.models.loading.compute_dtype", lambda: torch.bfloat16)
    loaded = SwitchedModels(base, None, quiet)
    first = outputs(loaded.switch_to(None), loaded.tokenizer)
    by_adapter = [outputs(loaded.switch_to(adapter), loaded.tokenizer) for adapter in (parent, candidate)]
    assert states(loaded, candidate) == {(False, False, 2.0)}
    assert outputs(loaded.switch_to(None), loaded.tokenizer) == first
    assert outputs(loaded.switch_to(parent), loaded.tokenizer) == by_adapter[0]
    loaded.as_served(candidate)
    assert states(loaded, candidate) == {(False, True, 2.0)}


def states(loaded: SwitchedModels, adapter: Adapter) -> set[tuple[bool, bool, float]]:
    """Of the layers: whether adapters are off, whether one is merged, and how strongly this one works."""
    from peft.tuners.lora import LoraLayer

    layers = [module for module in loaded.model.modules() if isinstance(module, LoraLayer)]
    return {(layer.disable_adapters, layer.merged, layer.scaling[adapter.sha256[:20]]) for layer in layers}


@pytest.mark.parametrize(
    ("quantization", "ours", "theirs"),
    [(None, (False, True, 2.0), (True, False, 2.0)), ("nf4", (False, False, 2.0), (False, False, 0.0))],
)
def test_requests_compare_like_with_like(
    base: BaseModel, candidate: Adapter, quantization: Any, ours: tuple[Any, ...], theirs: tuple[Any, ...]
):
    """Merged, an adapter costs neither side anything; apart from a quantized base, it costs both the same."""
    loaded, seen = SwitchedModels(base, quantization, quiet), dict[str, set[Any]]()

    def switching(side: str, switch: Any) -> Any:
        def switched() -> Any:
            model = switch(candidate)
            seen.setdefault(side, set()).update(states(loaded, candidate))
            return model

        return switched

    sides = switching("ours", loaded.as_served), switching("theirs", loaded.base_at_the_cost_of)
    ratios = paired_latency_ratios(*sides, loaded.tokenizer, PROMPTS[:1], 2, True, quiet)
    assert len(ratios) >= 5 and all(ratio > 0 for ratio in ratios)
    assert seen == {"ours": {ours}, "theirs": {theirs}}
