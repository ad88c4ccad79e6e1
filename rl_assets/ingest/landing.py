"""The landing folder: which files belong to which day. Other systems write and name them; they are never changed."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rl_assets import sql
from rl_assets.ingest.conversion import converters

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")
DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")


class LandingError(ValueError):
    """The landing folder is missing or holds something that cannot be taken in; the message says what to do."""


@dataclass(frozen=True, order=True)
class LandedFile:
    """One log file: its name below the landing folder (stable across machines) and its path."""

    name: str
    format: str
    path: Path


def formats() -> list[str]:
    """Names of the formats that can be read: one `sql/format_<name>.sql` or one module in `ingest/formats` each."""
    return sorted([*converters(), *(path.stem.removeprefix("format_") for path in sql.FOLDER.glob("format_*.sql"))])


def files_of(landing: Path, day: date) -> list[LandedFile]:
    """The files whose path below their format folder names `day` first, in order of their names.

    Raises LandingError where the landing folder is missing, a format folder is unknown, a link leads out of it, or a
    folder below a format folder is a link.
    """
    return sorted(file for folder in format_folders(landing) for file in _dated(landing, folder, folder, day))


def undated_files(landing: Path) -> list[Path]:
    """The `.jsonl` logs whose path names no day: they grow, and are landed piece by piece (see growing.py)."""
    return sorted(path for folder in format_folders(landing) for path in _undated(landing, folder, folder))


def _undated(landing: Path, root: Path, folder: Path) -> Iterator[Path]:
    for entry in os.scandir(folder):
        path = Path(entry.path)
        if entry.name.startswith(".") or first_date(path.relative_to(root).as_posix()):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _undated(landing, root, path)
        elif entry.name.endswith(".jsonl"):
            yield _inside(landing, path)


def format_folders(landing: Path) -> list[Path]:
    """The folder of each format; LandingError where there is no landing folder, or one of them is no format's."""
    if not landing.is_dir():
        raise LandingError(
            f"there is no landing folder {landing}: set RL_ASSETS_HOME, "
            f"or drop logs in {landing}/<format>/<YYYY-MM-DD>/"
        )
    folders = [folder for folder in sorted(landing.iterdir()) if folder.is_dir() and not folder.name.startswith(".")]
    for folder in folders:
        if folder.name not in formats():
            raise LandingError(f"{folder} is no known log format; known formats: {', '.join(formats())}")
    return folders


def _dated(landing: Path, root: Path, folder: Path, day: date) -> Iterator[LandedFile]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path)
        found = first_date(path.relative_to(root).as_posix())
        if entry.name.startswith(".") or found not in (None, day):
            continue
        if entry.is_dir():
            if entry.is_symlink():
                raise LandingError(
                    f"{path} is a link to a folder, whose files could be read twice; move the folder there instead"
                )
            yield from _dated(landing, root, path, day)
        elif found == day and entry.name.endswith(SUFFIXES):
            yield LandedFile(path.relative_to(landing).as_posix(), root.name, _inside(landing, path))


def first_date(path: str) -> date | None:
    """The first valid `YYYY-MM-DD` in a path, or None."""
    for match in DATE.finditer(path):
        try:
            return date(*map(int, match.groups()))
        except ValueError:
            continue
    return None


def _inside(landing: Path, path: Path) -> Path:
    if not path.resolve().is_relative_to(landing.resolve()):
        raise LandingError(f"{path} is a link that leads out of {landing}; copy the file instead")
    return path
