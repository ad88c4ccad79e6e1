"""Rows as columns of token ids, the same that TRL's trainers make of conversations, so that they are made once."""

from collections.abc import Iterator
from typing import Any

from rl_assets.training.data.rows import TrainingRows

IGNORED = -100
BATCH = 1000


def answer_columns(kept: TrainingRows, tokenizer: Any) -> Any:
    """A dataset of the columns {input_ids, labels}; the loss ignores the prompt, whose labels are -100."""
    import numpy as np
    from datasets import Dataset

    input_ids, labels = [], []
    for (tokens,), start in _with_starts(kept, tokenizer):
        input_ids.append(tokens)
        labels.append(np.concatenate([np.full(start, IGNORED, np.int32), tokens[start:]]))
    return Dataset.from_dict({"input_ids": input_ids, "labels": labels})


def pair_columns(kept: TrainingRows, tokenizer: Any) -> Any:
    """A dataset of the columns {prompt_ids, chosen_ids, rejected_ids, length}; length is that of the longer side."""
    from datasets import Dataset

    columns: dict[str, list[Any]] = {"prompt_ids": [], "chosen_ids": [], "rejected_ids": [], "length": []}
    for (chosen, rejected), start in _with_starts(kept, tokenizer):
        columns["prompt_ids"].append(chosen[:start])
        columns["chosen_ids"].append(chosen[start:])
        columns["rejected_ids"].append(rejected[start:])
        columns["length"].append(max(len(chosen), len(rejected)))
    return Dataset.from_dict(columns)


def _with_starts(kept: TrainingRows, tokenizer: Any) -> Iterator[tuple[list[Any], int]]:
    """The conversations of each row, and where their answers start: after what they share with the prompt alone.

    Some templates render a prompt otherwise when it is answered, so it need not be all of the prompt.
    """
    from trl.data_utils import common_prefix_length

    for first in range(0, len(kept.rows), BATCH):
        prompts = [row["prompt"] for row in kept.rows[first : first + BATCH]]
        rendered = tokenizer.apply_chat_template(prompts, add_generation_prompt=True, return_dict=True)["input_ids"]
        for prompt, sides in zip(rendered, kept.tokens[first : first + BATCH], strict=True):
            yield sides, min(common_prefix_length(prompt, side.tolist()) for side in sides)
