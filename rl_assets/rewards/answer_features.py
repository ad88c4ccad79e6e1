"""Named features of an answer that a linear reward head weighs: its form, and how it keeps to its prompt and context.

Each is a plain number that a person can check. No embedding enters a head as such: on some hundred pairs hundreds of
dimensions fit the pairs and not the preference.
"""

import math
import re
from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from rl_assets.core.identity import key_text

# Takes texts (n) to unit vectors (n x dimensions).
Embed = Callable[[Sequence[str]], NDArray[np.float32]]
Refuses = Callable[[Sequence[str]], Sequence[bool]]

LENGTH = "log_characters"
FORM = (
    LENGTH,
    "sentences",
    "words_per_sentence",
    "type_token_ratio",
    "repeated_trigrams",
    "lines",
    "list_items",
    "digit_share",
    "ends_with_punctuation",
    "refusal",
)
PROMPT = ("prompt_overlap",)
# Unknown for an answer whose context was not logged.
CONTEXT = ("words_in_context", "trigrams_in_context")
COSINE = "prompt_cosine"
WORD = re.compile(r"\w+")
SENTENCE_END = re.compile(r"[.!?。！？]+(?=\s|$)")
LIST_ITEM = re.compile(r"^\s*(?:[-*•+]|\d+[.)])\s+\S", re.MULTILINE)
CLOSING = ('"', "'", ")", "]", "»", "”", "’", "*", "_", "`")


def feature_names(cosine: bool) -> tuple[str, ...]:
    """The features in the order of `feature_table`'s columns."""
    return (*FORM, *PROMPT, *CONTEXT, *([COSINE] if cosine else []))


def feature_table(
    prompts: Sequence[str],
    answers: Sequence[str],
    contexts: Sequence[str | None],
    refuses: Refuses,
    embed: Embed | None = None,
) -> NDArray[np.float64]:
    """Features (answers x features) of parallel prompts, answers and contexts; NaN for what has no context.

    `embed` adds the cosine of prompt and answer. Counts are log(1 + n), so that the tenth sentence matters less than
    the second.
    """
    refused = refuses(answers)
    rows = [
        [*_form(answer, bool(flag)), _share_within(_words(answer), set(_words(prompt))), *_grounding(answer, context)]
        for prompt, answer, context, flag in zip(prompts, answers, contexts, refused, strict=True)
    ]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(FORM) + len(PROMPT) + len(CONTEXT))
    return table if embed is None else np.column_stack([table, _cosines(prompts, answers, embed)])


def _form(answer: str, refused: bool) -> list[float]:
    words, text = _words(answer), answer.strip()
    sentences = max(1, len(SENTENCE_END.findall(text)))
    trigrams = _trigrams(words)
    return [
        math.log1p(len(text)),
        math.log1p(sentences),
        math.log1p(len(words) / sentences),
        len(set(words)) / len(words) if words else 0.0,
        1 - len(set(trigrams)) / len(trigrams) if trigrams else 0.0,
        math.log1p(text.count("\n")),
        math.log1p(len(LIST_ITEM.findall(text))),
        sum(map(str.isdigit, text)) / len(text) if text else 0.0,
        float(text.rstrip("".join(CLOSING)).endswith((".", "!", "?", "。", "！", "？"))),
        float(refused),
    ]


def _grounding(answer: str, context: str | None) -> list[float]:
    """Shares of the answer's words and of its trigrams that stand in the context."""
    if context is None or not context.strip():
        return [math.nan] * len(CONTEXT)
    words, known = _words(answer), _words(context)
    return [_share_within(words, set(known)), _share_within(_trigrams(words), set(_trigrams(known)))]


def _share_within(parts: Sequence[object], known: Collection[object]) -> float:
    return sum(part in known for part in parts) / len(parts) if parts else 0.0


def _words(text: str) -> list[str]:
    return WORD.findall(key_text(text))


def _trigrams(words: Sequence[str]) -> list[tuple[str, ...]]:
    return [*zip(words, words[1:], words[2:], strict=False)]


def _cosines(prompts: Sequence[str], answers: Sequence[str], embed: Embed) -> NDArray[np.float64]:
    """Cosine of each prompt and its answer; each distinct text is embedded once."""
    distinct = sorted({*prompts, *answers})
    vectors = embed(distinct).astype(np.float64)
    place = {text: number for number, text in enumerate(distinct)}
    one, other = (vectors[[place[text] for text in texts]] for texts in (prompts, answers))
    return np.asarray((one * other).sum(axis=1))
