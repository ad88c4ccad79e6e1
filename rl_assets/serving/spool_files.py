"""Files of the spool: appended to whole lines at a time, sealed, and moved to the landing folder or object store.

`<worker>.<number>.<format>.jsonl` grows; `sealed/<format>/<day>/gateway-<worker>-<number>.jsonl` waits to be moved to
the same place below the landing folder. Every move can be repeated: it lands the same bytes under the same name, but
for lines that an erasure has overwritten with spaces, which count as landed.
"""

import errno
import fcntl
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from rl_assets.core.home import Home
from rl_assets.core.object_store import ObjectPath
from rl_assets.serving.spool_counts import FORMATS, SUFFIX, SpoolCounts

SEALED, BLANK = "sealed", b" "
OWN_NAME = re.compile(rf"[^.]+\.\d+\.({'|'.join(FORMATS)})\.jsonl")
logger = logging.getLogger(__name__)


class SpoolFile:
    """The file of one log format that a worker appends to. Methods raise OSError."""

    def __init__(self, folder: Path, worker: str, log_format: str, number: int) -> None:
        self.folder, self.worker, self.log_format, self.number = folder, worker, log_format, number
        self.path = folder / f"{worker}.{number}.{log_format}.jsonl"
        self.opened, self.size, self.lines, self._counted = time.monotonic(), 0, 0, 0
        self._is_torn = False
        self._file = self.path.open("xb", buffering=0)

    def append(self, lines: list[bytes]) -> None:
        """Add the lines, or none of them."""
        content = memoryview(b"".join(lines))
        self._cut_off_torn()
        written, self._is_torn = 0, True
        while written < len(content):
            written += self._file.write(content[written:])
        self._is_torn = False
        self.size += len(content)
        self.lines += len(lines)

    def _cut_off_torn(self) -> None:
        """Remove what an append has left that the disk refused half-way: it may have refused the removal then, too."""
        if self._is_torn:
            os.ftruncate(self._file.fileno(), self.size)
            self._file.seek(self.size)
            self._is_torn = False

    def seal(self, counts: SpoolCounts) -> None:
        """Move it to the sealed files; nothing is appended any more."""
        self._cut_off_torn()
        os.fsync(self._file.fileno())
        target = _sealed_path(self.folder, self.worker, self.log_format, self.number)
        counts.seal(self.log_format, self.lines - self._counted, self.number)
        self._counted = self.lines
        self.path.rename(target)
        self._file.close()


def _sealed_path(folder: Path, worker: str, log_format: str, number: int) -> Path:
    """Where a file is sealed today, in a folder that exists."""
    target = folder / SEALED / log_format / str(datetime.now(UTC).date()) / f"gateway-{worker}-{number}.jsonl"
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def land_sealed(home: Home) -> Iterator[int]:
    """Move every sealed file to where ingestion finds it; the lines of each. Raises OSError at the first failure."""
    root = home.serving / "spool" / SEALED
    for path in sorted(root.glob("*/*/*.jsonl")):
        try:
            yield _land(home, path, path.relative_to(root))
        except FileNotFoundError:
            if path.exists():
                raise
            # Another worker was faster.


def _land(home: Home, path: Path, name: Path) -> int:
    lines, blanked = _counted(path)
    if blanked:
        _drop_blanked(path)
    if blanked == lines:
        path.unlink()
        return lines
    landing = home.landing
    if isinstance(landing, ObjectPath):
        target = landing
        for part in name.parts:
            target = target / part
        target.put(path)
        path.unlink()
        return lines
    local = landing / name
    local.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.rename(local)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_across(path, local)
    return lines


def _counted(path: Path) -> tuple[int, int]:
    """Lines, and how many of them an erasure has overwritten with spaces."""
    lines = blanked = 0
    with path.open("rb") as file:
        for line in file:
            lines += 1
            blanked += line.startswith(BLANK)
    return lines, blanked


def _drop_blanked(path: Path) -> None:
    """Write the file again without them: to ingestion, each would be a line that is no JSON."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with path.open("rb") as file, part.open("wb") as kept:
            kept.writelines(line for line in file if not line.startswith(BLANK))
            kept.flush()
            os.fsync(kept.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def _move_across(path: Path, target: Path) -> None:
    """Move to another file system; readers ignore the hidden file meanwhile."""
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(path, part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    path.unlink()


def seal_leftovers(folder: Path) -> tuple[int, int]:
    """Seal the files of workers that are gone; the lines that these lost, and how many of them were torn."""
    lost = torn = 0
    for worker, counts_path in _gone_workers(folder):
        counts = SpoolCounts.read(counts_path) if counts_path.exists() else SpoolCounts()
        paths, lines_left = sorted(path for path in folder.glob(f"{worker}.*.jsonl") if _is_ours(path)), 0
        for path in paths:
            lines, cut = _without_torn_line(path)
            torn += cut
            lines_left += 0 if counts.is_sealed(*_format_and_number(path)) else lines
        lost += counts.missing(lines_left)
        # Before the files move: whoever is killed here leaves files that are found without counts, not counted twice.
        counts_path.unlink(missing_ok=True)
        for path in paths:
            if path.stat().st_size:
                path.rename(_sealed_path(folder, worker, *_format_and_number(path)))
            else:
                path.unlink()
    return lost, torn


def _is_ours(path: Path) -> bool:
    """Whether the name is one that a worker gives; files of others are left alone."""
    return OWN_NAME.fullmatch(path.name) is not None and path.is_file()


def _format_and_number(path: Path) -> tuple[str, int]:
    _, number, log_format, _ = path.name.split(".")
    return log_format, int(number)


def _gone_workers(folder: Path) -> Iterator[tuple[str, Path]]:
    """Workers whose lock is free, while it is held here, with the file of their counts, which may be missing."""
    workers = {path.name.split(".")[0] for path in folder.glob("*.jsonl") if _is_ours(path)}
    workers |= {path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}") if path.name[0] != "."}
    for worker in sorted(workers):
        path = folder / f"{worker}{SUFFIX}"
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield worker, path
        except BlockingIOError:
            continue
        except FileNotFoundError:
            yield worker, path


def _without_torn_line(path: Path) -> tuple[int, int]:
    """Complete or cut off a last line without an end: whole lines now, and lines cut off."""
    content = path.read_bytes()
    lines, rest = content.count(b"\n"), content[content.rfind(b"\n") + 1 :]
    if not rest:
        return lines, 0
    if _is_json(rest):
        with path.open("ab") as file:
            file.write(b"\n")
        return lines + 1, 0
    os.truncate(path, len(content) - len(rest))
    return lines, 1


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def spooled_bytes(folder: Path) -> int:
    """Bytes that have not landed."""
    return sum(_size(path) for path in _files(folder))


def _files(folder: Path) -> Iterable[Path]:
    yield from folder.glob("*.jsonl")
    yield from (folder / SEALED).glob("*/*/*.jsonl")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
