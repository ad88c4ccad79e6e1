import numpy as np
import pytest

from rl_assets.metrics.krippendorff import krippendorff_alpha

# The example of Krippendorff's paper: four observers, twelve units, some ratings missing; alpha on an interval scale
# is 0.849 (Krippendorff 2011, section D).
PAPER = [
    [1, 1, 1],
    [2, 2, 3, 2],
    [3, 3, 3, 3],
    [3, 3, 3, 3],
    [2, 2, 2, 2],
    [1, 2, 3, 4],
    [4, 4, 4, 4],
    [1, 1, 2, 1],
    [2, 2, 2, 2],
    [5, 5, 5],
    [1, 1],
    [3],
]
NAMES = [str(number) for number in range(len(PAPER))]


def test_it_is_the_published_value_of_the_paper_s_example():
    found = krippendorff_alpha(PAPER, NAMES)
    assert found is not None
    assert found.mean == pytest.approx(0.849, abs=5e-4)
    assert found.n == 11 and found.low < found.mean < found.high


def test_by_hand():
    """Two units of two: D_o is (0 + 2) / 4, D_e over the ordered pairs of 0, 0, 0, 1 is 6 / 12."""
    found = krippendorff_alpha([[0, 0], [0, 1]], ["a", "b"])
    assert found is not None and found.mean == pytest.approx(0.0)
    opposed = krippendorff_alpha([[0, 1], [1, 0]], ["a", "b"])
    assert opposed is not None and opposed.mean == pytest.approx(1 - 1 / (8 / 12))


def test_raters_who_agree_have_one_and_raters_by_chance_about_nothing():
    rng = np.random.default_rng(1)
    values = rng.random(400)
    alike = krippendorff_alpha([[value, value] for value in values], [str(n) for n in range(400)])
    chance = krippendorff_alpha(rng.random((400, 3)).tolist(), [str(n) for n in range(400)])
    assert alike is not None and alike.mean == pytest.approx(1)
    assert chance is not None and chance.low < 0 < chance.high


def test_equal_ratings_and_single_ones_have_no_alpha():
    assert krippendorff_alpha([[0.3, 0.3], [0.3, 0.3]], ["a", "b"]) is None
    assert krippendorff_alpha([[0.1], [0.9]], ["a", "b"]) is None
    assert krippendorff_alpha([], []) is None


def test_ratings_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        krippendorff_alpha([[0.0, float("nan")]], ["a"])


def test_one_cluster_shows_no_spread():
    found = krippendorff_alpha(PAPER, ["one"] * len(PAPER))
    assert found is not None and found.low is None
