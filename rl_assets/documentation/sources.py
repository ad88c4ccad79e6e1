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
EXTRACTION_VERSION = 7
# The name of the partitions: a source each.
DOC_SOURCES = "doc_sources"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
PAGES = (".md", ".mdx", ".markdown")
IMAGES = (".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".webp", ".avif", ".bmp", ".svg")
SKIPPED_FOLDERS = ("node_modules", "__pycache__")
# Hidden folders in which GitBook, Azure DevOps, VuePress and repositories on GitHub keep the images of pages.
IMAGE_FOLDERS = (".gitbook", ".attachments", ".vuepress", ".github")


@dataclass(frozen=True)
class Source:
    """A documentation folder: its name, its path, and the content hash of each page and image by relative path.

    `decoded_as` changes if equal images may give other values; it is the prefix of the fingerprint. `misnamed` are
    pages and images whose paths are not UTF-8, the other bytes escaped: tables have no such texts, so none is read.
    """

    name: str
    root: Path
    hashes: dict[str, str]
    decoded_as: str
    fingerprint: str
    misnamed: tuple[str, ...] = ()

    def files(self) -> set[Path]:
        """The files that pages and images are, with links resolved: a change in any of them changes the fingerprint."""
        found = (_resolve(self.root / name) for name in self.hashes)
        return {path for path in found if path}

    def pages(self) -> list[Path]:
        """Pages in path order."""
        return [self.root / name for name in self.hashes if is_page(name)]


def is_page(name: str) -> bool:
    """The file is a page of markdown."""
    return name.lower().endswith(PAGES)


def source_names(docs: Path) -> list[str]:
    """Names of the folders below `docs` that can be partition keys, in order."""
    return [name for name in _folders(docs) if NAME.fullmatch(name)]


def misnamed_folders(docs: Path) -> str | None:
    """A sentence that names the folders below `docs` that cannot be partition keys; None if there is none."""
    bad = [name for name in _folders(docs) if not NAME.fullmatch(name)]
    rule = "the name of a source consists of a-z, 0-9, '.', '_' and '-'; rename them"
    return f"folders {bad} in {docs}: {rule}" if bad else None


def _folders(docs: Path) -> list[str]:
    if not docs.is_dir():
        return []
    return sorted(path.name for path in docs.iterdir() if path.is_dir() and not path.name.startswith("."))


def open_source(docs: Path, name: str, limits: Limits) -> Source:
    """The source `docs/<name>` with its fingerprint; FileNotFoundError if there is no such folder."""
    root = docs / name
    if not NAME.fullmatch(name) or not root.is_dir():
        raise FileNotFoundError(f"there is no documentation folder {root}: put a tree of markdown files there")
    files = {_text_of(path.relative_to(root)): path for path in _files(root)}
    misnamed = tuple(text for text, path in files.items() if root / text != path)
    hashes = {text: _hash(path, limits) for text, path in files.items() if text not in misnamed}
    expected = [(item.name, item.fact, item.low, item.high) for item in IMAGE_PAIRS]
    settings = [EXTRACTION_VERSION, asdict(CONFIDENCE_MODEL), asdict(limits), expected]
    decoded_as = f"{sha256_json([EXTRACTION_VERSION, asdict(limits)])[:12]}-"
    fingerprint = decoded_as + sha256_json([settings, sorted(hashes.items()), *misnamed])
    return Source(name, root, hashes, decoded_as, fingerprint, misnamed)


def _text_of(relative: Path) -> str:
    """The path as text; bytes that are not UTF-8, as in archives made on other systems, are escaped."""
    return os.fsencode(relative.as_posix()).decode("utf-8", "backslashreplace")


def _files(root: Path) -> Iterator[Path]:
    """Pages and images below `root` in path order; links that lead out of it, or nowhere, are skipped."""
    inside = root.resolve()
    files = []
    for folder, folders, names in os.walk(root, followlinks=False):
        folders[:] = [name for name in folders if _is_read(name)]
        files += [Path(folder, name) for name in names if _is_page_or_image(Path(folder, name).relative_to(root))]
    for path in sorted(files, key=lambda path: path.relative_to(root).as_posix()):
        real = _resolve(path)
        if real is None or (real.is_relative_to(inside) and real.is_file()):
            yield path


def _resolve(path: Path) -> Path | None:
    """The file that a path leads to; None if its symbolic links form a circle."""
    try:
        return path.resolve(strict=True)
    except FileNotFoundError:
        return path.resolve()
    except (OSError, RuntimeError):  # Python 3.13 raises the first, earlier ones the second.
        return None


def _is_page_or_image(path: Path) -> bool:
    """A page, unless a hidden folder holds it, or a file that may be an image: by its extension, or without one."""
    if is_page(path.name):
        return not any(folder.startswith(".") for folder in path.parent.parts)
    return path.name.lower().endswith(IMAGES) or "." not in path.name


def _is_read(folder: str) -> bool:
    return folder in IMAGE_FOLDERS or not (folder.startswith(".") or folder in SKIPPED_FOLDERS)


def _hash(path: Path, limits: Limits) -> str:
    """Content hash; for a file that is too big to be read, its size; for a circle of links, its target."""
    if _resolve(path) is None:
        return f"circular link to {path.readlink()}" if path.is_symlink() else "circular link"
    size = path.stat().st_size
    if size > limits.megabytes * 1e6:
        return f"{size} bytes"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def signature(root: Path) -> str:
    """A cheap change detector: hash of names, sizes and times of a source's files. Equal content may differ in it."""
    # Of a circle of links only the link itself can be looked at.
    files = ((path, path.stat() if _resolve(path) else path.lstat()) for path in _files(root))
    return sha256_json([[_text_of(path.relative_to(root)), s.st_size, s.st_mtime_ns] for path, s in files])[:20]
