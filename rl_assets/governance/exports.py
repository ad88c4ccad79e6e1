"""Datasets that users of the feedback service exported: rows of texts without ids, by which the erased are found."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from rl_assets.core.blank import stripped
from rl_assets.core.files import write_atomically


def rows_in_exports(exports: Path, texts: frozenset[str]) -> dict[str, int]:
    """Files below `exports` with rows that hold one of the texts, by their relative path, and how many rows."""
    wanted = _wanted(texts)
    files = [path for path in sorted(exports.rglob("*.jsonl")) if path.is_file() and not path.is_symlink()]
    held = {path: sum(_holds(line, wanted) for line in _lines(path)) for path in files if wanted}
    return {path.relative_to(exports).as_posix(): rows for path, rows in held.items() if rows}


def drop_from_exports(exports: Path, files: Collection[str], texts: frozenset[str]) -> None:
    """Write the files again without those rows; a file without any other row is deleted."""
    wanted = _wanted(texts)
    for path in (exports / name for name in files):
        kept = [line for line in _lines(path) if not _holds(line, wanted)]
        if kept:
            write_atomically(path, "".join(kept).encode("utf-8"))
        else:
            path.unlink()


def _wanted(texts: frozenset[str]) -> frozenset[str]:
    return frozenset(map(stripped, texts)) - {""}


def _lines(path: Path) -> list[str]:
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        return list(file)


def _holds(line: str, texts: frozenset[str]) -> bool:
    """Whether one of a row's values is one of the texts; of a line that somebody broke, whether it contains one."""
    try:
        row = json.loads(line)
    except ValueError:
        return any(text in line for text in texts)
    return any(stripped(value) in texts for value in _values(row))


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _values(inner)
