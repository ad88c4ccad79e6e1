"""The landing folder: which files belong to which day, and which days changed.

Other systems write and name the files; they are never changed here. Changes are seen by names, sizes and times of
change, so that a sensor tick is cheap.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rl_assets.core import sql
from rl_assets.core.files import sha256_json
from rl_assets.core.object_store import AnyPath, ObjectEntry, ObjectPath, list_folder
from rl_assets.ingest.conversion import python_formats

TEXT_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv")
SUFFIXES = (*(f"{text}{packed}" for text in TEXT_SUFFIXES for packed in ("", ".gz", ".zst")), ".parquet")
LOG_SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
# What logrotate and logging libraries append: service.jsonl.1, service.jsonl-20261128.gz, service.jsonl.2026-11-28.
# By its name service-20261128.jsonl is a log without a day, and service-2026-11-28.jsonl a file of that day.
ROTATED = re.compile(r"(?<=\.jsonl)[.~_-](?:\d[\dT:._-]*?|old|bak)(?=$|\.gz$|\.zst$)")
Entry = os.DirEntry[str] | ObjectEntry


class LandingError(ValueError):
    """The landing folder is missing or holds something that cannot be ingested; the message says what to do."""


@dataclass(frozen=True, order=True)
class LandedFile:
    """One log file: its name below the landing folder (stable across machines) and its path."""

    name: str
    format: str
    path: AnyPath


def formats() -> list[str]:
    """Names of all log formats: one `sql/formats/<name>.sql` or one module in `ingest/formats` each."""
    return sorted([*python_formats(), *(path.stem for path in (sql.FOLDER / "formats").glob("*.sql"))])


def files_of(landing: AnyPath, day: date) -> list[LandedFile]:
    """The files whose path below their format folder names `day` first, in order of their names.

    Raises LandingError if the landing folder is missing, a format folder is unknown, a link leads out of it, or a
    folder below a format folder is a link.
    """
    return sorted(
        LandedFile(f"{folder.name}/{name}", folder.name, inside(landing, path))
        for folder in format_folders(landing)
        for name, path in _dated(folder, "", day)
        if path.name.endswith(SUFFIXES)
    )


def skipped_files(landing: AnyPath, day: date) -> list[str]:
    """Names of files of that day with an unknown suffix; markers such as `_SUCCESS` are ignored."""
    return sorted(
        f"{folder.name}/{name}"
        for folder in format_folders(landing)
        for name, path in _dated(folder, "", day)
        if not path.name.endswith(SUFFIXES) and not path.name.startswith("_")
    )


def undated_files(landing: Path) -> list[Path]:
    """The append-only logs and their rotated files: JSON lines whose path names no day but that of the rotation.

    They land in chunks (see append_only_logs.py).
    """
    return [landing / name for name in _undated(landing) if is_log(name)]


def undated_others(landing: AnyPath) -> list[str]:
    """Names of files without a day that cannot land in chunks: Parquet, other suffixes, any object."""
    return [name for name in _undated(landing) if isinstance(landing, ObjectPath) or not is_log(name)]


def is_log(name: str) -> bool:
    """Whether the file holds JSON lines, by its name but for the suffix of a rotation."""
    return ROTATED.sub("", name).endswith(LOG_SUFFIXES)


def is_rotated(name: str) -> bool:
    """Whether nobody appends to the log any more, by its name: it is rotated or compressed."""
    return not name.endswith(".jsonl")


def entries(folder: AnyPath) -> list[Entry]:
    """Everything in a folder but hidden names, in order; OSError if it cannot be read."""
    listed: list[Entry]
    if isinstance(folder, ObjectPath):
        listed = [*list_folder(folder)]
    else:
        with os.scandir(folder) as scanned:
            listed = [*scanned]
    return sorted((entry for entry in listed if not entry.name.startswith(".")), key=lambda entry: entry.name)


def format_folders(landing: AnyPath) -> list[AnyPath]:
    """The folder of each format; LandingError if there is no landing folder, or one of them is no format's."""
    if not landing.is_dir():
        raise LandingError(
            f"there is no landing folder {landing}: set RL_ASSETS_HOME, or put logs in {landing}/<format>/<YYYY-MM-DD>/"
        )
    folders = [landing / entry.name for entry in entries(landing) if entry.is_dir()]
    for folder in folders:
        if folder.name not in formats():
            raise LandingError(f"{folder} is not a known log format; known formats: {', '.join(formats())}")
    return folders


def _undated(landing: AnyPath) -> list[str]:
    return sorted(f"{folder.name}/{name}" for folder in format_folders(landing) for name, _ in _dated(folder, "", None))


def _dated(folder: AnyPath, below: str, day: date | None) -> Iterator[tuple[str, AnyPath]]:
    """Files below a folder whose path names `day` first, or no day if None, with their names below it."""
    for entry in entries(folder):
        name, path = f"{below}{entry.name}", folder / entry.name
        named = first_date(name)
        if named not in (None, day):
            continue
        if entry.is_dir():
            if entry.is_symlink():
                raise LandingError(
                    f"{path} is a link to a folder, whose files could be read twice; move the folder there instead"
                )
            yield from _dated(path, f"{name}/", day)
        elif named == day:
            yield name, path


def first_date(path: str) -> date | None:
    """The first valid `YYYY-MM-DD` in a path, or None. The day of a rotation is not the day of the lines."""
    for match in DATE.finditer(ROTATED.sub("", path)):
        try:
            return date(*map(int, match.groups()))
        except ValueError:
            continue
    return None


def inside(landing: AnyPath, path: AnyPath) -> AnyPath:
    """The path. Raises LandingError if it is a link that leads out of the landing folder."""
    if isinstance(path, Path) and not path.resolve().is_relative_to(Path(str(landing)).resolve()):
        raise LandingError(f"{path} is a link that leads out of {landing}; copy the file instead")
    return path


def day_fingerprints(landing: AnyPath) -> dict[str, str]:
    """A hash for every log day that has files. Raises LandingError or OSError if a folder cannot be read."""
    files: dict[str, list[tuple[str, int, int]]] = {}
    for day, file, entry in _dated_files(landing):
        status = entry.stat()
        files.setdefault(day, []).append((file.name, status.st_size, status.st_mtime_ns))
    return {day: sha256_json(sorted(entries)) for day, entries in sorted(files.items())}


def files_by_day(landing: AnyPath) -> dict[str, list[LandedFile]]:
    """The files of every log day that has any, from one walk over the landing folder."""
    files: dict[str, list[LandedFile]] = {}
    for day, file, _ in _dated_files(landing):
        files.setdefault(day, []).append(file)
    return files


def _dated_files(landing: AnyPath) -> Iterator[tuple[str, LandedFile, Entry]]:
    for root in format_folders(landing):
        for name, entry in _log_files(root):
            if day := first_date(name):
                yield str(day), LandedFile(f"{root.name}/{name}", root.name, root / name), entry


def check_not_emptied(landing: AnyPath, now: Mapping[str, str], known: Iterable[str]) -> None:
    """Raise LandingError if there are no log files at all although there were some for the `known` days."""
    known = sorted(set(known))
    if known and not now:
        raise LandingError(
            f"{landing} has no log file left, but had some of {len(known)} days, {known[0]} to {known[-1]}: nothing is "
            "requested and all tables are kept. Is its share or bucket mounted and readable?"
        )


def changed_days(now: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
    """Days whose files are new, changed or gone since `before`, in order."""
    return sorted(day for day in now.keys() | before.keys() if now.get(day) != before.get(day))


def fingerprints_to_remember(
    now: Mapping[str, str], before: Mapping[str, str], waiting: Iterable[str]
) -> dict[str, str]:
    """The fingerprints for the next tick; `waiting` days keep their previous one, and so count as changed again."""
    deferred = set(waiting)
    handled = {day: fingerprint for day, fingerprint in now.items() if day not in deferred}
    return handled | {day: fingerprint for day, fingerprint in before.items() if day in deferred}


def _log_files(folder: AnyPath, below: str = "") -> Iterator[tuple[str, Entry]]:
    if isinstance(folder, ObjectPath):
        for entry in list_folder(folder, recursive=True):
            if entry.name.endswith(SUFFIXES) and not any(part.startswith(".") for part in entry.name.split("/")):
                yield entry.name, entry
        return
    for item in entries(folder):
        if item.is_dir(follow_symlinks=False):
            yield from _log_files(folder / item.name, f"{below}{item.name}/")
        elif item.name.endswith(SUFFIXES):
            yield f"{below}{item.name}", item
