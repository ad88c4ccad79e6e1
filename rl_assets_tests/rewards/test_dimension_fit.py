import numpy as np
import pytest

from rl_assets.metrics.rank_correlation import spearman
from rl_assets.rewards.dimension_data import Answer, Pair, Rating, joined_units, pairs_of_ratings
from rl_assets.rewards.dimension_fit import fit_dimension, one_rater_ceiling
from rl_assets_tests.support.planted_dimensions import chance, grounded, long, planted, short


def answer(prompt: str, text: str, unit: str = "u") -> Answer:
    return Answer(prompt, "?", text, None, "train", unit)


def test_a_quality_of_the_text_is_learned_and_beats_length():
    fit, data = planted(grounded)
    found = fit_dimension(fit, data)
    assert found.report.beats_length
    assert found.report.out_of_fold.accuracy.mean > 0.8
    assert found.head.coefficients[[*fit.names].index("words_in_context")] > 0
    assert found.report.out_of_fold.shorter_is_right.mean > 0.75
    assert set(found.report.out_of_fold.by_margin) <= {"0 to 0.25", "0.25 to 0.5", "0.5 to 1"}


@pytest.mark.parametrize("rule", [long, short])
def test_length_alone_does_not_beat_the_length_rule(rule):
    found = fit_dimension(*planted(rule))
    assert not found.report.beats_length
    assert found.report.out_of_fold.baseline.mean > 0.9
    assert set(found.report.out_of_fold.rules) == {"longer" if rule is long else "shorter"}


@pytest.mark.parametrize("seed", range(3))
def test_ratings_by_chance_teach_nothing(seed: int):
    assert not fit_dimension(*planted(chance, seed=seed)).report.beats_length


def test_scores_do_not_go_with_length_unless_it_matters():
    fit, data = planted(long)
    used = sorted({place for pair in data.pairs_in(fit.answers, ["train"]) for place in (pair.better, pair.worse)})

    def correlation(length_matters: bool) -> float:
        chosen, rows = planted(long, length_matters=length_matters)
        head = fit_dimension(chosen, rows).head
        return spearman(head.scores(chosen.features[used]), chosen.lengths[used])

    assert abs(correlation(length_matters=False)) < 0.01
    assert correlation(length_matters=True) > 0.9


def test_where_length_matters_a_head_may_prefer_it_but_it_still_is_no_better_than_the_rule():
    found = fit_dimension(*planted(long, length_matters=True))
    assert found.report.out_of_fold.accuracy.mean > 0.9 and found.head.length_slope == 0
    assert not found.report.beats_length


def test_below_300_held_out_pairs_the_estimate_out_of_fold_decides_and_below_50_nothing_is_measured_there():
    few = fit_dimension(*planted(grounded, prompts=60)).report
    assert few.held_out is None and few.held_out_pairs < 50 and few.decided_by == "out_of_fold"
    some = fit_dimension(*planted(grounded, prompts=150)).report
    assert some.held_out is not None and some.decided_by == "out_of_fold"
    many = fit_dimension(*planted(grounded, prompts=600)).report
    assert many.decided_by == "held_out" and many.held_out_pairs >= 300 and many.beats_length


def test_values_are_calibrated_on_validation_and_with_few_ratings_there_out_of_fold():
    fit, data = planted(grounded, prompts=300)
    found = fit_dimension(fit, data)
    calibration = found.report.calibration
    assert (calibration.fitted_on, calibration.method, calibration.ratings) == ("validation", "platt", 90)
    assert calibration.error < calibration.error_before
    assert calibration.monotone_steps > 0.7 and calibration.flat_share < 0.3
    few = fit_dimension(*planted(grounded, prompts=50)).report.calibration
    assert few.fitted_on == "out of fold"


def test_preferences_without_ratings_are_calibrated_by_themselves():
    fit, data = planted(grounded)
    stated = type(data)(data.dimension, data.source, (), data.pairs)
    assert fit_dimension(fit, stated).report.calibration.fitted_on == "preferences"


def test_pairs_of_one_session_cannot_be_measured():
    with pytest.raises(ValueError, match="come from 1 sessions"):
        fit_dimension(*planted(grounded, clusters=1))


def test_equal_input_gives_equal_numbers():
    first, second = (fit_dimension(*planted(grounded)) for _ in range(2))
    assert np.array_equal(first.head.coefficients, second.head.coefficients)
    assert first.report == second.report and first.calibration == second.calibration


def test_pairs_are_of_one_prompt_and_of_different_ratings():
    answers = [answer("a", "1"), answer("a", "2"), answer("a", "3"), answer("b", "4")]
    ratings = [Rating(0, 0.2), Rating(1, 0.9), Rating(2, 0.2), Rating(3, 0.1)]
    assert sorted(map(vars_of, pairs_of_ratings(ratings, answers))) == [(1, 0, 0.7), (1, 2, 0.7)]
    assert Pair(0, 1, 0.1).weight == pytest.approx(0.4) and Pair(0, 1, 0.5).weight == 1


def vars_of(pair: Pair) -> tuple[int, int, float]:
    return pair.better, pair.worse, round(pair.margin, 9)


def test_of_many_answers_to_one_prompt_some_make_pairs():
    answers = [answer("a", str(number)) for number in range(100)]
    pairs = pairs_of_ratings([Rating(number, number / 100) for number in range(100)], answers)
    assert len(pairs) == 16 * 15 / 2 and {0, 99} <= {pair.better for pair in pairs} | {pair.worse for pair in pairs}


def test_sessions_and_prompt_clusters_that_touch_are_one_unit():
    units = joined_units(["s1", "s1", "s2", "s3"], ["c1", "c2", "c2", "c3"])
    assert units[0] == units[1] == units[2] != units[3]


def test_one_rater_against_the_others_by_hand():
    """Of three raters, two order the answers as the others do, and the third contradicts them."""
    answers = [answer("a", "1"), answer("a", "2")]
    first = Rating(0, 0.6, {"ann": 1.0, "bob": 0.8, "tom": 0.0})
    second = Rating(1, 0.4, {"ann": 0.0, "bob": 0.2, "tom": 0.7})
    found = one_rater_ceiling([first, second], answers)
    # The mean of bob and tom is 0.4 against 0.45, which ann contradicts; ann and tom 0.5 against 0.35, as bob says.
    assert found is not None and found.mean == pytest.approx(1 / 3) and found.n == 3
    assert one_rater_ceiling([Rating(0, 0.5, {"ann": 0.5})], answers) is None
