"""The landing folder: which files belong to which day. Other systems write and name them; they are never changed."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rl_assets.core import sql
from rl_assets.core.object_store import AnyPath, ObjectEntry, ObjectPath, list_folder
from rl_assets.ingest.conversion import converters

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")
DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
Entry = os.DirEntry[str] | ObjectEntry


class LandingError(ValueError):
    """The landing folder is missing or holds something that cannot be taken in; the message says what to do."""


@dataclass(frozen=True, order=True)
class LandedFile:
    """One log file: its name below the landing folder (stable across machines) and its path."""

    name: str
    format: str
    path: AnyPath


def formats() -> list[str]:
    """Names of the formats that can be read: one `sql/formats/<name>.sql` or one module in `ingest/formats` each."""
    return sorted([*converters(), *(path.stem for path in (sql.FOLDER / "formats").glob("*.sql"))])


def files_of(landing: AnyPath, day: date) -> list[LandedFile]:
    """The files whose path below their format folder names `day` first, in order of their names.

    Raises LandingError where the landing folder is missing, a format folder is unknown, a link leads out of it, or a
    folder below a format folder is a link.
    """
    return sorted(
        LandedFile(f"{folder.name}/{name}", folder.name, _inside(landing, path))
        for folder in format_folders(landing)
        for name, path in _dated(folder, "", day)
        if path.name.endswith(SUFFIXES)
    )


def passed_over(landing: AnyPath, day: date) -> list[str]:
    """Names of files under that day that no suffix says how to read; markers such as `_SUCCESS` are none."""
    return sorted(
        f"{folder.name}/{name}"
        for folder in format_folders(landing)
        for name, path in _dated(folder, "", day)
        if not path.name.endswith(SUFFIXES) and not path.name.startswith("_")
    )


def undated_files(landing: Path) -> list[Path]:
    """The `.jsonl` logs whose path names no day: they grow, and are landed piece by piece (see growing.py)."""
    paths = [landing / name for name in _undated(landing) if name.endswith(".jsonl")]
    return [path for path in paths if _inside(landing, path)]


def undated_others(landing: AnyPath) -> list[str]:
    """Names of files without a day that cannot be landed piece by piece: compressed logs, Parquet, any object."""
    return [name for name in _undated(landing) if isinstance(landing, ObjectPath) or not name.endswith(".jsonl")]


def entries(folder: AnyPath) -> list[Entry]:
    """What a folder holds but for hidden names, in order; OSError where it cannot be read."""
    found: list[Entry]
    if isinstance(folder, ObjectPath):
        found = [*list_folder(folder)]
    else:
        with os.scandir(folder) as scanned:
            found = [*scanned]
    return sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda entry: entry.name)


def format_folders(landing: AnyPath) -> list[AnyPath]:
    """The folder of each format; LandingError where there is no landing folder, or one of them is no format's."""
    if not landing.is_dir():
        raise LandingError(
            f"there is no landing folder {landing}: set RL_ASSETS_HOME, "
            f"or drop logs in {landing}/<format>/<YYYY-MM-DD>/"
        )
    folders = [landing / entry.name for entry in entries(landing) if entry.is_dir()]
    for folder in folders:
        if folder.name not in formats():
            raise LandingError(f"{folder} is no known log format; known formats: {', '.join(formats())}")
    return folders


def _undated(landing: AnyPath) -> list[str]:
    return sorted(f"{folder.name}/{name}" for folder in format_folders(landing) for name, _ in _dated(folder, "", None))


def _dated(folder: AnyPath, below: str, day: date | None) -> Iterator[tuple[str, AnyPath]]:
    """Files below a folder whose path names `day` first, or no day for None, with their names below it."""
    for entry in entries(folder):
        name, path = f"{below}{entry.name}", folder / entry.name
        found = first_date(name)
        if found not in (None, day):
            continue
        if entry.is_dir():
            if entry.is_symlink():
                raise LandingError(
                    f"{path} is a link to a folder, whose files could be read twice; move the folder there instead"
                )
            yield from _dated(path, f"{name}/", day)
        elif found == day:
            yield name, path


def first_date(path: str) -> date | None:
    """The first valid `YYYY-MM-DD` in a path, or None."""
    for match in DATE.finditer(path):
        try:
            return date(*map(int, match.groups()))
        except ValueError:
            continue
    return None


def _inside(landing: AnyPath, path: AnyPath) -> AnyPath:
    if isinstance(path, Path) and not path.resolve().is_relative_to(Path(str(landing)).resolve()):
        raise LandingError(f"{path} is a link that leads out of {landing}; copy the file instead")
    return path
