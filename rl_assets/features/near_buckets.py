"""Large buckets of sets of words, cut into small ones and into those whose sets are all near each other.

Prompts of one template share words that none of them has for itself: a city, a product, an amount. The buckets of sets
that share one of these are large. In such a bucket, words that all sets share tell nothing. If they are so many that
all sets are near each other, nothing has to be compared: the bucket is *alike*. If not, two sets that are near share
one of their rarest other words as well, rarest within the bucket, and are filed under that word once more.

No two near sets are lost, whichever buckets are cut. A bucket is cut if that ends in small ones before its sets are
filed too often; if it does not (many words that come in two or three variants), it is left, and its sets are compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import numpy as np

MAX_BUCKET = 24
MAX_FILED = 64
CHUNK_WORDS = 4 * 2**20
# An entry is 4 * the number of its bucket + its side: sets of two sizes stand on sides 0 and 1, of one size on side 2.
ONE_SIZE = 2


def required_overlap(size: int, other: int) -> int:
    """Words that two near-equal sets of these sizes share at least."""
    return -(-9 * (size + other) // 19)


@dataclass(frozen=True)
class Bucket:
    """Sets of one size, or of two on two sides, of which near ones are sought; `filed` is how often a set may still be
    filed below it.
    """

    first: np.ndarray
    second: np.ndarray | None
    filed: float

    @property
    def sides(self) -> list[np.ndarray]:
        return [self.first] if self.second is None else [self.first, self.second]


@dataclass(frozen=True)
class Filed:
    """Sets and their entries; `alike` tells of each bucket whether all of its sets are near each other."""

    sets: np.ndarray
    entries: np.ndarray
    alike: np.ndarray


class Refinery:
    """Cuts the large ones of the buckets in which sets of words are filed."""

    def __init__(self, words: np.ndarray, offsets: np.ndarray, wanted: np.ndarray) -> None:
        self._words, self._offsets, self._wanted = words, offsets, wanted
        self._sizes = np.diff(offsets)
        self._vocabulary = int(words.max(initial=-1)) + 1
        self._sets: list[np.ndarray] = []
        self._entries: list[np.ndarray] = []
        self._alike: list[np.ndarray] = []
        self._buckets = 0

    def refine(self, sets: np.ndarray, entries: np.ndarray) -> Filed:
        """The sets of each bucket, filed in as many smaller buckets as it takes."""
        order = np.argsort(entries, kind="stable")
        sets, entries = sets[order], entries[order]
        starts = np.flatnonzero(np.r_[True, np.diff(entries >> 2) > 0]) if len(entries) else np.empty(0, np.int64)
        counts = np.diff(np.r_[starts, len(entries)])
        numbers = np.repeat(np.arange(len(starts)), counts)
        small = np.repeat(counts <= MAX_BUCKET, counts)
        self._file_all(sets[small], numbers[small], entries[small] & 3)
        for start, count in zip(starts[counts > MAX_BUCKET], counts[counts > MAX_BUCKET], strict=True):
            own, sides = sets[start : start + count], entries[start : start + count] & 3
            pending = [*self._by_sizes(own, sides)]
            while pending:
                pending += self._cut(pending.pop())
        none = [np.empty(0, np.int64)]
        return Filed(
            np.concatenate([*none, *self._sets]),
            np.concatenate([*none, *self._entries]),
            np.concatenate([np.empty(0, bool), *self._alike]),
        )

    def _by_sizes(self, sets: np.ndarray, sides: np.ndarray) -> Iterator[Bucket]:
        """The bucket's pairs of sizes: long sets are filed in classes of several."""
        one = sides[0] == ONE_SIZE
        firsts, seconds = (sets, sets) if one else (sets[sides == 0], sets[sides == 1])
        for size in np.unique(self._sizes[firsts]).tolist():
            for other in np.unique(self._sizes[seconds]).tolist():
                if required_overlap(size, other) > min(size, other) or (one and other < size):
                    continue
                first, second = firsts[self._sizes[firsts] == size], seconds[self._sizes[seconds] == other]
                yield Bucket(first, None if one and size == other else second, MAX_FILED)

    def _file_all(self, sets: np.ndarray, numbers: np.ndarray, sides: np.ndarray) -> None:
        """File the sets of small buckets with these numbers, which ascend."""
        buckets, numbers = np.unique(numbers, return_inverse=True)
        self._sets.append(sets.astype(np.int64))
        self._entries.append(4 * (self._buckets + numbers) + sides)
        self._alike.append(np.zeros(len(buckets), bool))
        self._buckets += len(buckets)

    def _file(self, bucket: Bucket, *, alike: bool) -> None:
        for side, sets in enumerate(bucket.sides):
            self._sets.append(sets.astype(np.int64))
            self._entries.append(np.full(len(sets), 4 * self._buckets + (ONE_SIZE if bucket.second is None else side)))
        self._alike.append(np.array([alike]))
        self._buckets += 1

    def _cut(self, bucket: Bucket) -> list[Bucket]:
        """File the bucket, or its smaller parts; returns those parts that are large themselves."""
        if not self._is_wanted(bucket):
            return []
        size, other = (int(self._sizes[sets[0]]) for sets in (bucket.sides[0], bucket.sides[-1]))
        required = required_overlap(size, other)
        ranks, common, useless = self._ranked(bucket)
        if common >= required:
            self._file(bucket, alike=True)
            return []
        parts = [
            self._prefixes(sets, side, length - required + 1, ranks, useless)
            for side, (sets, length) in enumerate(zip(bucket.sides, (size, other), strict=False))
        ]
        words, sets, sides = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return self._parts(bucket, words, sets, sides)

    def _is_wanted(self, bucket: Bucket) -> bool:
        if bucket.second is None:
            return len(bucket.first) > 1 and bool(self._wanted[bucket.first].any())
        filled = len(bucket.first) and len(bucket.second)
        return bool(filled and any(self._wanted[sets].any() for sets in bucket.sides))

    def _matrices(self, sets: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Sets of one size with their words, a row for each, some at a time."""
        size = int(self._sizes[sets[0]])
        rows = max(1, CHUNK_WORDS // size)
        for start in range(0, len(sets), rows):
            chunk = sets[start : start + rows]
            yield chunk, self._words[self._offsets[chunk][:, None] + np.arange(size)]

    def _ranked(self, bucket: Bucket) -> tuple["Ranks", int, int]:
        """The words of the bucket, those first that the fewest pairs of sets share and those last that all share; how
        many all share, and the rank of the first word that any pair does.
        """
        vocabulary = self._local_vocabulary(bucket)
        counts = []
        for sets in bucket.sides:
            count = np.zeros(self._vocabulary if vocabulary is None else len(vocabulary), np.int64)
            for _, matrix in self._matrices(sets):
                count += np.bincount(_local(matrix, vocabulary).ravel(), minlength=len(count))
            counts.append(count)
        pairs = counts[0] * counts[1] if len(counts) > 1 else counts[0] * (counts[0] - 1)
        in_all = np.logical_and.reduce([count == len(sets) for count, sets in zip(counts, bucket.sides, strict=True)])
        order = np.lexsort((pairs, in_all))
        ranks = np.empty(len(order), np.int32)
        ranks[order] = np.arange(len(order), dtype=np.int32)
        return Ranks(vocabulary, ranks), int(in_all.sum()), int((pairs == 0).sum())

    def _local_vocabulary(self, bucket: Bucket) -> np.ndarray | None:
        """The words of a bucket that is small against the vocabulary; None stands for all words."""
        if sum(int(self._sizes[sets].sum()) for sets in bucket.sides) > self._vocabulary // 4:
            return None
        return np.unique(
            np.concatenate([matrix.ravel() for sets in bucket.sides for _, matrix in self._matrices(sets)])
        )

    def _prefixes(
        self, sets: np.ndarray, side: int, length: int, ranks: "Ranks", useless: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The `length` first words of each set, but for those that no pair shares, with the set and its side."""
        words, owners = [], []
        for chunk, matrix in self._matrices(sets):
            ranked = ranks.of(matrix)
            prefix = ranked if length >= ranked.shape[1] else np.partition(ranked, length - 1, axis=1)[:, :length]
            shared = prefix >= useless
            words.append(prefix[shared])
            owners.append(np.broadcast_to(chunk[:, None], prefix.shape)[shared])
        found = np.concatenate(words)
        return found, np.concatenate(owners), np.full(len(found), side, np.int8)

    def _parts(self, bucket: Bucket, words: np.ndarray, sets: np.ndarray, sides: np.ndarray) -> list[Bucket]:
        """The parts of a bucket by word; small ones are filed, and so is the bucket itself if it is better not cut."""
        order = np.lexsort((sides, words))
        words, sets, sides = words[order], sets[order], sides[order]
        starts = np.flatnonzero(np.r_[True, np.diff(words) > 0]) if len(words) else np.empty(0, np.int64)
        counts = np.diff(np.r_[starts, len(words)])
        whole = sum(map(len, bucket.sides))
        filed = len(words) / whole
        if not _worthwhile(whole, counts, filed, bucket.filed):
            self._file(bucket, alike=False)
            return []
        seconds = np.add.reduceat(sides, starts, dtype=np.int64) if len(starts) else starts
        paired = counts > 1 if bucket.second is None else (seconds > 0) & (seconds < counts)
        if len(starts):
            paired &= np.logical_or.reduceat(self._wanted[sets], starts)
        small = np.repeat(paired & (counts <= MAX_BUCKET), counts)
        if small.any():
            side = np.full(small.sum(), ONE_SIZE) if bucket.second is None else sides[small]
            self._file_all(sets[small], words[small], side)
        left = bucket.filed / max(filed, 1)
        return [
            _part(sets[start : start + count], sides[start : start + count], bucket.second is not None, left)
            for start, count in zip(starts[paired], counts[paired], strict=True)
            if count > MAX_BUCKET
        ]


@dataclass(frozen=True)
class Ranks:
    """The ranks of the words of a bucket."""

    vocabulary: np.ndarray | None
    ranks: np.ndarray

    def of(self, matrix: np.ndarray) -> np.ndarray:
        ranked: np.ndarray = self.ranks[_local(matrix, self.vocabulary)]
        return ranked


def _local(matrix: np.ndarray, vocabulary: np.ndarray | None) -> np.ndarray:
    return matrix if vocabulary is None else np.searchsorted(vocabulary, matrix)


def _part(sets: np.ndarray, sides: np.ndarray, two_sided: bool, filed: float) -> Bucket:
    if not two_sided:
        return Bucket(sets, None, filed)
    return Bucket(sets[sides == 0], sets[sides == 1], filed)


def _worthwhile(whole: int, counts: np.ndarray, filed: float, allowed: float) -> bool:
    """Whether cutting on at this rate ends in small buckets before a set is filed more often than `allowed`."""
    if not len(counts) or counts.max() <= MAX_BUCKET:
        return True
    mean = float((counts.astype(np.float64) ** 2).sum() / counts.sum())
    if mean >= whole:
        return False
    steps = log(whole / MAX_BUCKET) / log(whole / mean)
    return steps * log(max(filed, 1.0)) <= log(max(allowed, 1.0))
