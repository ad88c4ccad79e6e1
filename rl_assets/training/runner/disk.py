"""A full disk, explained: libraries that write weights hide the system's reason in their own errors."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rl_assets.training.errors import DiskFullError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# The system's words if a library passes them on, and torch's for a file that ends too early.
SIGNS = ("No space left", "File too large", "Disk quota exceeded", "inline_container")


@contextmanager
def explain_full_disk(folder: Path) -> Iterator[None]:
    """Raise DiskFullError in place of an error of writing weights below `folder`; other errors pass."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        if not _is_of_writing(error):
            raise
        free = shutil.disk_usage(folder).free
        raise DiskFullError(
            f"{folder} could not be written to ({error}); its disk has {free / 1e6:,.0f} MB free: make room, or raise "
            "the limit, and run again. It resumes from the last complete checkpoint."
        ) from error


def _is_of_writing(error: BaseException) -> bool:
    return getattr(error, "errno", None) in FULL or any(sign in str(error) for sign in SIGNS)
