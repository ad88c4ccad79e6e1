"""Who chooses what people are asked about, on candidates whose answers are known."""

import numpy as np
import pytest

from rl_assets.annotation.active_learning.lanes import Candidate, choose, estimate, quotas
from rl_assets.core.files import sha256_text
from rl_assets.rewards.linear_head import LinearHead


def candidates(size: int, **fields: object) -> list[Candidate]:
    return [Candidate(f"i{n}", f"c{n}", sha256_text(f"i{n}"), **fields) for n in range(size)]  # type: ignore[arg-type]


def heads(*coefficients: tuple[float, ...]) -> list[LinearHead]:
    return [LinearHead(np.array(each)) for each in coefficients]


def test_fifty_slots_are_ten_fifteen_fifteen_and_ten():
    assert quotas(50) == {"random": 10, "disagreement": 15, "informative": 15, "optimistic": 10}


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 10, 49, 1000])
def test_the_quotas_of_any_batch_sum_to_it(batch):
    assert sum(quotas(batch).values()) == batch and min(quotas(batch).values()) >= 0


def test_heads_that_agree_on_a_coin_toss_make_it_uninformative():
    """Both pairs are near p = 0.5: of the first no head knows anything, of the second each is sure of another side."""
    found = estimate(heads((0.0, 9.0), (0.0, -9.0)), np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert np.allclose(found.p, 0.5)
    assert found.information[0] == pytest.approx(0, abs=1e-9)
    assert found.information[1] == pytest.approx(np.log(2), abs=0.01)


def test_the_optimistic_lane_takes_the_largest_upper_bound_of_the_gap():
    differences = np.array([[1.0, 0.0], [3.0, 0.0], [-5.0, 0.0], [0.5, 0.0]])
    found = estimate(heads((1.0, 0.0), (1.2, 0.0)), differences)
    (choice,) = choose(candidates(4), found, {"random": 0, "disagreement": 0, "informative": 0, "optimistic": 1})
    assert choice.index == 2 and choice.reasons == ("gap_may_be_large",)


def test_two_pairs_that_ask_the_heads_the_same_are_not_both_informative():
    """The second is the first reversed and longer; the third asks something else, though the heads are surer there."""
    differences = np.array([[1.0, 0.0], [-1.1, 0.0], [0.0, 0.4]])
    found = estimate(heads((4.0, 2.0), (-4.0, -1.0)), differences)
    slots = {"random": 0, "disagreement": 0, "informative": 2, "optimistic": 0}
    assert sorted(choice.index for choice in choose(candidates(3), found, slots))[-1] == 2


def test_no_second_item_of_a_cluster_is_chosen_but_by_chance():
    crowded = [Candidate(f"i{n}", "one cluster", sha256_text(f"i{n}")) for n in range(30)]
    found = estimate(heads((1.0,), (2.0,)), np.arange(1.0, 31.0)[:, None])
    chosen = choose(crowded, found, quotas(20))
    assert [choice.lane for choice in chosen] == ["random"] * 4
    assert len(choose(crowded, found, {**quotas(20), "random": 0}, ["another"])) == 1


def test_without_heads_chance_stands_in_and_disagreements_stay():
    some = candidates(30)
    some[3] = Candidate("i3", "c3", sha256_text("i3"), signals=("judges_disagree",), strength=2.0)
    chosen = choose(some, None, quotas(20))
    assert len(chosen) == 20
    assert [choice.lane for choice in chosen].count("disagreement") == 1 - (some[3].draw in _first_draws(some, 4))
    assert {choice.lane for choice in chosen} <= {"random", "disagreement"}


def _first_draws(some: list[Candidate], count: int) -> set[str]:
    return set(sorted(one.draw for one in some)[:count])


def test_the_random_lane_is_the_same_whatever_the_heads_say():
    one = choose(candidates(40), estimate(heads((1.0,), (2.0,)), np.arange(40.0)[:, None]), quotas(20))
    other = choose(candidates(40), None, quotas(20))
    first = [choice.index for choice in one if choice.lane == "random"]
    assert first == [choice.index for choice in other if choice.lane == "random"][: len(first)]


def test_pairs_that_people_rated_apart_are_asked_only_where_a_judge_contradicts_them():
    rated = candidates(5, is_rated=True)
    rated[0] = Candidate("i0", "c0", sha256_text("i0"), is_rated=True, signals=("thumbs_against_judge",), strength=1.0)
    (choice,) = choose(rated, None, quotas(10))
    assert (choice.index, choice.lane) == (0, "disagreement")
