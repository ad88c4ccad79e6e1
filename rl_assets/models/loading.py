"""Models into memory: base models for training, plain or quantized, and base plus adapter for inference."""

import gc
import os
from collections.abc import Callable
from typing import Any, Literal

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.runtime import compute_dtype, has_gpu
from rl_assets.recipes.recipe import Recipe


class WrongBaseModelError(ValueError):
    """An adapter was given another base model than the one it was trained on."""


def require_same_base(base: BaseModel, adapter: Adapter) -> None:
    """Refuse an adapter of another base model, which would load and answer nonsense."""
    if adapter.base_sha256 != base.sha256:
        raise WrongBaseModelError(
            f"The adapter {adapter.folder} was trained on a base model with hash {adapter.base_sha256[:12]}, "
            f"but {base.name} has {base.sha256[:12]}: use its own base model, or train it again on this one."
        )


def load_for_inference(base: BaseModel, adapter: Adapter | None) -> tuple[Any, Any]:
    """(model, tokenizer) ready to generate: adapter merged, evaluation mode, padding on the left.

    float32 on a CPU, bfloat16 on a GPU. Raises WrongBaseModelError for another base's adapter.
    """
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base.path, dtype=compute_dtype(), device_map=device_map())
    if adapter is not None:
        from peft import PeftModel

        require_same_base(base, adapter)
        model = PeftModel.from_pretrained(model, str(adapter.folder)).merge_and_unload()
    tokenizer = load_tokenizer(base)
    tokenizer.padding_side = "left"
    return model.eval(), tokenizer


def load_tokenizer(base: BaseModel) -> Any:
    """The base model's tokenizer; ValueError if it has no chat template."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base.path)
    if tokenizer.chat_template is None:
        raise ValueError(f"The tokenizer of {base.name} ({base.path}) has no chat template: use a chat model as base.")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_for_training(base: BaseModel, quantization: Literal["nf4", "int8"] | None, log: Callable[[str], None]) -> Any:
    """The base model to put an adapter on: float32 on a CPU, bfloat16 on a GPU, 4 or 8 bit if quantized."""
    from transformers import AutoModelForCausalLM

    options: dict[str, Any] = {"dtype": compute_dtype(), "device_map": device_map()}
    if quantization:
        options["quantization_config"] = quantization_config(quantization)
        if not has_gpu():
            log(f"{quantization} without a GPU: correct and slow; it saves memory, not time")
    model = AutoModelForCausalLM.from_pretrained(base.path, **options)
    if quantization == "nf4":
        _keep_weights_unpacked(model)
    return model


def load_to_continue(base: BaseModel, parent: Adapter, recipe: Recipe, log: Callable[[str], None]) -> Any:
    """The base model with the parent adapter, trainable, and with the recipe's dropout instead of the parent's.

    Rank and target modules stay the parent's. Trainers given such a model without a reference keep a frozen copy of the
    adapter, named "ref".
    """
    from peft import PeftConfig, PeftModel

    config: Any = PeftConfig.from_pretrained(str(parent.folder))
    config.lora_dropout = recipe.lora.lora_dropout
    model = load_for_training(base, recipe.quantization, log)
    return PeftModel.from_pretrained(model, str(parent.folder), is_trainable=True, config=config)


def quantization_config(quantization: Literal["nf4", "int8"]) -> Any:
    """QLoRA's 4 bits (Dettmers et al. 2023, arXiv:2305.14314: nf4, double quantization), or LLM.int8()."""
    from transformers import BitsAndBytesConfig

    if quantization == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute_dtype(),
    )


def _keep_weights_unpacked(model: Any) -> None:
    """On AVX512-BF16 processors a forward in evaluation mode repacks weights, and gradients go silently wrong."""
    import bitsandbytes

    for module in model.modules():
        if isinstance(module, bitsandbytes.nn.Linear4bit):
            module.support_avx512bf16_for_cpu = False


def device_map() -> dict[str, int] | None:
    """The one GPU that this process was given, or None for the CPU."""
    # A process drives the one GPU that its launcher gave it; "auto" would spread the layers over all.
    return {"": int(os.environ.get("LOCAL_RANK", "0"))} if has_gpu() else None


def free_memory() -> None:
    """Give a dropped model's memory back before the next one is loaded."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
