"""Answers that repeat an answer to another prompt: the mark of a model that says one thing whatever is asked."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rl_assets.features.near_sets import NearSets
from rl_assets.features.words import signed, word_hashes

SEVERAL = ""


def repeated_answers(answers: Sequence[str], clusters: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each of n answers shares nine words in ten (Jaccard) with an answer to a prompt of another cluster (n).

    Answers to prompts that are nearly the same (one cluster) are rightly alike. Blank answers are alike.
    """
    if not answers:
        return np.zeros(0, bool)
    keys = [tuple(word_hashes([answer])) for answer in answers]
    owners: dict[tuple[int, ...], set[str]] = {}
    for key, cluster in zip(keys, clusters, strict=True):
        owners.setdefault(key, set()).add(cluster)
    everything = np.ones(len(owners), bool)
    names = [next(iter(own)) if len(own) == 1 else SEVERAL for own in owners.values()]
    near = NearSets.from_words(signed(owners), wanted=everything).near_others(names, everything)
    shared = {key: bool(alike) or len(owners[key]) > 1 for key, alike in zip(owners, near, strict=True)}
    return np.array([shared[key] for key in keys], bool)
