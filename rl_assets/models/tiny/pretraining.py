"""The embedded base model: a 0.65M-parameter chat model of Llama architecture, pretrained on the spot.

It exists so that every path runs for real on any machine. It knows 160 facts about 32 parts and nothing else.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from rl_assets.core.files import sha256_json
from rl_assets.models.runtime import start
from rl_assets.models.tiny.pretraining_chat import Message, pretraining_conversations

PAD, END, ROLES = "<|pad|>", "<|end|>", ("system", "user", "assistant")
CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{%- if message['role'] == 'assistant' %}"
    "{{- '<|assistant|>' }}{% generation %}{{- message['content'] + '<|end|>' }}{% endgeneration %}"
    "{%- else %}{{- '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{%- endif %}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|assistant|>' }}{%- endif %}"
)


@dataclass(frozen=True)
class TinySpec:
    """Architecture and pretraining of the model; equal specs on equal text give equal weights on one machine."""

    seed: int = 0
    vocabulary: int = 640
    hidden: int = 128
    intermediate: int = 320
    layers: int = 3
    heads: int = 4
    positions: int = 2048
    steps: int = 500
    batch: int = 16
    learning_rate: float = 3e-3
    warmup_steps: int = 30
    weight_decay: float = 0.01
    other_token_weight: float = 0.2


def corpus(spec: TinySpec) -> list[list[Message]]:
    """Exactly the conversations that pretraining sees, each once."""
    return list(islice(pretraining_conversations(spec.seed), spec.steps * spec.batch))


def inputs_hash(spec: TinySpec) -> str:
    """Hash of everything that decides the model: spec, text and chat template."""
    return sha256_json({"spec": asdict(spec), "corpus": sha256_json(corpus(spec)), "template": CHAT_TEMPLATE})


def build_tiny_model(
    spec: TinySpec, folder: Path, log: Callable[[str], None], conversations: list[list[Message]] | None = None
) -> dict[str, Any]:
    """Train tokenizer and model on `conversations` (the parts chat), write both, and return their metrics."""
    start(offline=True, seed=spec.seed)
    conversations = corpus(spec) if conversations is None else conversations
    tokenizer = train_tokenizer(conversations, spec)
    model = new_model(spec, tokenizer)
    loss = _pretrain(model, _batches(conversations, tokenizer, spec), spec, log)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return {"final_loss": loss, "parameters": model.num_parameters()}


def train_tokenizer(conversations: list[list[Message]], spec: TinySpec) -> Any:
    """Byte-level BPE over the text, with one token for each role, the end of a turn, and padding."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=spec.vocabulary,
        special_tokens=[PAD, END, *(f"<|{role}|>" for role in ROLES)],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    raw.train_from_iterator((turn["content"] for chat in conversations for turn in chat), trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, pad_token=PAD, eos_token=END)
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def new_model(spec: TinySpec, tokenizer: Any) -> Any:
    """The untrained model; a wide initialisation lets so small a network leave its plateau early."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=spec.hidden,
        intermediate_size=spec.intermediate,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        max_position_embeddings=spec.positions,
        tie_word_embeddings=True,
        initializer_range=0.05,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def _batches(conversations: list[list[Message]], tokenizer: Any, spec: TinySpec) -> Iterator[tuple[Any, Any]]:
    """(token ids, loss weights) for each step; batches are of similar lengths and in random order."""
    import torch

    encoded = tokenizer.apply_chat_template(
        conversations, return_dict=True, return_assistant_tokens_mask=True, padding=False
    )
    rows = sorted(zip(encoded["input_ids"], encoded["assistant_masks"], strict=True), key=lambda row: len(row[0]))
    batches = [rows[at : at + spec.batch] for at in range(0, len(rows), spec.batch)]
    Random(spec.seed).shuffle(batches)
    for batch in batches:
        width = len(batch[-1][0])
        ids = torch.full((len(batch), width), tokenizer.pad_token_id)
        weights = torch.zeros(len(batch), width)
        for at, (tokens, mask) in enumerate(batch):
            ids[at, : len(tokens)] = torch.tensor(tokens)
            weights[at, : len(tokens)] = torch.tensor(mask).float().clamp(min=spec.other_token_weight)
        yield ids, weights


def _pretrain(model: Any, batches: Iterator[tuple[Any, Any]], spec: TinySpec, log: Callable[[str], None]) -> float:
    """AdamW with warm-up and linear decay; returns the last step's weighted mean loss in nats per token."""
    import torch

    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=spec.learning_rate,
        weight_decay=spec.weight_decay,
        betas=(0.9, 0.98),
        fused=True,
    )
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, spec))
    loss = torch.tensor(math.nan)
    for step, (ids, weights) in enumerate(batches, start=1):
        # Padding lies to the right, so causal attention needs no mask and takes its fast path.
        logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
        losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
        loss = (losses * weights[:, 1:].flatten()).sum() / weights[:, 1:].sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        if step % max(1, spec.steps // 10) == 0:
            log(f"base model: step {step}/{spec.steps} loss {loss.item():.3f}")
    return loss.item()


def _rate(step: int, spec: TinySpec) -> float:
    warm = min(1.0, (step + 1) / spec.warmup_steps)
    return warm * max(0.0, 1 - step / spec.steps)
