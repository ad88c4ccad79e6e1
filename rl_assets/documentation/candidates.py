"""What questions are asked about: image pairs and text sections, each with the wrong images that it is offered.

No text is in two splits: of pages with the same text one is asked about. No text is asked about with both answers: if
a page shows it with an image, it is no question that needs none. All questions of a source offer equally many images,
so that their number tells nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rl_assets.core.files import sha256_text
from rl_assets.documentation.confidence import count_words
from rl_assets.documentation.distractors import Distractors
from rl_assets.documentation.prose import MIN_WORDS, prose, reason_without_prose, row_key, topic_of

MIN_DISTRACTORS = 4
Row = dict[str, Any]


@dataclass(frozen=True)
class Candidate:
    """A pair with the image that is right, or a section with none; its prose; the images offered, wrong ones last."""

    row: Row
    text: str
    right: tuple[Row, ...]
    offered: tuple[Row, ...]


class Candidates:
    """Candidates with an image (`pairs`) and without (`sections`), and the number of dropped ones by reason."""

    def __init__(self, pairs: Sequence[Row], sections: Sequence[Row], images: Distractors, wrong: int) -> None:
        self.dropped: Counter[str] = Counter()
        self._images, self._wrong = images, wrong
        self._page_of_text: dict[str, tuple[str, str]] = {}
        with_image, without = self._of_pairs(pairs), self._of_sections(sections, _Illustrated(pairs))
        sizes = _sizes([*with_image, *without])
        self.pairs = [_cut(candidate, sizes) for candidate in with_image]
        self.sections = [_cut(candidate, sizes) for candidate in without]

    def _of_pairs(self, pairs: Sequence[Row]) -> list[Candidate]:
        found = (self._candidate(pair, prose(pair["context"]), (pair,)) for pair in pairs)
        return [candidate for candidate in found if candidate]

    def _of_sections(self, sections: Sequence[Row], illustrated: "_Illustrated") -> list[Candidate]:
        """In an order by hash, so that the first of them are of all pages."""
        found = []
        for section in sorted(sections, key=lambda row: sha256_text(row_key(row, row["text"]))):
            text = prose(section["text"])
            if illustrated.shows(section, text):
                self.dropped["illustrated_elsewhere"] += 1
            elif candidate := self._candidate(section, text, ()):
                found.append(candidate)
        return found

    def _candidate(self, row: Row, text: str, right: tuple[Row, ...]) -> Candidate | None:
        wrong = self._images.of(row, text, self._wrong + 1 - len(right))
        reason = reason_without_prose(row, text)
        if reason is None and len(wrong) < MIN_DISTRACTORS + 1 - len(right):
            reason = "too_few_distractors"
        page = row["source"], row["page"]
        if reason is None and self._page_of_text.setdefault(text, page) != page:
            reason = "text_of_another_page"
        if reason:
            self.dropped[reason] += 1
            return None
        return Candidate(row, text, right, (*right, *wrong))


def _sizes(candidates: Iterable[Candidate]) -> dict[str, int]:
    """By source the number of images that every candidate can offer."""
    sizes: dict[str, int] = {}
    for candidate in candidates:
        source = candidate.row["source"]
        sizes[source] = min(sizes.get(source, len(candidate.offered)), len(candidate.offered))
    return sizes


def _cut(candidate: Candidate, sizes: dict[str, int]) -> Candidate:
    offered = candidate.offered[: sizes[candidate.row["source"]]]
    return Candidate(candidate.row, candidate.text, candidate.right, offered)


class _Illustrated:
    """Texts that a page shows with an image: in another version of it the same text may stand without."""

    def __init__(self, pairs: Iterable[Row]) -> None:
        self.texts: set[str] = set()
        self.by_topic: dict[str, set[str]] = defaultdict(set)
        for pair in pairs:
            text = prose(pair["context"])
            self.texts.add(text)
            if count_words(text) >= MIN_WORDS:
                self.by_topic[topic_of(pair)].add(text)

    def shows(self, section: Row, text: str) -> bool:
        """The text is shown with an image, or contains, under the same headings, one that is."""
        return text in self.texts or any(shown in text for shown in self.by_topic.get(topic_of(section), ()))
