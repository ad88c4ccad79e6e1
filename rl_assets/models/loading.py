"""Models into memory: base models, plain or quantized, for training and for answers alike, and their tokenizers."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.chat_template import apply_rules
from rl_assets.models.memory import DeviceMemoryError, explain_out_of_memory, free_bytes, free_host_bytes
from rl_assets.models.runtime import compute_dtype, computes_in_bfloat16, has_gpu
from rl_assets.recipes.chat_template import DEFAULT_RULES, ChatTemplateRecipe
from rl_assets.recipes.recipe import Recipe
from rl_assets.settings import load_settings

Quantization = Literal["nf4", "int8"]
# Free memory for weights of that size, by what else a forward pass takes.
ROOM = 1.2


class WrongBaseModelError(ValueError):
    """An adapter was given another base model than the one it was trained on."""


def require_same_base(base: BaseModel, adapter: Adapter) -> None:
    """Refuse an adapter of another base model, which would load and answer nonsense."""
    if adapter.base_sha256 != base.sha256:
        raise WrongBaseModelError(
            f"The adapter {adapter.folder} was trained on a base model with hash {adapter.base_sha256[:12]}, "
            f"but {base.name} has {base.sha256[:12]}: use its own base model, or train it again on this one."
        )


def quantization_of(adapter: Adapter) -> Quantization | None:
    """How the base was quantized when the adapter was trained."""
    quantization: Quantization | None = adapter.manifest.recipe.get("quantization")
    return quantization


def chat_rules_of(adapter: Adapter) -> ChatTemplateRecipe:
    """The rules by which conversations were rendered when the adapter was trained."""
    return ChatTemplateRecipe.model_validate(adapter.manifest.recipe.get("chat_template", {}))


def load_tokenizer(base: BaseModel, rules: ChatTemplateRecipe = DEFAULT_RULES) -> Any:
    """The base model's tokenizer, which renders conversations by these rules; ValueError if it has no chat template."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base.path)
    if tokenizer.chat_template is None:
        raise ValueError(f"The tokenizer of {base.name} ({base.path}) has no chat template: use a chat model as base.")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    apply_rules(tokenizer, rules)
    return tokenizer


def load_base(
    base: BaseModel, quantization: Quantization | None, log: Callable[[str], None], dtype: str | None = None
) -> Any:
    """The base model, to train an adapter on or to answer: in `compute_dtype` or `dtype`, or 4 or 8 bit.

    Raises DeviceMemoryError if it does not fit.
    """
    from transformers import AutoModelForCausalLM

    options: dict[str, Any] = {"dtype": dtype or compute_dtype(), "device_map": device_map()}
    if quantization:
        options["quantization_config"] = quantization_config(quantization)
        if not has_gpu():
            log(f"{quantization} without a GPU: correct and slow; it saves memory, not time")
    if dtype is None and load_settings().cpu_bfloat16 and not computes_in_bfloat16():
        log("float32: this CPU has no bfloat16 of its own, which RL_ASSETS_CPU_BFLOAT16 asks for")
    with explain_out_of_memory(f"The base model {base.name}"):
        model = AutoModelForCausalLM.from_pretrained(base.path, **options)
    if quantization == "nf4":
        keep_weights_unpacked(model)
    return model


def load_unquantized(base: BaseModel, log: Callable[[str], None]) -> Any:
    """The base in 16 or 32 bits beside another one: on the GPU if it has room, else in the machine's memory.

    DeviceMemoryError if neither has.
    """
    import torch
    from transformers import AutoModelForCausalLM

    needed, on_host = weight_file_bytes(base), {"": "cpu"} if has_gpu() else None
    if has_gpu() and free_bytes(torch.device("cuda", _own_gpu())) > ROOM * needed:
        return load_base(base, None, log)
    if free_host_bytes() < ROOM * needed:
        raise DeviceMemoryError(
            f"the base without quantization takes {needed / 1e9:,.1f} GB, which neither GPU nor machine has free"
        )
    log(f"the base without quantization ({needed / 1e9:,.1f} GB) is loaded into the machine's memory, to merge into it")
    return AutoModelForCausalLM.from_pretrained(base.path, dtype=compute_dtype(), device_map=on_host).eval()


def weight_file_bytes(base: BaseModel) -> int:
    """Bytes of the base's files of weights."""
    return sum(path.stat().st_size for path in Path(base.path).glob("*.safetensors"))


def load_to_continue(base: BaseModel, parent: Adapter, recipe: Recipe, log: Callable[[str], None]) -> Any:
    """The base model with the parent adapter, trainable, and with the recipe's dropout instead of the parent's.

    Rank and target modules stay the parent's. Trainers given such a model without a reference keep a frozen copy of the
    adapter, named "ref".
    """
    from peft import PeftConfig, PeftModel

    config: Any = PeftConfig.from_pretrained(str(parent.folder))
    config.lora_dropout = recipe.lora.lora_dropout
    # The parent names its base without a path, and PEFT looks there when it saves.
    config.base_model_name_or_path = base.path
    model = load_base(base, recipe.quantization, log)
    return PeftModel.from_pretrained(model, str(parent.folder), is_trainable=True, config=config)


def quantization_config(quantization: Quantization) -> Any:
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


def keep_weights_unpacked(model: Any) -> None:
    """Leave 4-bit weights as they were loaded.

    On processors with AVX512-BF16 a forward in evaluation mode repacks them: gradients go silently wrong, and layers
    with fewer inputs than a quantization block of 64 raise.
    """
    import bitsandbytes

    for module in model.modules():
        if isinstance(module, bitsandbytes.nn.Linear4bit):
            module.support_avx512bf16_for_cpu = False


def device_map() -> dict[str, int] | None:
    """The one GPU that this process was given, or None for the CPU."""
    # A process drives the one GPU that its launcher gave it; "auto" would spread the layers over all.
    return {"": _own_gpu()} if has_gpu() else None


def _own_gpu() -> int:
    return int(os.environ.get("LOCAL_RANK", "0"))
