"""The wrong images of a question's catalogue: half of them near to its text, the others from anywhere in its source.

Where every wrong image is of another topic, the right one is found by comparing words. Images that might be right too
are never offered: those that the section shows, or one around or inside it, other versions of them, and those that are
described as one of them under the same headings, as in another version of the documentation. Those described so under
other headings are offered where no others are left: all images of some sites are called "Screenshot".
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from rl_assets.core.files import sha256_text
from rl_assets.documentation.confidence import WORD, stems
from rl_assets.documentation.index import document_text
from rl_assets.documentation.prose import describe, row_key, topic_of
from rl_assets.documentation.word_index import WordIndex

# What tells two versions of one picture apart: its theme, its size, its resolution.
VERSION = re.compile(
    r"(?<![a-z])(?:light|dark|day|night|small|medium|large|thumb(?:nail)?|mobile|desktop|full|mini|preview)(?![a-z])"
    r"|\d+x\d+|@\dx",
    re.IGNORECASE,
)
# So many images of a ring are drawn; those after them follow the last one.
MAX_DRAWS = 64
Row = dict[str, Any]


class Distractors:
    """The images of all sources, in order of nearness to a text, and in an order by hash."""

    def __init__(self, images: Sequence[Row], shown: Sequence[Row] | None = None) -> None:
        """`images` are those that are offered, `shown` all that pages show, so that none is wrong where it stands."""
        by_source: dict[str, list[Row]] = defaultdict(list)
        for image in images:
            by_source[image["source"]].append(image)
        self.sources = {source: _Source(by_source[source]) for source in sorted(by_source)}
        self.shown: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for image in images if shown is None else shown:
            self.shown[image["source"], image["page"]].append(image)

    def of(self, row: Row, text: str, count: int) -> list[Row]:
        """Up to `count` images for the question of a pair or section with this text; no path and no image twice.

        Of the row's own source as far as they go, then of the others.
        """
        own = self.sources.get(row["source"])
        others = [source for name, source in self.sources.items() if name != row["source"]]
        seed = row_key(row, str(row["position"]))
        offered: list[Row] = []
        right = self._right(row)
        known = {name for image in right for name in _names(image)}
        if own:
            near = own.near(f"{topic_of(row)} {text}")
            _take(_unlike(near, right), -(-count // 2), offered, known)
        for alike in (_described, _described_in_place):
            far = (image for image in own.by_hash(seed) if image["page"] != row["page"]) if own else ()
            foreign = chain.from_iterable(source.by_hash(seed) for source in others)
            _take(_unlike(chain(far, foreign), right, alike), count, offered, known)
        return offered

    def _right(self, row: Row) -> list[Row]:
        """The images that are right, or may be: those of the row's section, and of sections around or inside it."""
        on_page = self.shown.get((row["source"], row["page"]), [])
        return [*([row] if "path" in row else []), *(image for image in on_page if _together(row, image))]


class _Source:
    """The images of a source, searchable by words and placed on a ring by the hash of their id."""

    def __init__(self, images: Sequence[Row]) -> None:
        self.images = images
        self.words = WordIndex([stems(document_text(image)) for image in images])
        self.ring = sorted(images, key=lambda image: sha256_text(image["pair_id"]))
        self.places = [sha256_text(image["pair_id"]) for image in self.ring]

    def near(self, text: str) -> Iterator[Row]:
        """The images that share words with the text, the nearest first."""
        scores = self.words.scores(stems(text))
        for place in np.lexsort((np.arange(len(scores)), -scores)):
            if scores[place] > 0:
                yield self.images[place]

    def by_hash(self, seed: str) -> Iterator[Row]:
        """All images in an order that the seed decides, and that a new image leaves as it is."""
        taken: set[int] = set()
        place = 0
        for turn in range(len(self.ring)):
            if turn < MAX_DRAWS:
                place = bisect_left(self.places, sha256_text(f"{seed}\x1f{turn}")) % len(self.ring)
            while place in taken:
                place = (place + 1) % len(self.ring)
            taken.add(place)
            yield self.ring[place]


def _take(candidates: Iterable[Row], count: int, offered: list[Row], known: set[tuple[str, str]]) -> None:
    """Add candidates until `count` are offered; `known` are the names of what no other may share."""
    for image in candidates:
        if len(offered) >= count:
            return
        names = _names(image)
        if not known & names:
            offered.append(image)
            known |= names


def _names(row: Row) -> set[tuple[str, str]]:
    """What one image is known by: path, content, and name without its version."""
    words = WORD.findall(VERSION.sub(" ", str(PurePosixPath(row["path"]).with_suffix(""))).casefold())
    version_of = f"{row['source']}: {' '.join(words)}"
    return {("path", row["path"]), ("sha256", row["sha256"]), ("version of", version_of if words else row["path"])}


def _described(image: Row) -> str:
    return describe(image).casefold()


def _described_in_place(image: Row) -> str:
    return f"{topic_of(image)}: {describe(image)}".casefold()


def _unlike(images: Iterable[Row], right: Iterable[Row], alike: Callable[[Row], str] = _described) -> Iterator[Row]:
    """The images that `alike` does not take for one of the right ones."""
    described = {alike(image) for image in right}
    return (image for image in images if alike(image) not in described)


def _together(row: Row, image: Row) -> bool:
    """Of two places on a page, one lies in the section of the other."""
    shared = min(len(row["headings"]), len(image["headings"]))
    return bool(row["headings"][:shared] == image["headings"][:shared])
