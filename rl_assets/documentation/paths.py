"""Where an image reference leads: to a file below the source's folder, or to a reason why it is not opened."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

# Folders whose content generators serve from the site's root: Next.js and Vite, Hugo and Docusaurus, MkDocs.
SERVED = ("", "public", "static", "docs")
LONGEST = 2048


@dataclass(frozen=True)
class Place:
    """A file inside the source (`path`, with links resolved), or else the reason why there is none."""

    path: Path | None
    reason: str | None


def locate(root: Path, page: Path, src: str) -> Place:
    """The file that `src` means on `page` below `root`; nothing outside `root` is ever opened and nothing is fetched.

    Reasons: no_source, template, data_uri, remote, outside, broken.
    """
    reason = _unlocal(src)
    if reason:
        return Place(None, reason)
    name = unquote(urlsplit(src).path).replace("\\", "/")
    if not name or "\0" in name or len(name) > LONGEST:
        return Place(None, "broken")
    outside = False
    for base in _bases(root, page, absolute=name.startswith("/")):
        inside = _normal(base, name.lstrip("/"))
        outside |= inside is None
        if inside is not None and (found := _file(root, inside)):
            return found
    return Place(None, "outside" if outside else "broken")


def _unlocal(src: str) -> str | None:
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

    A relative one starts at the page, or, in HTML of sites whose pages are folders, at the folder named like the page.
    A site-root one starts at the nearest folder above the page that has it, or at what is served from there.
    """
    folder = PurePosixPath(page.relative_to(root).parent.as_posix())
    if not absolute:
        return [folder, folder / page.stem]
    return [above / served for above in (folder, *folder.parents) for served in SERVED]


def _normal(base: PurePosixPath, name: str) -> PurePosixPath | None:
    """`base/name` without `.` and `..`; None where it climbs above the source."""
    parts: list[str] = []
    for part in (base / name).parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        else:
            parts.append(part)
    return PurePosixPath(*parts)


def _file(root: Path, inside: PurePosixPath) -> Place | None:
    """The file at `root/inside`; `outside` where a symbolic link leads out; None where there is none."""
    try:
        real = (root / inside).resolve()
        if not real.is_file():
            return None
    except (OSError, RuntimeError):  # Names too long for the file system, links in a circle.
        return None
    return Place(real, None) if real.is_relative_to(root.resolve()) else Place(None, "outside")
