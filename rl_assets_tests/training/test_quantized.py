"""4 and 8 bit on a CPU: gradients after a forward in evaluation mode must be those from before it."""

from typing import TYPE_CHECKING, Literal

import pytest

from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import load_for_training
from rl_assets.recipes.recipe import Recipe
from rl_assets.training.trainers.sft import lora_config

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
    model = get_peft_model(load_for_training(base, bits, print), lora_config(lora))
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
