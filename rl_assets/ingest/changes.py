"""Which log days changed: fingerprints of names, sizes and times of change, so that looking is cheap."""

from collections.abc import Iterable, Iterator, Mapping

from rl_assets.core.files import sha256_json
from rl_assets.core.object_store import AnyPath, ObjectPath, list_folder
from rl_assets.ingest.landing import SUFFIXES, Entry, entries, first_date, format_folders


def day_fingerprints(landing: AnyPath) -> dict[str, str]:
    """A hash for every log day that has files. Raises LandingError or OSError where a folder cannot be read."""
    files: dict[str, list[tuple[str, int, int]]] = {}
    for root in format_folders(landing):
        for name, entry in _log_files(root):
            if day := first_date(name):
                status = entry.stat()
                files.setdefault(str(day), []).append((f"{root.name}/{name}", status.st_size, status.st_mtime_ns))
    return {day: sha256_json(sorted(found)) for day, found in sorted(files.items())}


def changed_days(now: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
    """Days whose files are new, changed or gone since `before`, in order."""
    return sorted(day for day in now.keys() | before.keys() if now.get(day) != before.get(day))


def looked_at(now: Mapping[str, str], before: Mapping[str, str], waiting: Iterable[str]) -> dict[str, str]:
    """The fingerprints to remember when the days `waiting` are to be found changed again: theirs stay as before."""
    left = set(waiting)
    return {day: found for day, found in now.items() if day not in left} | {
        day: found for day, found in before.items() if day in left
    }


def _log_files(folder: AnyPath, below: str = "") -> Iterator[tuple[str, Entry]]:
    if isinstance(folder, ObjectPath):
        for stored in list_folder(folder, recursive=True):
            if stored.name.endswith(SUFFIXES) and not any(part.startswith(".") for part in stored.name.split("/")):
                yield stored.name, stored
        return
    for entry in entries(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _log_files(folder / entry.name, f"{below}{entry.name}/")
        elif entry.name.endswith(SUFFIXES):
            yield f"{below}{entry.name}", entry
