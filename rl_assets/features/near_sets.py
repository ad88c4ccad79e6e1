"""Near-equal sets of words, found exactly and without comparing all with all: Jaccard similarity of 0.9 or more.

Two sets that share so much share one of their rarest words: of 30 words one of the two rarest (prefix filtering,
Bayardo et al. 2007). Sets are therefore filed under their rarest words, apart for each pair of sizes, and only those
under one word are compared. Prompts of one template are alike in their common words, which are not looked up: their
rare words tell which are near. Equal sets must be merged before.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rl_assets.features.near_buckets import CHUNK_WORDS, Refinery, required_overlap

# Sizes above this are filed in classes, so that long prompts have few of them.
EXACT_SIZES = 50
MAX_CHUNK = 4096
CLASSES_PER_DOUBLING = 18
# Odd numbers of 64 bits. Two words that share a key by chance cost a comparison, and nothing else.
WORD_MULTIPLIER, PAIR_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15), 0xC2B2AE3D27D4EB4F


@dataclass
class NearSets:
    """Sets of words, and for each the entries in which it is filed.

    An entry is a number. Sets of two sizes are filed apart: a set looks for near-equal ones under `partner` of each of
    its own entries.
    """

    words: np.ndarray
    offsets: np.ndarray
    entries: np.ndarray
    entry_offsets: np.ndarray
    alike: bytes

    @classmethod
    def from_words(cls, words: pa.ListArray, wanted: np.ndarray) -> "NearSets":
        """File the sets; entries in which no `wanted` set meets another are dropped."""
        offsets = np.r_[0, np.cumsum(words.value_lengths().to_numpy(zero_copy_only=False))].astype(np.int64)
        ranks, unshared = _rarest_first(words.flatten().to_numpy(zero_copy_only=False), offsets)
        filed = Refinery(ranks, offsets, wanted).refine(*_shared_entries(ranks, offsets, wanted, unshared))
        order = np.argsort(filed.sets, kind="stable")
        entry_offsets = np.searchsorted(filed.sets[order], np.arange(len(offsets)))
        return cls(ranks, offsets, filed.entries[order], entry_offsets, filed.alike.tobytes())

    def entries_of(self, place: int) -> list[int]:
        entries: list[int] = self.entries[self.entry_offsets[place] : self.entry_offsets[place + 1]].tolist()
        return entries

    def all_near(self, entry: int) -> bool:
        """Whether a set is near-equal to all that are filed under the partner of its entry."""
        return bool(self.alike[entry >> 2])

    def near_others(self, names: Sequence[str], wanted: np.ndarray) -> np.ndarray:
        """Whether each set is near-equal to one of another name; false for those that are not `wanted`."""
        filed: defaultdict[int, dict[str, list[int]]] = defaultdict(dict)
        for place, name in enumerate(names):
            for entry in self.entries_of(place):
                filed[entry].setdefault(name, []).append(place)
        near, marks = np.zeros(len(names), bool), self.marks()
        for place in np.flatnonzero(wanted).tolist():
            own = self.words_of(place)
            marks[own] = 1
            near[place] = any(
                name != names[place] and (self.all_near(entry) or self.any_near(marks, len(own), places))
                for entry in self.entries_of(place)
                for name, places in filed[partner(entry)].items()
            )
            marks[own] = 0
        return near

    def marks(self) -> np.ndarray:
        """Room to mark the words of one set, for `first_near`."""
        return np.zeros(int(self.words.max(initial=-1)) + 1, np.int32)

    def words_of(self, place: int) -> np.ndarray:
        return self.words[self.offsets[place] : self.offsets[place + 1]]

    def any_near(self, marks: np.ndarray, size: int, others: Sequence[int]) -> bool:
        """Whether one of the sets `others` is near-equal to the one of `size` words that is marked."""
        words = self.words_of(others[0])
        if 19 * np.count_nonzero(marks[words]) >= 9 * (size + len(words)):
            return True
        first, chunk = 1, 16
        while first < len(others):
            if self._any_near(marks, size, np.array(others[first : first + chunk])):
                return True
            first, chunk = first + chunk, min(4 * chunk, MAX_CHUNK)
        return False

    def _any_near(self, marks: np.ndarray, size: int, others: np.ndarray) -> bool:
        sizes = self.offsets[others + 1] - self.offsets[others]
        starts = np.cumsum(sizes) - sizes
        places = np.repeat(self.offsets[others] - starts, sizes) + np.arange(sizes.sum())
        shared = np.add.reduceat(marks[self.words[places]], starts)
        return bool((19 * shared >= 9 * (size + sizes)).any())


def partner(entry: int) -> int:
    """The entry of sets of the other size; of one size it is the entry itself."""
    return entry if entry & 2 else entry ^ 1


def _rarest_first(words: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, int]:
    """The words of each set as numbers, the rarest word of all sets being 0, each set in their order; how many words
    are in one set only.
    """
    distinct, counts = np.unique(words, return_counts=True)
    ranks = np.empty(len(counts), np.int32)
    ranks[np.argsort(counts, kind="stable")] = np.arange(len(counts), dtype=np.int32)
    ranked = np.empty(len(words), np.int32)
    for start in range(0, len(words), CHUNK_WORDS):
        chunk = slice(start, start + CHUNK_WORDS)
        ranked[chunk] = ranks[np.searchsorted(distinct, words[chunk])]
    for _, _, places in _by_size(offsets, np.arange(len(offsets) - 1)):
        ranked[places] = np.sort(ranked[places], axis=1)
    return ranked, int((counts == 1).sum())


def _by_size(offsets: np.ndarray, sets: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Each size with sets of that size and the places of their words, a row for each."""
    sizes = np.diff(offsets)[sets]
    order = np.argsort(sizes, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(sizes[order])) + 1) if len(sets) else ():
        size = int(sizes[group[0]])
        rows = max(1, CHUNK_WORDS // max(size, 1))
        for start in range(0, len(group), rows):
            members = sets[group[start : start + rows]]
            yield size, members, offsets[members][:, None] + np.arange(size)


def _class_of(sizes: np.ndarray) -> np.ndarray:
    classes = EXACT_SIZES + np.floor(CLASSES_PER_DOUBLING * np.log2(np.maximum(sizes, 1) / EXACT_SIZES))
    return np.where(sizes <= EXACT_SIZES, sizes, classes).astype(np.int64)


def _shared_entries(
    ranks: np.ndarray, offsets: np.ndarray, wanted: np.ndarray, unshared: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sets and their entries, of those entries that a wanted set shares with another."""
    sizes = np.diff(offsets)
    present = {
        int(number): (int(sizes[classes == number].min()), int(sizes[classes == number].max()))
        for classes in [_class_of(sizes)]
        for number in np.unique(classes)
    }
    ours, our_keys, our_sides = _keys(ranks, offsets, np.flatnonzero(wanted), present, unshared)
    known = np.unique(our_keys)
    theirs, their_keys, their_sides = _keys(ranks, offsets, np.flatnonzero(~wanted), present, unshared, known)
    numbers = np.searchsorted(known, np.r_[our_keys, their_keys])
    del our_keys, their_keys
    sides = np.r_[our_sides, their_sides]
    entries = 4 * numbers + sides
    counts = np.bincount(entries, minlength=4 * len(known))
    partners = np.where(sides & 2, entries, entries ^ 1)
    shared = counts[partners] > (sides == 2)
    return np.r_[ours, theirs][shared], entries[shared]


def _keys(
    ranks: np.ndarray,
    offsets: np.ndarray,
    sets: np.ndarray,
    present: dict[int, tuple[int, int]],
    unshared: int,
    known: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sets with the keys of their entries and the sides on which they stand; only those in `known`, if given.

    Words below `unshared` are in one set only, and give no entry.
    """
    found_sets, found_keys, found_sides = [np.empty(0, np.int32)], [np.empty(0, np.uint64)], [np.empty(0, np.int8)]
    for size, members, places in _by_size(offsets, sets):
        own = int(_class_of(np.array([size]))[0])
        for other, (smallest, largest) in present.items():
            count = _prefix(size, smallest, largest)
            if count < 1 or (own == other and smallest == largest and required_overlap(size, size) == size):
                continue  # The sizes are too far apart, or only equal sets of this size are near.
            pair = np.uint64((min(own, other) << 32 | max(own, other)) * PAIR_MULTIPLIER % 2**64)
            prefixes = ranks[places[:, :count]]
            shared = prefixes >= unshared
            keys = (prefixes[shared].astype(np.uint64) * WORD_MULTIPLIER) ^ pair
            owners = np.broadcast_to(members[:, None], prefixes.shape)[shared].astype(np.int32)
            if known is not None:
                kept = known[np.minimum(np.searchsorted(known, keys), len(known) - 1)] == keys if len(known) else []
                keys, owners = keys[kept], owners[kept]
            found_sets.append(owners)
            found_keys.append(keys)
            found_sides.append(np.full(len(keys), 2 if own == other else own > other, np.int8))
    return np.concatenate(found_sets), np.concatenate(found_keys), np.concatenate(found_sides)


def _prefix(size: int, smallest: int, largest: int) -> int:
    """How many of its rarest words a set is filed under for near-equal ones of `smallest` to `largest` words."""
    other = max(smallest, -(-9 * size // 10))
    return 0 if other > min(largest, 10 * size // 9) else size - required_overlap(size, other) + 1
