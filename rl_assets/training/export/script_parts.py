"""The text of training scripts: a header of pinned versions, the body, and what differs between trainers.

A body reads the published dataset of an adapter (BODY), or a file of rows (FILE_BODY).
"""

HEADER = """# Trains the {kind} adapter {inputs_hash} again, into the folder that the command line names,
# and compares its loss curve with the recorded one.
# /// script
# requires-python = ">={python}"
# dependencies = [
{dependencies}
#   "pyarrow",
# ]
# ///
"""

FILE_HEADER = """# Trains {kind} on a file of rows, into the folder that the command line names, or the one below.
# /// script
# requires-python = ">={python}"
# dependencies = [
{dependencies}
#   "pyarrow",
# ]
# ///
"""

PRELUDE = '''from __future__ import annotations

import json
import math
import os
import re
import sys
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
from datasets import Dataset
from peft import LoraConfig, PeftConfig, PeftModel, get_peft_model
from pyarrow import parquet
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed
from trl import DPOConfig, GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

GIVEN = json.loads(@VALUES@)
OUTPUT = sys.argv[1] if len(sys.argv) > 1 else GIVEN["output"]
GPU = torch.cuda.is_available()
Recipe = SimpleNamespace


def tokens(messages, **options):
    return tokenizer.apply_chat_template(messages, return_dict=True, **options)["input_ids"]


def fits(row):
    """Rows that are too long, empty, alike on both sides or not served as trained are dropped; none were cut."""
    answers = [row[side] for side in ("completion", "chosen", "rejected") if side in row]
    if any(is_empty_answer(message["content"]) for answer in answers for message in answer):
        return False
    fault = row_fault(tokenizer, row["prompt"], answers)
    if fault and (fault != PROMPT_MISMATCH or GIVEN["on_prompt_mismatch"] == "drop"):
        return False
    encoded = [tokens(row["prompt"] + answer) for answer in answers]
    if len(encoded) == 2 and encoded[0] == encoded[1]:
        return False
    return max(map(len, encoded)) <= GIVEN["max_length"]


'''

PUBLISHED_ROWS = """def rows():
    for record in parquet.read_table(GIVEN["data"]).to_pylist():
        if matches_filters(record["metadata"], Recipe(**GIVEN["filters"])):
            yield from filter(fits, as_rows(record))
"""

FILE_ROWS = """def rows():
    with open(GIVEN["data"], encoding="utf-8") as file:
        for line in filter(str.strip, file):
            yield from filter(fits, as_rows(json.loads(line)))
"""

TRAINING = """

def load():
    device = {"": 0} if GPU else None
    return AutoModelForCausalLM.from_pretrained(
        GIVEN["base"], dtype=torch.bfloat16 if GPU else torch.float32, device_map=device
    )


def load_parent():
    if GIVEN["parent"] is None:
        return get_peft_model(load(), LoraConfig(**GIVEN["lora"], task_type="CAUSAL_LM"))
    config = PeftConfig.from_pretrained(GIVEN["parent"])
    config.lora_dropout = GIVEN["lora"]["lora_dropout"]
    config.base_model_name_or_path = GIVEN["base"]
    return PeftModel.from_pretrained(load(), GIVEN["parent"], is_trainable=True, config=config)


@OURS@

@TRAINER@

set_seed(GIVEN["seed"])
tokenizer = AutoTokenizer.from_pretrained(GIVEN["base"])
if tokenizer.pad_token is None:
    tokenizer.pad_token = tokenizer.eos_token
if GIVEN["chat_template"]:
    tokenizer.chat_template = GIVEN["chat_template"]
arguments = GIVEN["arguments"] | {
    "output_dir": OUTPUT,
    "save_strategy": "no",
    "bf16": GPU,
    "use_cpu": not GPU,
    "dataloader_pin_memory": GPU,
}
trainer = make_trainer(list(rows()))
trainer.train()
trainer.model.save_pretrained(OUTPUT, selected_adapters=["default"])
"""

COMPARISON = """losses = {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry}
difference = max(abs(losses[step] - loss) for step, loss, *_ in GIVEN["expected"])
print(f"largest difference from the recorded loss curve: {difference:.3g} over {len(GIVEN['expected'])} steps")
"""

BODY = PRELUDE + PUBLISHED_ROWS + TRAINING + COMPARISON
FILE_BODY = PRELUDE + FILE_ROWS + TRAINING + 'print(f"{trainer.state.global_step} steps, the adapter is in {OUTPUT}")\n'

SFT = """def as_rows(record):
    *prompt, answer = record["messages"]
    return [{"prompt": prompt, "completion": [answer]}]


def make_trainer(rows):
    return SFTTrainer(
        model=load(),
        args=SFTConfig(**arguments),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=LoraConfig(**GIVEN["lora"], task_type="CAUSAL_LM"),
    )
"""

DPO = """def as_rows(record):
    return [{side: record[side] for side in ("prompt", "chosen", "rejected")}]


def make_trainer(rows):
    # TRL keeps a frozen copy of the trainable parent adapter as the reference.
    return pair_trainer_class()(
        model=load_parent(),
        args=DPOConfig(**arguments),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
"""

OFFLINE = """def as_rows(record):
    answers = with_advantages(record["responses"])
    for answer in answers[:1] if GIVEN["stage"]["method"] == "raft" else answers:
        completion = [{"role": "assistant", "content": answer["text"]}]
        yield {"prompt": record["prompt"], "completion": completion, "advantage": answer["advantage"]}


def make_trainer(rows):
    return @BUILD@(load_parent(), arguments, rows, tokenizer, Recipe(**GIVEN["stage"]))
"""

ONLINE = """def as_rows(record):
    best = max(record["responses"], key=lambda answer: answer["reward"])
    completion = [{"role": "assistant", "content": best["text"]}]
    yield {"prompt": record["prompt"], "completion": completion, "reference": best["text"]}


def make_trainer(rows):
    model = load_parent()
    model.generation_config.eos_token_id = sorted(end_of_turn_ids(tokenizer, model))
    return GRPOTrainer(
        model=model,
        reward_funcs=[globals()[name] for name in GIVEN["stage"]["reward_funcs"]],
        args=GRPOConfig(**arguments),
        train_dataset=Dataset.from_list([{"prompt": row["prompt"], "reference": row["reference"]} for row in rows]),
        processing_class=tokenizer,
    )
"""
