"""Files that users of the service ask for, below the home's exports: new ones only, at plain relative paths."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

from rl_assets.service.errors import STATUS_DISK_FULL, ServiceError

FIELD = "save_to_file"
# A name may have 255 bytes, and while a file is written its name is longer.
MAX_NAME = 200


def export_path(exports: Path, name: str, suffix: str) -> Path:
    """Where a file of that name goes. Raises ServiceError (400) for a name that leads elsewhere, or is taken."""
    parts = PurePosixPath(name).parts
    if not parts or PurePosixPath(name).is_absolute() or "\\" in name or ":" in name:
        raise _unusable(f"{name!r} is no relative path: give one below the exports of the home")
    if any(part in ("..", ".") or part.startswith(".") for part in parts) or not name.isprintable():
        raise _unusable(f"{name!r} has a part that is hidden or leads upwards: use plain names")
    if not name.endswith(suffix) or max(len(part.encode("utf-8")) for part in parts) > MAX_NAME:
        raise _unusable(f"{name!r} must end in {suffix}, each part with at most {MAX_NAME} bytes")
    path = exports
    for part in parts:
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise _unusable(f"{path.relative_to(exports.parent)} is a link or a file: use another folder")
        path = path / part
    if path.is_symlink() or path.exists():
        raise _unusable(f"{name!r} exists: choose another name, nothing is overwritten")
    return path


def save_rows(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as JSON lines."""
    save_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def save_text(path: Path, text: str) -> None:
    """Write a file that appears complete, or not at all. Raises ServiceError if it was made meanwhile or cannot be
    written."""
    part = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(part, path)
    except FileExistsError:
        raise _unusable(f"{path.name!r} exists: choose another name, nothing is overwritten") from None
    except OSError as error:
        status = STATUS_DISK_FULL if error.errno in (ENOSPC, EDQUOT) else 503
        raise ServiceError(status, f"{path} cannot be written: {error.strerror}", FIELD) from error
    finally:
        with suppress(OSError):
            part.unlink()


def _unusable(sentence: str) -> ServiceError:
    return ServiceError(400, f"{FIELD}: {sentence}", FIELD)
