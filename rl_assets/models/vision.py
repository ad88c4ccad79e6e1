"""Vision-language models into memory, for training."""

from typing import Any

from rl_assets.models.base_models import BaseModel
from rl_assets.models.chat_template import with_pinned_date
from rl_assets.models.loading import WrongBaseModelError, device_map
from rl_assets.models.memory import explain_out_of_memory
from rl_assets.models.runtime import compute_dtype
from rl_assets.recipes.chat_template import DEFAULT_RULES, ChatTemplateRecipe
from rl_assets.recipes.recipe import Recipe


class NotAVisionModelError(WrongBaseModelError):
    """The base model accepts no images."""


def load_processor(base: BaseModel, rules: ChatTemplateRecipe = DEFAULT_RULES) -> Any:
    """The base model's processor: tokenizer, chat template with the rules' date, and image processor.

    NotAVisionModelError without one.
    """
    from transformers import AutoProcessor, ProcessorMixin

    processor = AutoProcessor.from_pretrained(base.path)
    if not isinstance(processor, ProcessorMixin) or getattr(processor, "image_processor", None) is None:
        raise NotAVisionModelError(
            f"The base model {base.name} ({base.path}) has no image processor: name a vision-language model."
        )
    if processor.chat_template is None:
        raise NotAVisionModelError(f"The processor of {base.name} has no chat template: use a chat model as base.")
    if isinstance(processor.chat_template, str):
        processor.chat_template = with_pinned_date(processor.chat_template, rules.date)
    if processor.tokenizer.pad_token is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token
    return processor


def load_vision_model(base: BaseModel, recipe: Recipe) -> Any:
    """The model itself: in `compute_dtype`. ValueError for a recipe that quantizes it."""
    from transformers import AutoModelForImageTextToText

    if recipe.quantization:
        raise ValueError(
            f"Recipe {recipe.name} quantizes the base model ({recipe.quantization}), which is not done for "
            "vision-language models: use a recipe without, lora_0_5b or lora_7b."
        )
    with explain_out_of_memory(f"The base model {base.name}"):
        return AutoModelForImageTextToText.from_pretrained(base.path, dtype=compute_dtype(), device_map=device_map())
