"""Image references resolved to files below the source's folder, or to the reason why none is opened."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

# Folders that site generators serve from the root: Next.js and Vite, Hugo and Docusaurus, MkDocs.
SERVED_FOLDERS = ("", "public", "static", "docs", "assets", ".vuepress/public")
# Folders whose content is the root of the site, whatever else a path may be read as.
ROOT_FOLDERS = ("public", "static", ".vuepress/public")
GLOBAL_RESOURCES = "assets"
MAX_PATH_CHARACTERS = 2048
SITE_ALIASES = ("@site/", "~@site/", "~/")
# Variables that stand for the root of the site: Jekyll, MkDocs and Sphinx, Hugo, VuePress.
ROOT_VARIABLE = r"(?:site\.(?:baseurl|url|base_url)|page\.baseurl|base_?url|base_path|relURL|\$withBase)"
ROOT_TEMPLATE = re.compile(rf"(?:\{{\{{[-<%]?\s*{ROOT_VARIABLE}\s*[->%]?\}}\}})+/?(?=[^{{}}]*$)", re.IGNORECASE)
FILTERED_PATH = re.compile(
    r"\{\{-?\s*(?:\"([^\"{}]*)\"|'([^'{}]*)')\s*\|\s*(?:relative_url|absolute_url|relURL|absURL|url|safe)\s*-?\}\}"
)
TEMPLATE = re.compile(r"\{\{|\{%|\$\{|^\{|%7B%7B")


@dataclass(frozen=True)
class ImagePath:
    """A file inside the source (`path`, with links resolved), or else the reason why there is none."""

    path: Path | None
    reason: str | None


class FileNames:
    """The files of a source under names that forget case and how accents are encoded, as on Windows and macOS."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.by_path: dict[str, list[str]] = defaultdict(list)
        self.by_name: dict[str, list[str]] = defaultdict(list)
        for name in names:
            self.by_path[_folded(name)].append(name)
            self.by_name[_folded(PurePosixPath(name).name)].append(name)

    def alike(self, relative: PurePosixPath) -> PurePosixPath | None:
        """The only file whose path differs in nothing else."""
        names = self.by_path.get(_folded(relative.as_posix()), [])
        return PurePosixPath(names[0]) if len(names) == 1 else None

    def anywhere(self, name: str) -> PurePosixPath | None:
        """The file that a wiki means by a name or the end of a path: that in the fewest folders."""
        end = "/" + _folded(name.lstrip("/"))
        names = [one for one in self.by_name.get(end.rsplit("/", 1)[1], []) if ("/" + _folded(one)).endswith(end)]
        return PurePosixPath(min(names, key=lambda one: (one.count("/"), one))) if names else None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


NO_NAMES = FileNames()


def resolve_image(root: Path, page: Path, src: str, names: FileNames = NO_NAMES, wiki: bool = False) -> ImagePath:
    """The file that `src` means on `page` below `root`; nothing outside `root` is ever opened and nothing is fetched.

    `names` finds files that are spelt alike and, for an embed of a `wiki`, in any folder. A wiki writes names as they
    are; elsewhere they are parts of URLs. Reasons: no_source, template, data_uri, remote, undefined_reference, outside,
    broken.
    """
    for name in _names_as_written(src, wiki):
        if _is_name(name) and (found := _search(_bases(root, page, name), root, name, names, wiki)).path:
            return found
    site = [_site_root(root, page)] if src.startswith(SITE_ALIASES) else []
    src = next((path for form in SITE_PATHS if (path := form(src)) is not None), src)
    reason = _reason_not_local(src)
    if reason:
        return ImagePath(None, reason)
    name = unquote(urlsplit(src).path).replace("\\", "/")
    if not _is_name(name):
        return ImagePath(None, "broken")
    return _search([*site, *_bases(root, page, name)], root, name, names, wiki)


def _names_as_written(src: str, wiki: bool) -> tuple[str, ...]:
    """Names that a file may have though they look like a reference or a URL: `[draft] x.png`, `Note: x.png`."""
    if wiki:
        return src, src.partition("#")[0]
    return (unquote(src),) if src.startswith("[") else ()


def _is_name(name: str) -> bool:
    return bool(name) and "\0" not in name and len(name) <= MAX_PATH_CHARACTERS


def _search(bases: Iterable[PurePosixPath], root: Path, name: str, names: FileNames, wiki: bool) -> ImagePath:
    outside, alike = False, list[PurePosixPath]()
    for base in bases:
        relative = _normalize(base, name.lstrip("/"))
        outside |= relative is None
        if relative is not None and (file := _open_path(root, relative)):
            return file
        alike += [other] if relative is not None and (other := names.alike(relative)) else []
    alike += [other] if wiki and (other := names.anywhere(name)) else []
    for other in alike:
        if file := _open_path(root, other):
            return file
    return ImagePath(None, "outside" if outside else "broken")


def _docusaurus_alias(src: str) -> str | None:
    """`@site/static/x.png` and `~/x.png`: paths from the site's root."""
    return "/" + src.split("/", 1)[1] if src.startswith(SITE_ALIASES) else None


def _docusaurus_pathname(src: str) -> str | None:
    """`pathname:///x.png`: a path that Docusaurus does not check."""
    return src.removeprefix("pathname://") if src.startswith("pathname:///") else None


def _attachment(src: str) -> str | None:
    """`attachment:x.png`: a file of a notebook, exported next to the page."""
    return src.removeprefix("attachment:") if src.startswith("attachment:") else None


def _root_template(src: str) -> str | None:
    """`{{ site.baseurl }}/x.png`: a path from the site's root."""
    match = ROOT_TEMPLATE.match(src)
    return "/" + src[match.end() :] if match else None


def _filtered_path(src: str) -> str | None:
    """`{{ '/x.png' | relative_url }}`: a path from the site's root."""
    match = FILTERED_PATH.fullmatch(src)
    return "/" + (match[1] or match[2] or "").lstrip("/") if match else None


SITE_PATHS: tuple[Callable[[str], str | None], ...] = (
    *(_docusaurus_alias, _docusaurus_pathname, _attachment, _root_template, _filtered_path),
)


def _reason_not_local(src: str) -> str | None:
    if not src:
        return "no_source"
    if TEMPLATE.search(src):
        return "template"
    if src.startswith("["):
        return "undefined_reference"
    try:
        parts = urlsplit(src)
    except ValueError:
        return "broken"
    if parts.scheme == "data":
        return "data_uri"
    return "remote" if parts.scheme or parts.netloc or src.startswith("//") else None


def _bases(root: Path, page: Path, name: str) -> list[PurePosixPath]:
    """Folders, relative to the source, that a path may start from.

    A relative path starts at the page, or, in HTML of sites whose pages are folders, at the folder named like the page;
    where neither has it, at the folder of Hugo's global resources. An absolute one starts at the root of a site, at or
    above the page; where none has it, at the nearest folder above that does, or at a folder served from there.
    """
    folder = PurePosixPath(page.relative_to(root).parent.as_posix())
    around = (folder, *folder.parents)
    if name.startswith("/"):
        roots = [above / served for above in around for served in ROOT_FOLDERS]
        return [*roots, *(above / served for above in around for served in SERVED_FOLDERS)]
    resources = [] if name.startswith(".") else [above / GLOBAL_RESOURCES for above in around]
    return [folder, folder / page.stem, *resources]


def _site_root(root: Path, page: Path) -> PurePosixPath:
    """The nearest folder above the page that configures Docusaurus; without one, the source's folder."""
    folder = PurePosixPath(page.relative_to(root).parent.as_posix())
    configured = (above for above in (folder, *folder.parents) if any((root / above).glob("docusaurus.config.*")))
    return next(configured, PurePosixPath())


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
        str(real).encode()
    except (OSError, RuntimeError, UnicodeError):  # Names too long or not UTF-8, links in a circle.
        return None
    return ImagePath(real, None) if real.is_relative_to(root.resolve()) else ImagePath(None, "outside")
