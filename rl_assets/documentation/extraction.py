"""A documentation folder to image pairs: every image a page shows becomes a pair or an exclusion with its reason."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rl_assets.core.files import sha256_text
from rl_assets.documentation.confidence import KEPT_FROM, confidence, confidence_v1
from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.image_info import ImageFacts, Refused
from rl_assets.documentation.kinds import image_type
from rl_assets.documentation.markdown import to_html
from rl_assets.documentation.paths import locate
from rl_assets.documentation.reference import Reference
from rl_assets.documentation.references import read_page
from rl_assets.documentation.sources import Source

Row = dict[str, Any]
DECORATION_FROM = 6
MAX_PAGE_BYTES = 5_000_000
TEXT_CHARACTERS = 2000


@dataclass
class Extraction:
    """Rows of the tables of a source; `images` = len(pairs) + len(excluded)."""

    pairs: list[Row] = field(default_factory=list)
    excluded: list[Row] = field(default_factory=list)
    sections: list[Row] = field(default_factory=list)
    pages: int = 0
    unread: list[str] = field(default_factory=list)
    decoded: int = 0

    @property
    def images(self) -> int:
        return len(self.pairs) + len(self.excluded)


def extract(source: Source, known: Mapping[str, ImageFacts], decoder: Decoder) -> Extraction:
    """Read all pages of a source. `known` holds facts by content hash: those images are not decoded again."""
    found = Extraction()
    facts = _Facts(source, known, decoder)
    for path in source.pages():
        page = path.relative_to(source.root).as_posix()
        text = _read(path)
        if text.startswith("\0"):
            found.unread.append(f"{page}: {text[1:]}")
            continue
        found.pages += 1
        shown, plain = read_page(to_html(text, path.suffix.lower()))
        for position, reference in enumerate(shown):
            _take(found, source, page, position, reference, facts)
        for position, section in enumerate(plain):
            place = {"source": source.name, "page": page, "position": position}
            found.sections.append(place | {"headings": list(section.headings), "text": section.text})
    found.decoded = facts.decoded
    _judge(found.pairs)
    return found


def _read(path: Path) -> str:
    """The page's text, or NUL and the reason why it is not read."""
    if path.stat().st_size > MAX_PAGE_BYTES:
        return "\0too_many_bytes"
    try:
        return path.read_text(encoding="utf-8-sig").replace("\0", "\ufffd")
    except UnicodeDecodeError:
        return "\0not_utf8"


class _Facts:
    """Facts of image files, each decoded once."""

    def __init__(self, source: Source, known: Mapping[str, ImageFacts], decoder: Decoder) -> None:
        self.source, self.known, self.decoder = source, known, decoder
        self.seen: dict[Path, ImageFacts | Refused] = {}
        self.decoded = 0

    def of(self, path: Path) -> ImageFacts | Refused:
        if path not in self.seen:
            self.seen[path] = self._look(path)
        return self.seen[path]

    def _look(self, path: Path) -> ImageFacts | Refused:
        name = path.relative_to(self.source.root.resolve()).as_posix()
        fact = self.known.get(self.source.hashes.get(name, ""))
        if fact is None:
            self.decoded += 1
            return self.decoder.facts(path)
        return fact


def _take(found: Extraction, source: Source, page: str, position: int, reference: Reference, facts: _Facts) -> None:
    row = _row(source, page, position, reference)
    place = locate(source.root, source.root / page, reference.src)
    if place.path is None:
        found.excluded.append(row | {"reason": place.reason, "detail": reference.src[:200]})
        return
    measured = facts.of(place.path)
    if isinstance(measured, Refused):
        found.excluded.append(row | {"reason": measured.reason, "detail": measured.detail})
        return
    path = place.path.relative_to(source.root.resolve()).as_posix()
    found.pairs.append(row | _measured(measured) | texts(reference) | {"path": path})


def _row(source: Source, page: str, position: int, reference: Reference) -> Row:
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


def texts(reference: Reference) -> Row:
    return {
        "text_before": reference.text_before[-TEXT_CHARACTERS:],
        "text_after": reference.text_after[:TEXT_CHARACTERS],
        "context": reference.context,
    }


def _measured(facts: ImageFacts) -> Row:
    return {
        "sha256": facts.sha256,
        "width": facts.width,
        "height": facts.height,
        "format": facts.format,
        "frames": facts.frames,
        "bytes": facts.size,
        "colours": facts.colours,
        "flat": facts.flat,
        "saturation": facts.saturation,
    }


def known_facts(pairs: list[Row]) -> dict[str, ImageFacts]:
    """Facts by content hash from rows of `markdown_image_pairs`."""
    names = ("sha256", "width", "height", "format", "frames", "bytes", "colours", "flat", "saturation")
    return {pair["sha256"]: ImageFacts(*(pair[name] for name in names)) for pair in pairs}


def _judge(pairs: list[Row]) -> None:
    """Complete the pairs of a source with what depends on all of them: places, decoration, confidence, kept, id."""
    places = Counter(pair["sha256"] for pair in pairs)
    on_page: Counter[tuple[str, str]] = Counter()
    for pair in pairs:
        names = " ".join([Path(pair["path"]).name, pair["alt"], pair["title"], pair["caption"]])
        pair["image_type"] = image_type(known_facts([pair])[pair["sha256"]], names)
        pair["places"] = places[pair["sha256"]]
        pair["decoration"] = pair["places"] >= DECORATION_FROM
        pair["confidence_v1"], pair["confidence"] = confidence_v1(pair), confidence(pair)
        nth = on_page[pair["page"], pair["sha256"]]
        on_page[pair["page"], pair["sha256"]] += 1
        pair["pair_id"] = sha256_text("\x1f".join([pair["source"], pair["page"], str(nth), pair["sha256"]]))[:32]
    best = _best_places(pairs)
    for pair in pairs:
        wanted = pair["image_type"] != "badge" and not pair["decoration"] and pair["confidence"] >= KEPT_FROM
        pair["kept"] = wanted and best[pair["sha256"]] == pair["pair_id"]


def _best_places(pairs: list[Row]) -> dict[str, str]:
    """For each image the id of the place that it fits best; of equals the first."""
    best: dict[str, Row] = {}
    for pair in pairs:
        if pair["sha256"] not in best or pair["confidence"] > best[pair["sha256"]]["confidence"]:
            best[pair["sha256"]] = pair
    return {sha256: pair["pair_id"] for sha256, pair in best.items()}
