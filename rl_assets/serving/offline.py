"""What a served adapter's answers must agree with: the same weights on the same base, in this process.

The base is in 16 or 32 bits, as servers hold it, also if the adapter was trained on a quantized one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rl_assets.core.chat import Message
from rl_assets.core.files import sha256_json, sha256_text
from rl_assets.core.home import Home
from rl_assets.evaluation.run.inputs import read_split
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.chat_template import render
from rl_assets.models.encoding import context_length, prompt_ids
from rl_assets.models.generation import Answer, generate
from rl_assets.models.latency import evenly_spaced
from rl_assets.models.loading import chat_rules_of, load_tokenizer
from rl_assets.models.log_probabilities import LogProbability, log_probabilities, token_log_probabilities
from rl_assets.models.switching import SwitchedModels
from rl_assets.serving.parity import MAX_TOKENS, PROMPTS
from rl_assets.serving.preflight import Templates
from rl_assets.serving.roles import DAY_PATTERN
from rl_assets.serving.served_answers import ServedAnswer

# Prompts that candidate and base both answer, to choose those from on which they differ most.
POOL = 4 * PROMPTS

Prompt = Sequence[Message]
Log = Callable[[str], None]


@dataclass(frozen=True)
class CheckPrompts:
    """Prompts with their token ids by the template of the training, and the adapter's own greedy answers."""

    prompts: list[Prompt]
    ids: list[list[int]]
    answers: list[Answer]


class OfflineModels:
    """A base with adapters that are switched; loaded when it is first used."""

    def __init__(self, base: BaseModel, log: Log) -> None:
        self.base, self.log = base, log
        self._tokenizers: dict[str, Any] = {}

    @cached_property
    def switched(self) -> SwitchedModels:
        """The models."""
        return SwitchedModels(self.base, None, self.log)

    def tokenizer(self, adapter: Adapter) -> Any:
        """The tokenizer that renders conversations as in the adapter's training."""
        rules = chat_rules_of(adapter)
        key = rules.model_dump_json()
        if key not in self._tokenizers:
            self._tokenizers[key] = load_tokenizer(self.base, rules)
            self._tokenizers[key].padding_side = "left"
        return self._tokenizers[key]

    def templates(self, adapter: Adapter) -> Templates:
        """Hashes of the base's chat template, by the default rules and by the adapter's."""
        default = load_tokenizer(self.base).chat_template
        return Templates(sha256_text(default), sha256_text(self.tokenizer(adapter).chat_template))

    def choose(self, adapter: Adapter, held_out: Sequence[Prompt]) -> CheckPrompts:
        """The prompts on which the adapter and its base differ most, half of them with earlier turns if there are such.

        They differ by the log-probability per token of the adapter's own answer. ValueError if there is no prompt.
        """
        tokenizer = self.tokenizer(adapter)
        pool = self._pool(adapter, held_out)
        model = self.switched.switch_to(adapter)
        answers = generate(model, tokenizer, pool, MAX_TOKENS, self.log).answers
        texts = [answer.text for answer in answers]
        ours, bases = (self.text_values(adapter, scale, pool, texts) for scale in (1.0, 0.0))
        gains = [own.per_token - base.per_token for own, base in zip(ours, bases, strict=True)]
        order = sorted(range(len(pool)), key=lambda row: (-gains[row], row))
        kept = _half_with_turns(order, [_has_turns(prompt) for prompt in pool])
        return CheckPrompts(
            [pool[row] for row in kept],
            [prompt_ids(tokenizer, pool[row]) for row in kept],
            [answers[row] for row in kept],
        )

    def _pool(self, adapter: Adapter, held_out: Sequence[Prompt]) -> list[Prompt]:
        """Prompts that the template renders and the context holds, evenly spaced, half with earlier turns."""
        tokenizer, context = self.tokenizer(adapter), context_length(self.switched.model)
        rendered = [prompt for prompt in held_out if render(tokenizer, list(prompt), served=True) is not None]
        fitting = [prompt for prompt in rendered if len(prompt_ids(tokenizer, prompt)) + MAX_TOKENS <= context]
        if not fitting:
            raise ValueError(
                f"None of {len(held_out)} held-out prompts fits the base model's context of {context} tokens with "
                f"{MAX_TOKENS} more: there is nothing by which the served answers could be checked."
            )
        several = _at_most(POOL // 2, [prompt for prompt in fitting if _has_turns(prompt)])
        single = [prompt for prompt in fitting if not _has_turns(prompt)]
        return [*several, *_at_most(POOL - len(several), single)]

    def text_values(
        self, adapter: Adapter, scale: float, prompts: Sequence[Prompt], texts: Sequence[str]
    ) -> list[LogProbability]:
        """log p of a text as the answer to each prompt, with the adapter at that scale."""
        model = self.switched.at_scale(adapter, scale)
        questions = [(prompt, [text]) for prompt, text in zip(prompts, texts, strict=True)]
        return [row[0] for row in log_probabilities(model, self.tokenizer(adapter), questions, self.log)]

    def token_values(
        self, adapter: Adapter, scale: float, rows: Sequence[tuple[list[int], list[int]]]
    ) -> list[list[float]]:
        """log p of each token of (prompt, completion), in nats, with the adapter at that scale."""
        model = self.switched.at_scale(adapter, scale)
        return token_log_probabilities(model, self.tokenizer(adapter), rows, self.log)


def held_out_prompts(home: Home, adapter: Adapter) -> list[Prompt]:
    """Distinct prompts of the SFT dataset's test split, of the adapter's day or of the newest before it.

    FileNotFoundError if there is no such dataset.
    """
    days = sorted(path.name for path in home.datasets("sft_dataset").glob(DAY_PATTERN) if path.name <= adapter.day)
    if not days:
        raise FileNotFoundError(
            f"There is no sft_dataset up to {adapter.day}, whose held-out prompts show whether the adapter is served "
            "as it was measured: materialize sft_dataset of that day."
        )
    rows = read_split(home.datasets("sft_dataset", days[-1]), "test", ["messages"])
    prompts = [[{"role": m["role"], "content": m["content"]} for m in row["messages"][:-1]] for row in rows]
    distinct = {sha256_json(prompt): prompt for prompt in prompts}
    return [distinct[key] for key in sorted(distinct)]


def answer_token_ids(tokenizer: Any, answer: ServedAnswer) -> list[int] | None:
    """Ids of an answer's tokens: those that the server gives, or its texts encoded again.

    None without log-probabilities, or if the texts' own ids are others; an end token that has no text is left out.
    """
    if not answer.tokens:
        return None
    if answer.token_ids is not None and len(answer.token_ids) == len(answer.tokens):
        return list(answer.token_ids)
    texts = [token.text for token in answer.tokens]
    ids: list[int] = tokenizer.encode("".join(texts), add_special_tokens=False)
    shown = texts[:-1] if texts[-1] == "" else texts
    same = [tokenizer.decode([token], clean_up_tokenization_spaces=False) for token in ids] == shown
    return ids if ids and same else None


def _at_most(size: int, prompts: Sequence[Prompt]) -> list[Prompt]:
    return list(prompts) if len(prompts) <= size else list(evenly_spaced(prompts, size))


def _has_turns(prompt: Prompt) -> bool:
    """Whether the assistant has answered before."""
    return any(message["role"] == "assistant" for message in prompt)


def _half_with_turns(order: Sequence[int], turns: Sequence[bool]) -> list[int]:
    """The first PROMPTS rows, of which at least half have earlier turns if there are as many."""
    several = [row for row in order if turns[row]][: PROMPTS // 2]
    others = [row for row in order if row not in several]
    kept = {*several, *others[: PROMPTS - len(several)]}
    return [row for row in order if row in kept]
