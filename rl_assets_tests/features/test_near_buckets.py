"""Large buckets are cut without losing a pair of near-equal sets, and templates need few comparisons."""

import random
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

from rl_assets.features.near_sets import NearSets, partner

Words = list[list[int]]


def template(rng: random.Random, rows: int, shared: int, *slots: int) -> Words:
    """Different sets of `shared` words in common and one word of each slot, which has so many."""
    filled = {tuple(rng.randrange(size) for size in slots) for _ in range(rows)}
    return [[*range(shared), *(10_000 * (n + 1) + value for n, value in enumerate(row))] for row in sorted(filled)]


def some_left_out(rng: random.Random, sets: Words) -> Words:
    """The sets, each without up to four of its words."""
    return [sorted(rng.sample(words, len(words) - rng.randrange(5))) for words in sets]


def distinct(sets: Words) -> Words:
    return [list(words) for words in sorted({tuple(sorted(words)) for words in sets})]


def near_pairs(sets: Words) -> set[tuple[int, int]]:
    """Pairs with nine words in ten in common, by comparing all."""
    known = [set(words) for words in sets]
    return {
        (a, b)
        for a, b in combinations(range(len(sets)), 2)
        if 10 * len(known[a] & known[b]) >= 9 * len(known[a] | known[b])
    }


def found_pairs(sets: Words, wanted: np.ndarray) -> tuple[set[tuple[int, int]], int]:
    """Pairs that the entries lead to, and how many comparisons of words these take."""
    near = NearSets.from_words(pa.array(sets, pa.list_(pa.int32())), wanted)
    filed: dict[int, list[int]] = {}
    for place in range(len(sets)):
        for entry in near.entries_of(place):
            filed.setdefault(entry, []).append(place)
    pairs, marks, comparisons = set(), near.marks(), 0
    for place in range(len(sets)):
        marks[near.words_of(place)] = 1
        for entry in near.entries_of(place):
            others = [other for other in filed.get(partner(entry), []) if other != place]
            comparisons += 0 if near.all_near(entry) else len(others)
            for other in others:
                if near.all_near(entry) or near.any_near(marks, len(near.words_of(place)), [other]):
                    pairs.add((min(place, other), max(place, other)))
        marks[near.words_of(place)] = 0
    return pairs, comparisons


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("shared", "slots"),
    [(24, (400,)), (17, (8, 12, 30)), (36, (9, 9, 9, 9)), (52, (3, 3, 3, 3, 3, 3)), (90, (6,) * 9), (10, (500,))],
)
def test_no_near_pair_of_a_template_is_lost_and_none_is_made_up(seed: int, shared: int, slots: tuple[int, ...]) -> None:
    rng = random.Random(seed)
    sets = template(rng, 160, shared, *slots)
    sets = distinct([*sets, *some_left_out(rng, sets[:60])])
    expected = near_pairs(sets)
    assert found_pairs(sets, np.ones(len(sets), bool))[0] == expected
    wanted = np.array([rng.random() < 0.3 for _ in sets])
    assert found_pairs(sets, wanted)[0] >= {(a, b) for a, b in expected if wanted[a] or wanted[b]}
    assert found_pairs(sets, wanted)[0] <= expected


@pytest.mark.parametrize(
    ("shared", "slots"),
    [(24, (10**6,)), (22, (50, 100, 1000)), (22, (50, 100, 10**6)), (60, (10**6,)), (40, (20, 20, 20, 20))],
)
def test_a_template_takes_a_few_comparisons_for_each_row(shared: int, slots: tuple[int, ...]) -> None:
    rows = 3000
    sets = template(random.Random(1), rows, shared, *slots)
    near = NearSets.from_words(pa.array(sets, pa.list_(pa.int32())), np.ones(len(sets), bool))
    buckets = np.bincount(near.entries >> 2)
    compared = buckets[~np.frombuffer(near.alike, bool)]
    assert (compared.astype(np.int64) ** 2).sum() < 200 * rows
    assert len(near.entries) < 64 * rows
