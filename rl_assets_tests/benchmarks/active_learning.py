"""The lanes of the active learning queue against random labels, at equal budgets, on real preferences of people.

A run has a pool and held-out prompts of its own, drawn by its seed, and both strategies start from the same 20 random
labels. Each round reveals 20 more: at random, or as the queue's lanes choose with heads on what is revealed so far. The
curve is accuracy on the held-out pairs at 40 to 160 labels; a run's difference is the mean over these budgets.

Run it with `python -m rl_assets_tests.benchmarks.active_learning --source <folder>`. The folder holds one or more of
`pref-finegrained-qa`, `rag-feedbackqa` and `pref-pandalm`; sets that are missing are skipped with a sentence.
"""

import argparse
import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rl_assets.annotation.active_learning.lanes import Candidate, Lane, choose, estimate, quotas
from rl_assets.features.text_flags import refusals
from rl_assets.rewards.answer_features import feature_table
from rl_assets.rewards.linear_head import bootstrap_heads, fit_head

SEEDS, ROUND, BUDGETS = 20, 20, tuple(range(20, 161, 20))
HELD_OUT = 0.3
RATINGS = {"Excellent": 1.0, "Acceptable": 2 / 3, "Could be Improved": 1 / 3, "Bad": 0.0}
MIN_GAP = 0.25
PAIRS = tuple(combinations(range(1, 5), 2))
Row = dict[str, Any]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Compared:
    """A pair of answers that people decided: the better one comes first."""

    cluster: str
    prompt: str
    better: str
    worse: str
    context: str | None = None


@dataclass(frozen=True)
class Pairs:
    """Pairs as differences of features, better minus worse (n x features), and their clusters."""

    differences: NDArray[np.float64]
    clusters: NDArray[np.str_]

    @classmethod
    def of(cls, pairs: Sequence[Compared]) -> "Pairs":
        prompts, contexts = [pair.prompt for pair in pairs], [pair.context for pair in pairs]
        sides = [[getattr(pair, side) for pair in pairs] for side in ("better", "worse")]
        tables = [feature_table(prompts, side, contexts, _refuses) for side in sides]
        return cls(np.nan_to_num(tables[0] - tables[1], nan=0.0), np.array([pair.cluster for pair in pairs]))


def _refuses(answers: Sequence[str]) -> Sequence[bool]:
    flags: list[bool] = refusals(pa.array(answers, pa.string())).to_pylist()
    return flags


def _lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def finegrained_qa(folder: Path) -> Iterator[Compared]:
    """Four answers to each question, compared two by two by one person; pairs without a preference are dropped."""
    for row in _lines(folder / "feedback.jsonl"):
        context = "\n".join(" ".join(passage) for passage in row["passages"])
        for (first, second), verdict in zip(PAIRS, row["preference"], strict=True):
            if verdict:
                better, worse = (first, second) if verdict == 1 else (second, first)
                texts = row[f"prediction {better}"], row[f"prediction {worse}"]
                yield Compared(row["question"], row["question"], *texts, context)


def feedbackqa(folder: Path) -> Iterator[Compared]:
    """Passages that answer a question, rated by several people; pairs whose means are at least a quarter apart."""
    for source in ("CDC", "UK"):
        passages = {row["passage_id"]: _passage(row) for row in _lines(folder / source / "passages.jsonl")}
        rated: dict[str, dict[int, float]] = defaultdict(dict)
        for name in ("feedback_valid", "feedback_test"):
            for row in _lines(folder / source / f"{name}.jsonl"):
                rated[row["question"]][row["passage_id"]] = fmean(RATINGS[rating] for rating in row["rating"])
        for question, values in rated.items():
            for one, other in combinations(sorted(values), 2):
                if abs(values[one] - values[other]) >= MIN_GAP:
                    better, worse = (one, other) if values[one] > values[other] else (other, one)
                    yield Compared(question, question, passages[better], passages[worse])


def _passage(row: Row) -> str:
    reference = row["reference"]
    return f"{reference['page_title']}\n{reference['section_content']}"


def pandalm(folder: Path) -> Iterator[Compared]:
    """Two models' answers to an instruction, decided by the majority of three people; ties are dropped."""
    for row in _lines(folder / "pairs.jsonl"):
        choice, count = Counter(row[f"annotator{n}"] for n in (1, 2, 3)).most_common(1)[0]
        if choice in (1, 2) and count >= 2:
            texts = row[f"response{choice}"], row[f"response{3 - choice}"]
            yield Compared(row["instruction"], f"{row['instruction']}\n{row['input']}", *texts)


SETS: Mapping[str, Callable[[Path], Iterator[Compared]]] = {
    "pref-finegrained-qa": finegrained_qa,
    "rag-feedbackqa": feedbackqa,
    "pref-pandalm": pandalm,
}


def curves(pairs: Pairs, seed: int) -> tuple[Vector, Vector]:
    """Accuracy at each budget of one run: labels by the lanes, and at random."""
    rng = np.random.default_rng(seed)
    names = np.unique(pairs.clusters)
    rng.shuffle(names)
    held_out = np.isin(pairs.clusters, names[: int(HELD_OUT * len(names))])
    pool, test = np.flatnonzero(~held_out), pairs.differences[held_out]
    order = rng.permutation(pool)
    # Which of the two answers the queue sees first must not give the label away.
    signs = rng.choice([-1.0, 1.0], len(pairs.clusters))
    return _curve(pairs, order, signs, test, by_lanes=True), _curve(pairs, order, signs, test, by_lanes=False)


def _curve(pairs: Pairs, order: NDArray[np.intp], signs: Vector, test: NDArray[np.float64], by_lanes: bool) -> Vector:
    revealed, accuracy = [int(place) for place in order[:ROUND]], []
    for budget in BUDGETS:
        if budget > ROUND:
            left = [int(place) for place in order if place not in set(revealed)]
            revealed += _chosen(pairs, revealed, left, signs) if by_lanes else left[:ROUND]
        scores = fit_head(pairs.differences[revealed], np.ones(len(revealed))).scores(test)
        accuracy.append(float(((np.sign(scores) + 1) / 2).mean()))
    return np.array(accuracy)


def _chosen(pairs: Pairs, revealed: Sequence[int], left: Sequence[int], signs: Vector) -> list[int]:
    """What the lanes take next; the draw of a candidate is its place in the order of the run."""
    clusters = [str(pairs.clusters[place]) for place in revealed]
    heads = bootstrap_heads(pairs.differences[revealed], np.ones(len(revealed)), clusters)
    shown = pairs.differences[left] * signs[left][:, None]
    some = [Candidate(str(place), str(pairs.clusters[place]), f"{n:06d}") for n, place in enumerate(left)]
    slots: dict[Lane, int] = quotas(ROUND)
    return [left[choice.index] for choice in choose(some, estimate(heads, shown), slots)]


def report(name: str, pairs: Pairs, seeds: int) -> tuple[list[str], float, float]:
    """The lines of a set, and the mean paired difference over the seeds with its standard error."""
    runs = [curves(pairs, seed) for seed in range(seeds)]
    ours, random = (np.stack([run[side] for run in runs]) for side in (0, 1))
    differences = (ours - random)[:, 1:].mean(axis=1)
    mean, se = fmean(differences), stdev(differences) / math.sqrt(seeds)
    rows = [
        f"  {budget:>4} labels  lanes {own:.3f}  random {other:.3f}  difference {own - other:+.3f}"
        for budget, own, other in zip(BUDGETS, ours.mean(axis=0), random.mean(axis=0), strict=True)
    ]
    verdict = "not worse than random" if mean >= -se else "WORSE than random"
    head = f"{name}: {len(pairs.clusters):,} pairs of {len(set(pairs.clusters)):,} prompts, {seeds} seeds"
    return [head, *rows, f"  mean over budgets {mean:+.4f}, standard error {se:.4f}: {verdict}"], mean, se


def main() -> None:
    """Print the curves of every set that is there."""
    parser = argparse.ArgumentParser(description="Lanes of the active learning queue against random labels.")
    parser.add_argument("--source", type=Path, required=True, help="folder that holds the sets")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    arguments = parser.parse_args()
    for name, read in SETS.items():
        if not (arguments.source / name).is_dir():
            print(f"{name}: skipped, {arguments.source / name} does not exist")
            continue
        lines, _, _ = report(name, Pairs.of(list(read(arguments.source / name))), arguments.seeds)
        print(*lines, sep="\n", flush=True)


if __name__ == "__main__":
    main()
