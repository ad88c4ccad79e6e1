"""Folders of documentation: their files, and whether any of them changed."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rl_assets.core.files import sha256_json
from rl_assets.documentation.confidence import CONFIDENCE_MODEL
from rl_assets.documentation.expectations import IMAGE_PAIRS
from rl_assets.documentation.image_info import Limits

# Raised when equal files would give other rows.
EXTRACTION_VERSION = 2
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
PAGES = (".md", ".mdx", ".markdown")
IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".bmp", ".svg")
SKIPPED_FOLDERS = ("node_modules", "__pycache__")


@dataclass(frozen=True)
class Source:
    """A documentation folder: its name, its path, and the content hash of each page and image by relative path."""

    name: str
    root: Path
    hashes: dict[str, str]
    fingerprint: str

    def pages(self) -> list[Path]:
        """Pages in path order."""
        return [self.root / name for name in self.hashes if name.lower().endswith(PAGES)]


def source_names(docs: Path) -> list[str]:
    """Names of the folders below `docs`, in order; ValueError if one cannot be a partition key."""
    if not docs.is_dir():
        return []
    names = sorted(path.name for path in docs.iterdir() if path.is_dir() and not path.name.startswith("."))
    bad = [name for name in names if not NAME.fullmatch(name)]
    if bad:
        raise ValueError(
            f"folders {bad} in {docs}: the name of a source consists of a-z, 0-9, '.', '_' and '-'; rename them"
        )
    return names


def open_source(docs: Path, name: str, limits: Limits) -> Source:
    """The source `docs/<name>` with its fingerprint; FileNotFoundError if there is no such folder."""
    root = docs / name
    if not NAME.fullmatch(name) or not root.is_dir():
        raise FileNotFoundError(f"there is no documentation folder {root}: put a tree of markdown files there")
    hashes = {path.relative_to(root).as_posix(): _hash(path, limits) for path in _files(root)}
    expected = [(item.name, item.fact, item.low, item.high) for item in IMAGE_PAIRS]
    settings = [EXTRACTION_VERSION, asdict(CONFIDENCE_MODEL), asdict(limits), expected]
    return Source(name, root, hashes, sha256_json([settings, sorted(hashes.items())]))


def _files(root: Path) -> Iterator[Path]:
    """Pages and images below `root` in path order; links that lead out of it are skipped."""
    inside = root.resolve()
    files = []
    for folder, folders, names in os.walk(root, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in SKIPPED_FOLDERS]
        files += [Path(folder, name) for name in names if name.lower().endswith((*PAGES, *IMAGES))]
    for path in sorted(files, key=lambda path: path.relative_to(root).as_posix()):
        real = path.resolve()
        if real.is_relative_to(inside) and real.is_file():
            yield path


def _hash(path: Path, limits: Limits) -> str:
    """Content hash; for a file that is too big to be read, its size."""
    size = path.stat().st_size
    if size > limits.megabytes * 1e6:
        return f"{size} bytes"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def signature(root: Path) -> str:
    """A cheap change detector: hash of names, sizes and times of a source's files. Equal content may differ in it."""
    files = ((path, path.stat()) for path in _files(root))
    return sha256_json([[path.relative_to(root).as_posix(), s.st_size, s.st_mtime_ns] for path, s in files])[:20]
