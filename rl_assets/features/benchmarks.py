"""Benchmark contamination: rows that share a 13-gram with an item that models are evaluated on.

Brown et al. (2020, arXiv:2005.14165, appendix C) decontaminate by overlaps of 13 words. Shorter items count if a prompt
is equal to one.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl_assets.core.files import sha256_file, sha256_json
from rl_assets.features.words import words

NGRAM_WORDS = 13
QUESTIONS = frozenset({"prompt", "question", "query", "instruction", "input", "content", "text", "problem"})


class BenchmarkError(ValueError):
    """A benchmark file cannot be read; the message says which line and what to do."""


@dataclass(frozen=True)
class Benchmarks:
    """The items of the files in `<home>/eval`: their 13-grams, the short items, and the files' hash."""

    ngrams: frozenset[int]
    short: frozenset[tuple[str, ...]]
    sha256: str

    def overlap(self, texts: Sequence[str], question: str) -> bool:
        """Whether one of the texts shares a 13-gram with an item, or the question is a short item."""
        if not self.ngrams and not self.short:
            return False
        return tuple(words(question)) in self.short or any(
            not self.ngrams.isdisjoint(ngrams(words(text))) for text in texts
        )


def ngrams(tokens: Sequence[str]) -> Iterator[int]:
    """Hashes of the 13-grams of words; equal words have equal hashes within one process."""
    return map(hash, zip(*(tokens[start:] for start in range(NGRAM_WORDS)), strict=False))


def read_benchmarks(folder: Path | None) -> Benchmarks:
    """The items of `<folder>/*.jsonl`, every text of an object; none without a folder.

    Raises BenchmarkError if a line is not JSON.
    """
    files = sorted(folder.glob("*.jsonl")) if folder else []
    items = [item for path in files for item in _items(path)]
    return Benchmarks(
        frozenset(ngram for _, tokens in items for ngram in ngrams(tokens)),
        frozenset(tuple(tokens) for name, tokens in items if name in QUESTIONS and 0 < len(tokens) < NGRAM_WORDS),
        sha256_json([[path.name, sha256_file(path)] for path in files]),
    )


def _items(path: Path) -> Iterator[tuple[str, list[str]]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                value = json.loads(line) if line.strip() else None
            except ValueError as error:
                raise BenchmarkError(
                    f"{path}, line {number} is not JSON ({error}): fix it or remove the file"
                ) from error
            yield from ((name, words(text)) for name, text in _texts(value, ""))


def _texts(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, name)
