"""How right the promotion gate is about being unsure: equal models, planted effects, and clusters taken for rows.

Run it with `python -m rl_assets_tests.benchmarks.gate`.
"""

import argparse
from collections.abc import Iterator

import numpy as np

from rl_assets.evaluation.promotion.decide import PromotionRules, decide
from rl_assets.evaluation.run.estimates import Column
from rl_assets.metrics.statistics import interval
from rl_assets_tests.support.evaluation_samples import compared_columns, report

EFFECTS = (0.0, 0.02, 0.05, 0.1)
CLUSTERS = (50, 200, 800)
ITEMS = 4
RULES = PromotionRules()


def answers(seed: int, clusters: int, items: int, effect: float) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Right or wrong answers (0 or 1) of candidate and champion to `items` questions in each of `clusters`.

    Each model has its own chance in each cluster, around the cluster's: what one knows about a passage, it knows in
    all its questions. With no effect the two are exchangeable.
    """
    rng = np.random.default_rng(seed)
    level = rng.uniform(0.35, 0.65, clusters)
    ours, theirs = (level + rng.uniform(-0.2, 0.2, clusters) + shift for shift in (effect, 0.0))
    drawn = [rng.random((clusters, items)) < chance[:, None] for chance in (ours, theirs)]
    names = [f"c{cluster}" for cluster in range(clusters) for _ in range(items)]
    return drawn[0].ravel().astype(float), drawn[1].ravel().astype(float), names


def promoted(ours: np.ndarray, theirs: np.ndarray, names: list[str]) -> bool:
    """What the gate says of these answers."""
    columns = [Column(side, np.ones(len(names)), names) for side in (ours, theirs)]
    compared = compared_columns(*columns)
    return decide(report(comparisons={"candidate-base": compared}), None, RULES).verdict == "PROMOTE"


def share_promoted(seeds: int, clusters: int, items: int, effect: float, naive: bool = False) -> float:
    """Share of `seeds` that were promoted; `naive` takes every answer for a cluster of its own."""
    found = 0
    for seed in range(seeds):
        ours, theirs, names = answers(seed, clusters, items, effect)
        found += promoted(ours, theirs, [str(row) for row in range(len(names))] if naive else names)
    return found / seeds


def half_width(clusters: int, items: int, naive: bool) -> float:
    """Half of the interval of one sample without effect."""
    ours, theirs, names = answers(0, clusters, items, 0.0)
    found = interval(ours - theirs, [str(row) for row in range(len(names))] if naive else names)
    assert found.high is not None and found.low is not None
    return (found.high - found.low) / 2


def table(seeds: int) -> Iterator[str]:
    """Lines of the study."""
    yield f"{'clusters x items':18}{'interval':>10}" + "".join(f"{f'effect {effect}':>14}" for effect in EFFECTS)
    for items, naive in ((1, False), (ITEMS, False), (ITEMS, True)):
        for clusters in CLUSTERS:
            shares = (share_promoted(seeds, clusters, items, effect, naive) for effect in EFFECTS)
            label = f"{clusters} x {items}{' naive' if naive else ''}"
            yield f"{label:18}{half_width(clusters, items, naive):>10.3f}" + "".join(
                f"{share:>14.2f}" for share in shares
            )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Share of samples in which the gate promotes.")
    parser.add_argument("--seeds", type=int, default=100)
    for line in table(parser.parse_args().seeds):
        print(line, flush=True)


if __name__ == "__main__":
    main()
