import numpy as np
import pytest

from rl_assets.rewards.linear_head import bootstrap_heads, fit_head

RNG = np.random.default_rng(3)
TRUTH = np.array([1.5, -0.5, 0.0])


def choices(pairs: int, truth: np.ndarray = TRUTH) -> np.ndarray:
    """Differences of features, better minus worse, where the better was drawn by Bradley-Terry with `truth`."""
    rows = RNG.normal(size=(pairs, len(truth)))
    better = RNG.random(pairs) < 1 / (1 + np.exp(-rows @ truth))
    return np.where(better[:, None], rows, -rows)


def test_it_finds_the_weights_that_made_the_choices():
    head = fit_head(choices(20_000), np.ones(20_000))
    assert head.coefficients == pytest.approx(TRUTH, abs=0.06)


def test_it_is_the_solution_that_scikit_learn_finds():
    from sklearn.linear_model import LogisticRegression

    rows, weights = choices(300), RNG.random(300)
    scale = np.sqrt((rows**2).mean(axis=0))
    both = np.concatenate([rows, -rows]) / scale
    model = LogisticRegression(C=2.0, fit_intercept=False, tol=1e-12, max_iter=10_000)
    model.fit(both, [1] * 300 + [0] * 300, np.concatenate([weights, weights]))
    # Each pair stands there twice and C is 2: four times the loss is a quarter of the penalty.
    assert fit_head(rows, weights, l2=0.25).coefficients * scale == pytest.approx(model.coef_[0], abs=1e-4)


def test_the_scale_of_a_feature_does_not_matter_and_a_constant_one_gets_nothing():
    rows = np.column_stack([choices(200), np.zeros(200)])
    small = rows * [1, 1000, 1, 1]
    heads = [fit_head(table, np.ones(200)) for table in (rows, small)]
    assert heads[0].scores(rows) == pytest.approx(heads[1].scores(small))
    assert heads[0].coefficients[3] == 0


def test_pairs_of_weight_nothing_do_not_count():
    rows = choices(100)
    wrong = np.concatenate([rows, -rows])
    assert fit_head(wrong, [1.0] * 100 + [0.0] * 100).scores(rows).mean() > 0.5


def test_a_feature_that_always_decides_ends_at_a_finite_weight():
    assert 0 < fit_head(np.ones((50, 1)), np.ones(50)).coefficients[0] < 10


def test_nothing_to_learn_from_is_said():
    with pytest.raises(ValueError, match="0 pairs and 0 weights"):
        fit_head(np.zeros((0, 3)), [])
    with pytest.raises(ValueError, match="not finite"):
        fit_head([[np.nan]], [1.0])


def test_heads_of_one_cluster_agree_and_those_of_many_disagree_where_little_is_known():
    rows, clusters = choices(60), [f"c{number // 2}" for number in range(60)]
    alike = bootstrap_heads(rows, np.ones(60), ["one"] * 60, heads=3)
    assert np.ptp([head.coefficients for head in alike], axis=0).max() == 0
    few, many = choices(60), choices(3000)
    spread = [
        np.std([head.coefficients for head in bootstrap_heads(table, np.ones(len(table)), names)], axis=0).mean()
        for table, names in ((few, clusters), (many, [str(number) for number in range(3000)]))
    ]
    assert spread[0] > 3 * spread[1] > 0
    again = bootstrap_heads(few, np.ones(60), clusters)
    assert np.array_equal(again[0].coefficients, bootstrap_heads(few, np.ones(60), clusters)[0].coefficients)
