"""Files of JSON lines below `datasets` that quote answers for people to read: lines of the erased are dropped.

A line is of the erased if one of its ids is, or if a text in it is one of theirs.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rl_assets.core.files import write_atomically
from rl_assets.governance.scope import ErasureScope
from rl_assets.lake.tombstones import INTERACTION_IDS

# Datasets that are such files; all others are folders of splits.
NAMES = ("active_learning_queue",)


def lines_of_erased(datasets: Path, scope: ErasureScope) -> dict[str, int]:
    """Lines of the erased by file below `datasets`; files without any are absent."""
    counts = {
        path.relative_to(datasets).as_posix(): sum(_is_erased(line, scope) for line in _lines(path))
        for path in _files(datasets)
    }
    return {name: count for name, count in counts.items() if count}


def drop_lines(datasets: Path, files: Mapping[str, int], scope: ErasureScope) -> None:
    """Write these files again without lines of the erased, each atomically."""
    for name in files:
        path = datasets / name
        write_atomically(path, "".join(f"{line}\n" for line in _lines(path) if not _is_erased(line, scope)))


def _files(datasets: Path) -> Iterator[Path]:
    for name in NAMES:
        yield from sorted((datasets / name).glob("*/*.jsonl"))


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line]


def _is_erased(line: str, scope: ErasureScope) -> bool:
    row = json.loads(line)
    ids = scope.in_datasets | scope.feedback_ids
    return any(row.get(name) in ids for name in INTERACTION_IDS) or any(text in scope.texts for text in _texts(row))


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
