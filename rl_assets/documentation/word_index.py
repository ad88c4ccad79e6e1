"""Scores of documents by the words that they share with a query: BM25 (Robertson and Zaragoza 2009)."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class WordIndex:
    """BM25 over documents that are lists of words; `frequency` counts the documents that hold a word."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self.documents = documents
        self.frequency = Counter(word for document in documents for word in set(document))
        self._model: Any = _bm25(documents)

    def scores(self, query: Sequence[str]) -> NDArray[np.float64]:
        """The score of each document; 0 where it holds no word of the query."""
        known = [word for word in query if word in self.frequency]
        return np.asarray(self._model.get_scores(known)) if known else np.zeros(len(self.documents))


def _bm25(documents: Sequence[Sequence[str]]) -> Any:
    import bm25s

    model = bm25s.BM25()
    # An index needs a document, and a word in it.
    model.index([list(document) for document in documents] if any(documents) else [[""]], show_progress=False)
    return model
