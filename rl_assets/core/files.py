"""Content hashes and atomic writes, so that a partly written file is never mistaken for a complete one."""

import ctypes
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import uuid4

# Of <linux/fs.h> and <fcntl.h>: swap two names; relative ones are relative to the working folder.
RENAME_EXCHANGE, AT_FDCWD = 2, -100
CANNOT_EXCHANGE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)
ABANDONED_AFTER_S = 24 * 3600


def sha256_text(text: str) -> str:
    """Hex sha256 of the UTF-8 text."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def sha256_json(value: Any) -> str:
    """Hex sha256 of a JSON value with sorted keys, so that equal values hash alike in any key order."""
    return sha256_text(json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str))


def sha256_file(path: Path) -> str:
    """Hex sha256 of a file's bytes, read in blocks."""
    with path.open("rb") as file:
        return sha256_stream(file)


def sha256_stream(file: Any) -> str:
    """Hex sha256 of the unread bytes of an open binary file."""
    return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_folder(folder: Path, pattern: str = "**/*") -> str:
    """Hex sha256 over relative names and bytes of the files in `folder` that match `pattern`."""
    files = sorted(path for path in folder.glob(pattern) if path.is_file())
    return sha256_json([[path.relative_to(folder).as_posix(), sha256_file(path)] for path in files])


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file (text as UTF-8) so that readers see the old content or the new, never a mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with part.open("wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, indented and with sorted keys."""
    write_atomically(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str) + "\n")


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces `folder` when the block succeeds and is removed when it fails.

    Readers see the old folder or the new at every instant, if the file system can swap names (Linux's can); else there
    is none for the moment between two renames.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    remove_abandoned(staging, f".{folder.name}.*")
    try:
        yield staging
        staging.chmod(0o755)
        if not folder.exists():
            staging.rename(folder)
        elif not _exchange(staging, folder):
            _replace_in_two_steps(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def remove_abandoned(new: Path, pattern: str) -> None:
    """Remove the folders beside `new` that killed writers left: those made a day before it, by the file system's clock.

    Our own clock may be ahead of that of the file system; folders of writers that are still running would be removed.
    """
    oldest = new.stat().st_mtime - ABANDONED_AFTER_S
    for folder in new.parent.glob(pattern):
        with suppress(OSError):  # It belongs to another user, or another process was faster.
            if folder.is_dir() and folder.stat().st_mtime < oldest:
                shutil.rmtree(folder)


def _exchange(first: Path, second: Path) -> bool:
    """Swap the names of two folders in one step; False if the file system cannot. Raises OSError for other failures."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    if libc.renameat2(AT_FDCWD, os.fsencode(first), AT_FDCWD, os.fsencode(second), RENAME_EXCHANGE) == 0:
        return True
    if (number := ctypes.get_errno()) in CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(first), None, str(second))


def _replace_in_two_steps(staging: Path, folder: Path) -> None:
    old = Path(mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
    folder.rename(old / folder.name)
    staging.rename(folder)
    shutil.rmtree(old)
