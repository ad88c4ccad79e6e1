"""Which log days changed: fingerprints of names, sizes and times of change, so that looking is cheap."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from rl_assets.files import sha256_json
from rl_assets.ingest.landing import SUFFIXES, first_date, format_folders


def day_fingerprints(landing: Path) -> dict[str, str]:
    """A hash for every log day that has files. Raises LandingError or OSError where a folder cannot be read."""
    files: dict[str, list[tuple[str, int, int]]] = {}
    for root in format_folders(landing):
        for name, entry in _log_files(root, ""):
            if day := first_date(name):
                status = entry.stat()
                files.setdefault(str(day), []).append((f"{root.name}/{name}", status.st_size, status.st_mtime_ns))
    return {day: sha256_json(sorted(found)) for day, found in sorted(files.items())}


def changed_days(now: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
    """Days whose files are new, changed or gone since `before`, in order."""
    return sorted(day for day in now.keys() | before.keys() if now.get(day) != before.get(day))


def _log_files(folder: Path, below: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _log_files(Path(entry.path), f"{below}{entry.name}/")
            elif entry.name.endswith(SUFFIXES):
                yield f"{below}{entry.name}", entry
