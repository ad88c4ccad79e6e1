"""ShareGPT: {conversations: [{from: system, human or gpt, value}]}, for LLaMA-Factory and axolotl.

Pairs have `chosen` and `rejected` as turns of gpt, rated answers a boolean `label`. Each turn says in `train` whether
it is the answer that was rated: earlier answers are context, and nobody found them good. Axolotl looks for the answers
of a pair in a chat that its template wrote: they are written without outer whitespace, which templates remove, and a
pair is dropped if an answer is found in what templates write before it. Schemas: LLaMA-Factory's
data/README.md (formatting sharegpt, `ranking`, `kto_tag`); axolotl's docs/rlhf.qmd (DPO, chat_template.default) and
docs/dataset-formats/conversation.qmd (`message_field_training`).
"""

import re

from rl_assets.datasets.exports.rows import (
    CannotExportError,
    Convert,
    Row,
    answer_of,
    conversation_of,
    for_pairs,
    pair_of,
    prompt_of,
)

FROM = {"user": "human", "assistant": "gpt"}
COLUMNS = {"messages": "conversations"}
TAGS = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt", "system_tag": "system"}
ROLES = {"user": ["human"], "assistant": ["gpt"], "system": ["system"]}
MAPPINGS = {"role": "from", "content": "value"}
# What common chat templates and axolotl's stand-in for the question write before an answer.
HEADERS = """
<|begin_of_text|><|start_header_id|>system<|end_header_id|> <|eot_id|><|start_header_id|>user<|end_header_id|>
Cutting Knowledge Date: December 2023 Today Date: 26 Jul 2024 [[dummy_message]] <|start_header_id|>assistant
<|im_start|>system You are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|> <|im_start|>user
<|im_start|>assistant <think> </think> <bos><start_of_turn>user <end_of_turn> <start_of_turn>model <s>[INST] [/INST]</s>
<|user|> <|system|> <|assistant|> <|end|> <|endoftext|>
You are a helpful AI assistant named SmolLM, trained by Hugging Face [SYSTEM_PROMPT] [/SYSTEM_PROMPT]
"""
# Some templates write today's date.
SHORT_NUMBER = re.compile(r"\d{1,2}|20\d\d", re.ASCII)


def conversation(row: Row) -> Row:
    """A supervised row."""
    return {"conversations": [*_context(row), {"from": "gpt", "value": answer_of(row), "train": True}]}


def pair(row: Row) -> Row:
    """A pair. Raises CannotExportError for an answer that axolotl would find too early, or would not tell apart."""
    better, worse = (text.strip() for text in pair_of(row))
    if better == worse:
        raise CannotExportError("has answers that differ in outer whitespace alone")
    if any(text in HEADERS or SHORT_NUMBER.fullmatch(text) for text in (better, worse)):
        raise CannotExportError("has an answer that chat templates write before answers")
    chosen, rejected = {"from": "gpt", "value": better}, {"from": "gpt", "value": worse}
    return {"conversations": _context(row), "chosen": chosen, "rejected": rejected}


def labelled(row: Row) -> Row:
    """A rated answer."""
    return {**conversation(row), "label": row["label"]}


def _context(row: Row) -> list[Row]:
    system, turns = conversation_of(prompt_of(row))
    first = [{"from": "system", "value": system, "train": False}] if system else []
    return first + [{"from": FROM[turn["role"]], "value": turn["content"], "train": False} for turn in turns]


CONVERT: dict[str, Convert] = {"sft_dataset": conversation, **for_pairs(pair), "kto_dataset": labelled}


def llamafactory(dataset: str) -> Row:
    """The entry of dataset_info.json."""
    entry = {"formatting": "sharegpt", "columns": COLUMNS, "tags": TAGS}
    if dataset == "kto_dataset":
        return {**entry, "columns": {**COLUMNS, "kto_tag": "label"}}
    if dataset != "sft_dataset":
        return {**entry, "ranking": True, "columns": {**COLUMNS, "chosen": "chosen", "rejected": "rejected"}}
    return entry


_AXOLOTL = {"field_messages": "conversations", "message_property_mappings": MAPPINGS, "roles": ROLES}
AXOLOTL = {
    "sft_dataset": (
        {"chat_template": "tokenizer_default"},
        {"type": "chat_template", **_AXOLOTL, "message_field_training": "train"},
    ),
    "dpo_dataset": (
        {"rl": "dpo", "chat_template": "tokenizer_default"},
        {"type": "chat_template.default", **_AXOLOTL},
    ),
}
