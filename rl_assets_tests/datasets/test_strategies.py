"""Strategies of pairs: which answers of a prompt are set against each other."""

import pytest
from pydantic import ValidationError

from rl_assets.datasets.builders import Built, build_pairs
from rl_assets.datasets.policies import DpoPolicy, PairPolicy, RewardPolicy
from rl_assets_tests.support.logs import Product, Row, about, interaction, judged


def built(product: Product, policy: PairPolicy) -> tuple[Built, list[Row]]:
    product.ingest()
    account, rows = product.build(build_pairs, policy)
    assert account.candidates == account.selected + sum(account.dropped.values())
    return account, rows


def sides(rows: list[Row]) -> list[tuple[str, str, str]]:
    return sorted(
        (row["metadata"]["strategy"], row["metadata"]["chosen_id"], row["metadata"]["rejected_id"]) for row in rows
    )


def group(*scores: float) -> list[Row]:
    texts = ("Blue is what you see.", "It left at noon, sir.", "Nobody can say why.", "Closed on Monday, yes!")
    return [judged(f"a{i}", score, answer=f"{texts[i % 4]} {i * 7919}") for i, score in enumerate(scores)]


def test_best_worst_makes_one_pair_a_prompt_which_it_names_and_which_goes_first(product: Product):
    """Of seven answers that a judge scored: ratings need people, and mu2s eight answers."""
    product.log(*group(1.0, 0.9, 0.8, 0.7, 0.3, 0.2, 0.0))
    account, rows = built(product, DpoPolicy(strategies=["best_worst"]))
    assert sides(rows) == [("best_worst", "a0", "a6")]
    assert account.candidates == 1
    _, rows = product.build(build_pairs, DpoPolicy(strategies=["best_worst", "all_margin"]))
    assert [row["metadata"]["strategy"] for row in rows] == ["best_worst", "all_margin"]
    assert product.build(build_pairs, DpoPolicy(strategies=["ratings"]))[1] == []
    assert product.build(build_pairs, DpoPolicy(strategies=["mu2s"]))[0].candidates == 0


def test_ratings_set_four_stars_against_two(product: Product):
    product.log(*(interaction(f"a{stars}", answer=f"{'abcde'[stars - 1] * 20} says {stars}") for stars in range(1, 6)))
    product.log(
        *(about(f"a{stars}", f"f{stars}", "rating", rating=stars) for stars in range(1, 6)), log_format="feedback_table"
    )
    _, rows = built(product, DpoPolicy(strategies=["ratings"], per_prompt=10))
    assert sides(rows) == [("ratings", better, worse) for better in ("a4", "a5") for worse in ("a1", "a2")]


def test_mu2s_sets_the_best_against_the_one_nearest_to_two_deviations_below_the_mean(product: Product):
    scores = (1.0, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.5, 0.0)
    mean = sum(scores) / len(scores)
    deviation = (sum((score - mean) ** 2 for score in scores) / len(scores)) ** 0.5
    nearest = min(range(len(scores)), key=lambda i: abs(scores[i] - (mean - 2 * deviation)))
    product.log(*group(*scores))
    _, rows = built(product, DpoPolicy(strategies=["mu2s"]))
    assert sides(rows) == [("mu2s", "a0", f"a{nearest}")]


@pytest.mark.slow  # Several seconds of CPU.
def test_without_explicit_no_stated_preference_is_taken(product: Product):
    product.log(interaction("a1"))
    told = about("a1", "f1", "preference", preferred_output="Better, I say.", rejected_output="Worse, they say.")
    product.log(told, log_format="feedback_table")
    assert built(product, DpoPolicy(strategies=["all_margin"]))[0].candidates == 0
    assert built(product, DpoPolicy())[0].selected == 1


def test_a_prompt_that_is_asked_all_day_gives_no_square_of_pairs(product: Product):
    product.log(*group(*(i / 200 for i in range(200))))
    account, rows = built(product, DpoPolicy(max_answers=10, max_len_ratio=10))
    assert account.candidates <= 45
    assert sides(rows)[0][1:] == ("a199", "a0")


def test_a_reward_model_learns_from_small_margins_and_from_all_pairs_of_four(product: Product):
    product.log(*group(1.0, 0.9, 0.8, 0.7))
    assert built(product, RewardPolicy())[0].selected == 6
    assert built(product, DpoPolicy())[0].dropped == {"over_per_prompt": 1}


def test_the_account_says_how_often_the_longer_text_is_chosen(product: Product):
    product.log(judged("a", 0.9, answer="Quite a long answer."), judged("b", 0.1, answer="A short one."))
    assert built(product, DpoPolicy())[0].metrics["longer_is_chosen"] == 1.0


@pytest.mark.parametrize(
    ("strategies", "sentence"),
    [
        (["best"], "unknown strategies best; known are explicit"),
        (["mu2s", "mu2s"], "names one twice"),
        ([], "at least 1"),
    ],
)
def test_unknown_strategies_are_refused(strategies, sentence):
    with pytest.raises(ValidationError, match=sentence):
        DpoPolicy(strategies=strategies)
