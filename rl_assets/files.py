"""Content hashes and atomic writes: what makes a half-written file impossible to mistake for a whole one."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import uuid4


def sha256_text(text: str) -> str:
    """Hex sha256 of the UTF-8 text."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def sha256_json(value: Any) -> str:
    """Hex sha256 of a JSON value with sorted keys, so equal values hash alike whatever their key order."""
    return sha256_text(json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str))


def sha256_file(path: Path) -> str:
    """Hex sha256 of a file's bytes, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_folder(folder: Path, pattern: str = "**/*") -> str:
    """Hex sha256 over relative names and bytes of the files in `folder` that match `pattern`."""
    files = sorted(path for path in folder.glob(pattern) if path.is_file())
    return sha256_json([[path.relative_to(folder).as_posix(), sha256_file(path)] for path in files])


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file (text as UTF-8) so that readers see the old content or the new, never a part."""
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
    """Yield an empty folder that takes the place of `folder` when the block ends well and vanishes when it fails."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        yield staging
        staging.chmod(0o755)
        if folder.exists():
            old = Path(mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
            folder.rename(old / folder.name)
            staging.rename(folder)
            shutil.rmtree(old)
        else:
            staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
