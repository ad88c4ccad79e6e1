"""Reward models in memory, and the rewards that they give."""

from collections.abc import Callable
from typing import Any

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import chat_rules_of, device_map, load_tokenizer, require_same_base
from rl_assets.models.memory import rows_within_memory, run_in_batches
from rl_assets.models.runtime import compute_dtype

Scorer = Callable[[list[list[dict[str, str]]]], list[float]]
BATCH = 64


def load_classifier(base: BaseModel) -> Any:
    """The base model with one output in place of its vocabulary; the output's weights are drawn from torch's seed."""
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification.from_pretrained(
        base.path, num_labels=1, dtype=compute_dtype(), device_map=device_map()
    )


def reward_scorer(base: BaseModel, adapter: Adapter) -> Scorer:
    """A function from conversations to rewards on the reward model's own scale. May raise WrongBaseModelError."""
    from peft import PeftModel

    require_same_base(base, adapter)
    if adapter.kind != "reward":
        raise ValueError(f"{adapter.folder} is an adapter of the kind {adapter.kind!r}, a reward model is needed.")
    model = PeftModel.from_pretrained(load_classifier(base), str(adapter.folder)).eval()
    tokenizer = load_tokenizer(base, chat_rules_of(adapter))
    return lambda conversations: score_conversations(model, tokenizer, conversations)


def score_conversations(model: Any, tokenizer: Any, conversations: list[list[dict[str, str]]]) -> list[float]:
    """The classifier's output for each conversation, at its last token. DeviceMemoryError if a single one is too long
    for the memory."""
    import torch

    if not conversations:
        return []
    model.config.pad_token_id = tokenizer.pad_token_id
    encoded = tokenizer.apply_chat_template(conversations, tokenize=True, return_dict=True)["input_ids"]

    def run(rows: list[int], done: int) -> list[float]:
        chosen = [conversations[row] for row in rows]
        batch = tokenizer.apply_chat_template(chosen, padding=True, return_tensors="pt", return_dict=True)
        with torch.no_grad():
            outputs: list[float] = model(**batch.to(model.device), use_cache=False).logits[:, 0].float().tolist()
        return outputs

    def fitting(length: int) -> int:
        return rows_within_memory(model, length, 1, BATCH)

    return run_in_batches([len(ids) for ids in encoded], fitting, run, lambda _: None)
