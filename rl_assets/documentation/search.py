"""Hybrid search for images, by embeddings and BM25; a query about an unknown topic has no results.

python -m rl_assets.documentation.search "how to log in" [-k 5] [--type screenshot]
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_assets.documentation.confidence import stems
from rl_assets.documentation.index import ImageIndex, read_index
from rl_assets.documentation.word_index import WordIndex
from rl_assets.models.embedding import Vectors, embed
from rl_assets.settings import load_settings
from rl_assets.tables.documentation import IMAGE_TYPES

# A topic is known if an image's cosine + half its coverage of the query reaches this. On published documentation 27
# queries about other topics reached 0.3 at most. At 0.45, 19 of 45 paraphrased questions had their image among the
# first five; at 0.33, 29; without a limit, 32.
MIN_TOPIC_SCORE = 0.33
MIN_COSINE = 0.175
# Weight of word matches relative to the cosine.
WORDS_WEIGHT = 0.5


@dataclass(frozen=True)
class Hit:
    """A result: score (cosine + word score), cosine, and coverage (share of the query's word weight it contains)."""

    document: dict[str, Any]
    score: float
    cosine: float
    coverage: float


class ImageSearch:
    """Hybrid search over an index in memory: bm25s for words, cosines for meaning."""

    def __init__(self, index: ImageIndex, embedder: Callable[[Sequence[str]], Vectors] = embed) -> None:
        self.index, self.embedder = index, embedder
        self.words = WordIndex([stems(text) for text in index.texts])

    def search_images(self, query: str, k: int = 5, type: str | None = None) -> list[Hit]:
        """Up to `k` images for `query`, the best first; of one `type` if given. ValueError for an unknown type."""
        if type is not None and type not in IMAGE_TYPES:
            raise ValueError(f"unknown image type {type!r}: use one of {', '.join(IMAGE_TYPES)}")
        if not query.strip() or not self.index.texts:
            return []
        cosines = self.index.vectors @ self.embedder([query])[0]
        words = stems(query)
        coverage = self._coverage(words)
        if (cosines + WORDS_WEIGHT * coverage).max() < MIN_TOPIC_SCORE:
            return []
        scores = cosines + WORDS_WEIGHT * _relative_to_best(self.words.scores(words))
        hits = [
            Hit(document, float(scores[i]), float(cosines[i]), float(coverage[i]))
            for i, document in enumerate(self.index.documents)
            if cosines[i] >= MIN_COSINE and type in (None, document["image_type"])
        ]
        return sorted(hits, key=lambda hit: (-hit.score, hit.document["pair_id"]))[:k]

    def _coverage(self, words: list[str]) -> NDArray[np.float64]:
        """For each document the share of the query's inverse document frequency that its words cover."""
        total = len(self.words.documents)
        weight = {word: np.log(1 + total / (0.5 + self.words.frequency[word])) for word in set(words)}
        covered = [sum(w for word, w in weight.items() if word in own) for own in map(set, self.words.documents)]
        return np.array(covered) / (sum(weight.values()) or 1.0)


def _relative_to_best(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    best = scores.max(initial=0.0)
    return scores / best if best > 0 else scores


def main() -> None:
    """Search from the command line."""
    parser = argparse.ArgumentParser(description="Search the image index.")
    parser.add_argument("query")
    parser.add_argument("-k", type=int, default=5, help="maximum number of results")
    parser.add_argument("--type", choices=IMAGE_TYPES)
    arguments = parser.parse_args()
    index = read_index(load_settings().paths.image_index)
    if index is None:
        parser.exit(1, "there is no image index yet: materialize image_index first\n")
    hits = ImageSearch(index).search_images(arguments.query, arguments.k, arguments.type)
    for hit in hits:
        document = hit.document
        path = f"{document['source']}/{document['path']}"
        label = document["alt"] or document["caption"] or " > ".join(document["headings"])
        print(f"{hit.score:.4f}  {hit.cosine:.2f}  {document['image_type']:<12} {path}  {label[:80]}")
    print(f"{len(hits)} of {len(index.documents)} images")


if __name__ == "__main__":
    main()
