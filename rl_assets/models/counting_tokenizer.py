"""A base model's tokenizer for counting tokens: without torch, and before the model itself was built or fetched."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rl_assets.models.base_models import TINY
from rl_assets.models.chat_template import apply_rules
from rl_assets.models.smollm2 import SMOLLM2
from rl_assets.models.tiny.pretraining import TinySpec, corpus, train_tokenizer
from rl_assets.recipes.chat_template import DEFAULT_RULES, ChatTemplateRecipe

FILES = ["tokenizer*", "*.jinja", "special_tokens_map.json", "config.json", "vocab*", "merges.txt", "added_tokens.json"]


class NoTokenizerError(RuntimeError):
    """The tokenizer of a base model can be neither read nor fetched, or has no chat template."""


class EstimatingTokenizer:
    """Stands for a tokenizer that cannot be had: four characters are a token, and a turn takes four more."""

    chat_template = ""
    added_tokens_decoder: Mapping[int, Any] = {}

    def __len__(self) -> int:
        return 1

    def apply_chat_template(
        self, conversation: list[dict[str, str]], *, tokenize: bool = True, **options: Any
    ) -> str | dict[str, list[int]]:
        """As many tokens as a conversation may have; that of each is one of its characters."""
        texts = [f"{message['role']:16}{message['content']}" for message in conversation]
        if not tokenize:
            return "".join(texts)
        return {"input_ids": [ord(character) for text in texts for character in text[::4]]}


def counting_tokenizer(name: str, models: Path, rules: ChatTemplateRecipe = DEFAULT_RULES) -> Any:
    """The tokenizer of the base model `name`, which renders by these rules; of a model on the hub only the tokenizer is
    fetched, into `models`.
    """
    tokenizer = _tokenizer(name, models)
    apply_rules(tokenizer, rules)
    return tokenizer


def _tokenizer(name: str, models: Path) -> Any:
    if name == TINY and not (models / TINY / "tokenizer.json").is_file():
        return train_tokenizer(corpus(TinySpec()), TinySpec())
    if name == SMOLLM2 and not (models / SMOLLM2 / "tokenizer.json").is_file():
        raise NoTokenizerError(f"the base model {name!r} has not been fetched yet: materialize base_model")
    try:
        tokenizer = _read(_folder(name, models))
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise NoTokenizerError(f"the tokenizer of the base model {name!r} cannot be read: {reason}") from error
    if tokenizer.chat_template is None:
        raise NoTokenizerError(f"the tokenizer of the base model {name!r} has no chat template: use a chat model")
    return tokenizer


def _folder(name: str, models: Path) -> Path:
    if name in (TINY, SMOLLM2):
        return models / name
    return Path(name) if Path(name).is_dir() else _fetch(name, models)


def _read(folder: Path) -> Any:
    if (folder / "tokenizer.json").is_file():
        # AutoTokenizer would import torch, which takes seconds and some 200 MB.
        from transformers import PreTrainedTokenizerFast

        return PreTrainedTokenizerFast.from_pretrained(str(folder))
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder))


def _fetch(name: str, models: Path) -> Path:
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(name, cache_dir=models / "hub", allow_patterns=FILES))
