"""Benchmark decontamination: rows that share thirteen words in a row with an item that models are evaluated on.

Thirteen words are the overlap that Brown et al. (2020, arXiv:2005.14165, appendix C) decontaminate by. Items that are
shorter count where a prompt asks exactly them.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl_assets.core.files import sha256_file, sha256_json
from rl_assets.features.words import words

WORDS = 13
QUESTIONS = frozenset({"prompt", "question", "query", "instruction", "input", "content", "text", "problem"})


class BenchmarkError(ValueError):
    """A benchmark file cannot be read; the message says which line and what to do."""


@dataclass(frozen=True)
class Benchmarks:
    """What the files of `<home>/eval` ask: their runs of thirteen words, their short items, and the files' hash."""

    runs: frozenset[int]
    short: frozenset[tuple[str, ...]]
    sha256: str

    def overlap(self, texts: Sequence[str], question: str) -> bool:
        """Whether one of the texts shares thirteen words in a row with an item, or the question is a short item."""
        if not self.runs and not self.short:
            return False
        return tuple(words(question)) in self.short or any(
            not self.runs.isdisjoint(runs(words(text))) for text in texts
        )


def runs(said: Sequence[str]) -> Iterator[int]:
    """Hashes of the runs of thirteen words; equal words have equal hashes within one process."""
    return map(hash, zip(*(said[start:] for start in range(WORDS)), strict=False))


def read_benchmarks(folder: Path | None) -> Benchmarks:
    """The items of `<folder>/*.jsonl`, every text of an object; none where there is no folder.

    Raises BenchmarkError where a line is not JSON.
    """
    files = sorted(folder.glob("*.jsonl")) if folder else []
    items = [item for path in files for item in _items(path)]
    return Benchmarks(
        frozenset(run for _, said in items for run in runs(said)),
        frozenset(tuple(said) for name, said in items if name in QUESTIONS and 0 < len(said) < WORDS),
        sha256_json([[path.name, sha256_file(path)] for path in files]),
    )


def _items(path: Path) -> Iterator[tuple[str, list[str]]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                value = json.loads(line) if line.strip() else None
            except ValueError as error:
                raise BenchmarkError(
                    f"{path}, line {number} is not JSON ({error}): mend it or take the file away"
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
