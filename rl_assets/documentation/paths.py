"""Image references resolved to files below the source's folder, or to the reason why none is opened."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

# Folders that site generators serve from the root: Next.js and Vite, Hugo and Docusaurus, MkDocs.
SERVED_FOLDERS = ("", "public", "static", "docs")
MAX_PATH_CHARACTERS = 2048


@dataclass(frozen=True)
class ImagePath:
    """A file inside the source (`path`, with links resolved), or else the reason why there is none."""

    path: Path | None
    reason: str | None


def resolve_image(root: Path, page: Path, src: str) -> ImagePath:
    """The file that `src` means on `page` below `root`; nothing outside `root` is ever opened and nothing is fetched.

    Reasons: no_source, template, data_uri, remote, outside, broken.
    """
    reason = _reason_not_local(src)
    if reason:
        return ImagePath(None, reason)
    name = unquote(urlsplit(src).path).replace("\\", "/")
    if not name or "\0" in name or len(name) > MAX_PATH_CHARACTERS:
        return ImagePath(None, "broken")
    outside = False
    for base in _bases(root, page, absolute=name.startswith("/")):
        relative = _normalize(base, name.lstrip("/"))
        outside |= relative is None
        if relative is not None and (file := _open_path(root, relative)):
            return file
    return ImagePath(None, "outside" if outside else "broken")


def _reason_not_local(src: str) -> str | None:
    if not src:
        return "no_source"
    if re.search(r"\{\{|\{%|\$\{|^\{|%7B%7B", src):
        return "template"
    try:
        parts = urlsplit(src)
    except ValueError:
        return "broken"
    if parts.scheme == "data":
        return "data_uri"
    return "remote" if parts.scheme or parts.netloc or src.startswith("//") else None


def _bases(root: Path, page: Path, absolute: bool) -> list[PurePosixPath]:
    """Folders, relative to the source, that a path may start from.

    A relative path starts at the page, or, in HTML of sites whose pages are folders, at the folder named like the page.
    An absolute one starts at the nearest folder above the page that has it, or at a folder served from there.
    """
    folder = PurePosixPath(page.relative_to(root).parent.as_posix())
    if not absolute:
        return [folder, folder / page.stem]
    return [above / served for above in (folder, *folder.parents) for served in SERVED_FOLDERS]


def _normalize(base: PurePosixPath, name: str) -> PurePosixPath | None:
    """`base/name` without `.` and `..`; None if it climbs above the source."""
    parts: list[str] = []
    for part in (base / name).parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        else:
            parts.append(part)
    return PurePosixPath(*parts)


def _open_path(root: Path, relative: PurePosixPath) -> ImagePath | None:
    """The file at `root/relative`; `outside` if a symbolic link leads out; None if there is no file."""
    try:
        real = (root / relative).resolve()
        if not real.is_file():
            return None
    except (OSError, RuntimeError):  # Names too long for the file system, links in a circle.
        return None
    return ImagePath(real, None) if real.is_relative_to(root.resolve()) else ImagePath(None, "outside")
