"""A documentation folder to image pairs: every image a page shows becomes a pair, or is excluded for a reason."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from rl_assets.core.files import sha256_text
from rl_assets.documentation.confidence import MIN_CONFIDENCE, confidence, confidence_v1
from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.image_info import ImageInfo, RejectedImage
from rl_assets.documentation.image_types import image_type
from rl_assets.documentation.inline_images import WIKI
from rl_assets.documentation.pages import RejectedPageError
from rl_assets.documentation.paths import FileNames, resolve_image
from rl_assets.documentation.references import Reference
from rl_assets.documentation.sources import Source, is_page

Row = dict[str, Any]
MIN_DECORATION_OCCURRENCES = 6
TEXT_CHARACTERS = 2000
LOGO_FOLDERS = ("logo", "logos")
# Columns of `markdown_image_pairs`, in the order of the fields of ImageInfo.
INFO_COLUMNS = ("sha256", "width", "height", "format", "frames", "bytes", "colours", "dominant_colour", "saturation")


@dataclass
class Extraction:
    """Rows of the tables of a source; `images` = len(pairs) + len(excluded)."""

    pairs: list[Row] = field(default_factory=list)
    excluded: list[Row] = field(default_factory=list)
    sections: list[Row] = field(default_factory=list)
    pages: int = 0
    rejected_pages: list[str] = field(default_factory=list)
    decoded: int = 0

    @property
    def images(self) -> int:
        return len(self.pairs) + len(self.excluded)


def extract(source: Source, known: Mapping[str, ImageInfo], decoder: Decoder) -> Extraction:
    """Parse all pages of a source. `known` holds image info by content hash: those images are not decoded again."""
    extraction = Extraction()
    images = _ImageReader(source, known, decoder)
    extraction.rejected_pages += [f"{name}: name_not_utf8" for name in source.misnamed if is_page(name)]
    for path in source.pages():
        page = path.relative_to(source.root).as_posix()
        try:
            references, sections = decoder.page(path)
        except RejectedPageError as reason:
            extraction.rejected_pages.append(f"{page}: {reason}")
            continue
        extraction.pages += 1
        for position, reference in enumerate(references):
            _add_image(extraction, source, page, position, reference, images)
        for position, section in enumerate(sections):
            key = {"source": source.name, "page": page, "position": position}
            extraction.sections.append(key | {"headings": list(section.headings), "text": section.text})
    extraction.decoded = images.decoded
    _rate_pairs(extraction.pairs)
    return extraction


class _ImageReader:
    """Info of image files, each decoded once."""

    def __init__(self, source: Source, known: Mapping[str, ImageInfo], decoder: Decoder) -> None:
        self.source, self.known, self.decoder = source, known, decoder
        self.names = FileNames(source.hashes)
        self.files = source.files()
        self.cache: dict[Path, ImageInfo | RejectedImage] = {}
        self.decoded = 0

    def read(self, path: Path) -> ImageInfo | RejectedImage:
        if path not in self.cache:
            self.cache[path] = self._known(path) or self._decode(path)
        return self.cache[path]

    def _known(self, path: Path) -> ImageInfo | None:
        name = path.relative_to(self.source.root.resolve()).as_posix()
        return self.known.get(self.source.hashes.get(name, ""))

    def _decode(self, path: Path) -> ImageInfo | RejectedImage:
        self.decoded += 1
        return self.decoder.info(path)


def _add_image(
    extraction: Extraction, source: Source, page: str, position: int, reference: Reference, images: _ImageReader
) -> None:
    row = _reference_columns(source, page, position, reference)
    target = resolve_image(source.root, source.root / page, reference.src, images.names, reference.tag == WIKI)
    if target.path is None:
        extraction.excluded.append(row | {"reason": target.reason, "detail": reference.src[:200]})
        return
    info = images.read(target.path)
    if isinstance(info, RejectedImage):
        extraction.excluded.append(row | {"reason": info.reason, "detail": info.detail})
        return
    path = target.path.relative_to(source.root.resolve()).as_posix()
    if target.path not in images.files:
        extraction.excluded.append(row | {"reason": "not_watched", "detail": path[:200]})
        return
    extraction.pairs.append(row | _info_columns(info) | text_columns(reference) | {"path": path})


def _reference_columns(source: Source, page: str, position: int, reference: Reference) -> Row:
    return {
        "source": source.name,
        "page": page,
        "line": reference.line,
        "position": position,
        "src": reference.src[:TEXT_CHARACTERS],
        "alt": reference.alt[:TEXT_CHARACTERS],
        "title": reference.title[:TEXT_CHARACTERS],
        "caption": reference.caption[:TEXT_CHARACTERS],
        "linked": reference.linked,
        "tag": reference.tag,
        "headings": list(reference.headings),
    }


def text_columns(reference: Reference) -> Row:
    """The text around an image, as `markdown_image_pairs` holds it."""
    return {
        "text_before": reference.text_before[-TEXT_CHARACTERS:],
        "text_after": reference.text_after[:TEXT_CHARACTERS],
        "context": reference.context,
    }


def _info_columns(info: ImageInfo) -> Row:
    return dict(zip(INFO_COLUMNS, vars(info).values(), strict=True))


def known_images(pairs: Sequence[Row]) -> dict[str, ImageInfo]:
    """Image info by content hash from rows of `markdown_image_pairs`."""
    return {pair["sha256"]: _info_of(pair) for pair in pairs}


def _info_of(pair: Row) -> ImageInfo:
    return ImageInfo(*(pair[name] for name in INFO_COLUMNS))


def _rate_pairs(pairs: Sequence[Row]) -> None:
    """Complete the pairs of a source with what depends on all of them: id, occurrences, type, confidence, kept."""
    occurrences = Counter(pair["sha256"] for pair in pairs)
    on_page: Counter[tuple[str, str]] = Counter()
    for pair in pairs:
        path = PurePosixPath(pair["path"])
        folder = path.parent.name if path.parent.name in LOGO_FOLDERS else ""
        names = " ".join([folder, path.name, pair["alt"], pair["title"], pair["caption"]])
        pair["image_type"] = image_type(_info_of(pair), names)
        pair["occurrences"] = occurrences[pair["sha256"]]
        pair["decoration"] = pair["occurrences"] >= MIN_DECORATION_OCCURRENCES
        pair["confidence_v1"], pair["confidence"] = confidence_v1(pair), confidence(pair)
        nth = on_page[pair["page"], pair["sha256"]]
        on_page[pair["page"], pair["sha256"]] += 1
        pair["pair_id"] = sha256_text("\x1f".join([pair["source"], pair["page"], str(nth), pair["sha256"]]))[:32]
    best = _best_pairs(pairs)
    for pair in pairs:
        qualifies = pair["image_type"] != "badge" and not pair["decoration"] and pair["confidence"] >= MIN_CONFIDENCE
        pair["kept"] = qualifies and best[pair["sha256"]] == pair["pair_id"]


def _best_pairs(pairs: Sequence[Row]) -> dict[str, str]:
    """For each image the id of its most confident pair; of equals the first."""
    best: dict[str, Row] = {}
    for pair in pairs:
        if pair["sha256"] not in best or pair["confidence"] > best[pair["sha256"]]["confidence"]:
            best[pair["sha256"]] = pair
    return {sha256: pair["pair_id"] for sha256, pair in best.items()}
