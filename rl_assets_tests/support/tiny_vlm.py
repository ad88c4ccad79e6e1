"""A vision-language model of LLaVA's architecture with random weights, made on the spot: nothing is downloaded."""

from pathlib import Path
from typing import Any

from rl_assets.models.runtime import start
from rl_assets.models.tiny.pretraining import END, PAD, TinySpec, train_tokenizer

IMAGE = "<image>"
TEMPLATE = (
    "{%- for message in messages %}{{- '<|' + message['role'] + '|>' }}"
    "{%- if message['content'] is string %}{{- message['content'] }}{%- else %}"
    "{%- for part in message['content'] %}"
    "{%- if part['type'] == 'image' %}{{- '<image>' }}{%- else %}{{- part['text'] }}{%- endif %}"
    "{%- endfor %}{%- endif %}{{- '<|end|>' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|assistant|>' }}{%- endif %}"
)
SIDE, PATCH = 28, 14


def build_tiny_vlm(folder: Path, texts: list[str]) -> Path:
    """Model and processor in `folder`; the tokenizer is trained on `texts`."""
    start(offline=True, seed=0)
    from transformers import LlavaForConditionalGeneration

    tokenizer = train_tokenizer([[{"role": "user", "content": text}] for text in texts], TinySpec(vocabulary=400))
    tokenizer.add_special_tokens({"additional_special_tokens": [IMAGE]})
    LlavaForConditionalGeneration(_config(tokenizer)).save_pretrained(folder)
    _processor(tokenizer).save_pretrained(folder)
    return folder


def _processor(tokenizer: Any) -> Any:
    from transformers import CLIPImageProcessorPil, LlavaProcessor

    size = {"height": SIDE, "width": SIDE}
    return LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size=size, crop_size=size),
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        chat_template=TEMPLATE,
        image_token=IMAGE,
        num_additional_image_tokens=1,
    )


def _config(tokenizer: Any) -> Any:
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig

    shape = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    end, pad, image = tokenizer.convert_tokens_to_ids([END, PAD, IMAGE])
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=512,
        initializer_range=0.1,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
        **shape,
    )
    vision = CLIPVisionConfig(image_size=SIDE, patch_size=PATCH, **shape)
    return LlavaConfig(vision_config=vision, text_config=text, image_token_index=image, vision_feature_layer=-1)
