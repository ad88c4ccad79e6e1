"""Greedy answers to prompts, in batches that fit the memory."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rl_assets.core.chat import Message
from rl_assets.models.encoding import context_length, left_padded, pad_id, prompt_ids
from rl_assets.models.end_of_turn import end_of_turn_ids, until_end_of_turn
from rl_assets.models.memory import MAX_CPU_ANSWER_TOKENS, rows_within_memory, run_in_batches
from rl_assets.models.phase import Phase

BATCH_SIZE = 64


@dataclass(frozen=True)
class Answer:
    """One generated answer; `tokens` counts the new tokens, the end token included, `prompt_tokens` those before."""

    text: str
    tokens: int
    finished: bool
    prompt_tokens: int


@dataclass(frozen=True)
class Generation:
    """Answers in the order of the prompts, and the wall time of the batched run in seconds."""

    answers: list[Answer]
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        """New tokens per second over the batched run."""
        return sum(answer.tokens for answer in self.answers) / self.seconds if self.seconds > 0 else 0.0


def generate(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[Message]],
    max_new_tokens: int,
    log: Callable[[str], None],
) -> Generation:
    """The greedy answer to every prompt: no sampling, so the same model gives the same answers.

    Raises ValueError if a prompt leaves no room for `max_new_tokens` in the model's context: who asks leaves such
    prompts out. DeviceMemoryError if a single prompt does not fit the memory.
    """
    encoded = [prompt_ids(tokenizer, prompt) for prompt in prompts]
    _check_room(encoded, max_new_tokens, context_length(model))
    phase = Phase("answers", len(prompts), log)

    def run(batch: list[int], done: int) -> list[Answer]:
        part = _part_of(phase, done, len(batch), max_new_tokens)
        return _answer_batch(model, tokenizer, [encoded[row] for row in batch], max_new_tokens, part)

    def fitting(length: int) -> int:
        return rows_within_memory(model, length + max_new_tokens, 1, BATCH_SIZE, MAX_CPU_ANSWER_TOKENS)

    started = time.perf_counter()
    answers = run_in_batches([len(ids) for ids in encoded], fitting, run, log)
    log(f"answered {len(answers)} prompts")
    return Generation(answers, time.perf_counter() - started)


def _check_room(encoded: Sequence[Sequence[int]], max_new_tokens: int, context: int) -> None:
    max_prompt = max((len(ids) for ids in encoded), default=0)
    if max_prompt + max_new_tokens > context:
        raise ValueError(
            f"a prompt of {max_prompt} and {max_new_tokens} new tokens exceed the model's context of {context}"
        )


def _part_of(phase: Phase, before: int, batch: int, max_new_tokens: int) -> Callable[[int], None]:
    """Reports the phase by the new tokens of a batch: as if all of its answers were to be of that length."""
    return lambda tokens: phase.report(before + batch * tokens / max_new_tokens)


def _answer_batch(
    model: Any, tokenizer: Any, rows: list[list[int]], max_new_tokens: int, report: Callable[[int], None]
) -> list[Answer]:
    width = max(len(row) for row in rows)
    ends = end_of_turn_ids(tokenizer, model)
    output = greedy(model, tokenizer, rows, max_new_tokens, report=report)
    return [_decode(tokenizer, ids[width:], ends, len(row)) for row, ids in zip(rows, output.tolist(), strict=True)]


def greedy(
    model: Any,
    tokenizer: Any,
    rows: list[list[int]],
    max_new_tokens: int,
    min_new_tokens: int = 0,
    report: Callable[[int], None] | None = None,
) -> Any:
    """Prompt and new ids (rows x width + new), left-padded, of greedy decoding with the key-value cache.

    `report` is told the number of new tokens after each. The model's own generation settings (temperature, penalties)
    are ignored: they differ between bases.
    """
    import torch
    from transformers import GenerationConfig

    ids, masks = left_padded(rows, pad_id(tokenizer))
    config = GenerationConfig(
        do_sample=False,
        num_beams=1,
        use_cache=True,
        max_new_tokens=max_new_tokens,
        min_new_tokens=min_new_tokens or None,
        eos_token_id=sorted(end_of_turn_ids(tokenizer, model)),
        pad_token_id=pad_id(tokenizer),
    )
    with torch.inference_mode():
        return model.generate(
            input_ids=torch.tensor(ids, device=model.device),
            attention_mask=torch.tensor(masks, device=model.device),
            generation_config=config,
            stopping_criteria=[_reporting(len(ids[0]), report)] if report else None,
        )


def _reporting(width: int, report: Callable[[int], None]) -> Callable[..., Any]:
    """A stopping criterion that stops nothing: it is called after each token of the batch."""
    import torch

    def criterion(ids: Any, scores: Any, **kwargs: Any) -> Any:
        report(ids.shape[1] - width)
        return torch.zeros(ids.shape[0], dtype=torch.bool, device=ids.device)

    return criterion


def _decode(tokenizer: Any, ids: list[int], ends: frozenset[int], prompt_tokens: int) -> Answer:
    written = until_end_of_turn(ids, ends)
    finished = bool(written) and written[-1] in ends
    text = tokenizer.decode(written[:-1] if finished else written, skip_special_tokens=True).strip()
    return Answer(text=text, tokens=len(written), finished=finished, prompt_tokens=prompt_tokens)
