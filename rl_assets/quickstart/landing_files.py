"""Log entries and their files: one gzip file a format, day and source, the same bytes every time."""

import gzip
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One line of a log: its format, the source it comes from, when it was written, and its content."""

    format: str
    source: str
    written_at: datetime
    row: dict[str, Any]

    @property
    def file(self) -> str:
        """Path below the landing folder: the day in it is the day the line was written."""
        return f"{self.format}/{self.written_at.date().isoformat()}/{self.source}.jsonl.gz"


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a source file, one per line.

    Raises FileNotFoundError naming the file when the source folder does not hold it.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: --source must name the folder that holds {path.parent.name}/")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def as_line(row: dict[str, Any]) -> str:
    """One compact JSON line with its newline."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


def lines_by_file(entries: Iterable[Entry]) -> dict[str, list[str]]:
    """Lines of each file in the order they were written; lines of one second are ordered by their text."""
    files: dict[str, list[tuple[datetime, str]]] = {}
    for entry in entries:
        files.setdefault(entry.file, []).append((entry.written_at, as_line(entry.row)))
    return {name: [line for _, line in sorted(files[name])] for name in sorted(files)}


def compressed(text: str) -> bytes:
    """Gzip without a file name or time in the header, so equal text gives equal bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(text.encode("utf-8"))
    return buffer.getvalue()


def write_files(landing: Path, files: dict[str, list[str]]) -> None:
    """Write the lines of each file below `landing`, compressed where the name ends in .gz."""
    for name, lines in files.items():
        path = landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(lines)
        path.write_bytes(compressed(text) if name.endswith(".gz") else text.encode("utf-8"))
