"""Win rates by few labels and many verdicts: equal to the authors' package, and right as often as they say."""

import numpy as np
import pytest

from rl_assets.metrics.prediction_powered import best_weight, calibrated_mean, labelled, unlabelled

VALUES = (0.0, 0.5, 1.0)
# seed, labelled, judged only, weight, and the ends that ppi_py.ppi_mean_ci of ppi-python 0.2.3 gives for alpha = 0.05
# on what `drawn` draws with numpy 2.4.6: ppi_mean_ci(labels, verdicts, verdicts alone, alpha=0.05, lam=weight).
REFERENCES = [
    (1, 50, 400, 0.5, 0.5100505286800138, 0.6924494713199864),
    (2, 100, 1000, 0.8, 0.4656101761922771, 0.626789823807723),
    (3, 200, 300, 1.0, 0.4936797010141942, 0.6279869656524726),
    (4, 60, 90, 0.0, 0.5026469640578752, 0.7306863692754582),
]


def drawn(seed: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and verdicts that equal three quarters of them."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(VALUES, size, p=[0.4, 0.1, 0.5])
    return labels, np.where(rng.random(size) < 0.75, labels, rng.choice(VALUES, size, p=[0.2, 0.1, 0.7]))


def names(size: int) -> list[str]:
    return [f"c{n}" for n in range(size)]


@pytest.mark.parametrize(("seed", "n", "others", "weight", "low", "high"), REFERENCES)
def test_the_interval_is_that_of_the_authors_at_the_same_weight(seed, n, others, weight, low, high):
    labels, verdicts = drawn(seed, n + others)
    known, rest = labelled(labels[:n], verdicts[:n], names(n)), unlabelled(verdicts[n:], names(others))
    found, used = calibrated_mean(known, rest, weight)
    assert used == weight
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_the_best_weight_has_the_narrowest_interval():
    labels, verdicts = drawn(5, 600)
    known, rest = labelled(labels[:100], verdicts[:100], names(100)), unlabelled(verdicts[100:], names(500))
    best, weight = calibrated_mean(known, rest)
    assert 0 < weight < 1
    assert all(best.se <= calibrated_mean(known, rest, other)[0].se for other in (0.0, weight - 0.1, weight + 0.1, 1.0))


def test_a_judge_that_says_the_opposite_or_nothing_has_no_weight():
    labels, verdicts = drawn(6, 100)
    assert best_weight(labelled(labels, 1 - verdicts, names(100)), unlabelled(verdicts, names(100))) == 0
    assert best_weight(labelled(labels, verdicts, names(100)), unlabelled([], [])) == 0
    assert calibrated_mean(labelled(labels, verdicts, names(100)), unlabelled([], []))[0].mean == labels.mean()


def test_items_of_one_cluster_are_not_independent():
    labels, verdicts = drawn(7, 60)
    alone = calibrated_mean(labelled(labels, verdicts, names(60)), unlabelled(verdicts, names(60)))[0]
    thrice = np.repeat(labels, 3), np.repeat(verdicts, 3), [name for name in names(60) for _ in range(3)]
    repeated = calibrated_mean(labelled(*thrice), unlabelled(verdicts, names(60)))[0]
    assert (repeated.low, repeated.high) == pytest.approx((alone.low, alone.high))
    assert (repeated.n, repeated.clusters) == (180, 60)


def test_labels_that_all_agree_do_not_make_it_certain():
    found, weight = calibrated_mean(labelled([1.0] * 50, [0.5] * 50, names(50)), unlabelled([0.5] * 50, names(50)))
    assert (weight, found.mean, found.high) == (0, 1.0, 1.0)
    assert found.low == pytest.approx(0.929, abs=1e-3)


def test_without_labels_there_is_nothing_to_say():
    with pytest.raises(ValueError, match="there are no labels"):
        calibrated_mean(labelled([], [], []), unlabelled([1.0], ["c"]))


@pytest.mark.slow
@pytest.mark.parametrize("n", [50, 100, 200])
def test_the_interval_covers_the_truth_where_a_biased_judge_alone_does_not(n):
    """A judge that agrees with 75 % of labels and prefers ours by 10 points: 85 % where ours is better, 65 % if not."""
    rng, runs, others, covered, by_judge = np.random.default_rng(n), 2_000, 300, 0, 0
    for _ in range(runs):
        labels = (rng.random(n + others) < 0.5).astype(float)
        verdicts = (rng.random(n + others) < np.where(labels == 1, 0.85, 0.35)).astype(float)
        known, rest = labelled(labels[:n], verdicts[:n], names(n)), unlabelled(verdicts[n:], names(others))
        found, _ = calibrated_mean(known, rest)
        covered += found.low <= 0.5 <= found.high
        by_judge += abs(verdicts.mean() - 0.5) <= 1.96 * verdicts.std() / np.sqrt(n + others)
    assert 0.93 <= covered / runs <= 0.97
    assert by_judge / runs < 0.4
