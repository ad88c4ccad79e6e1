import math

import pytest

from rl_assets.rewards.best_of import best_of, best_of_n, kl_of_best_of


def test_the_highest_reward_wins_and_of_equal_ones_the_shorter():
    assert best_of(["a", "b", "c"], [0.1, 0.9, 0.3]) == 1
    assert best_of(["long answer", "short", "other"], [0.5, 0.5, 0.2]) == 1
    assert best_of(["one", "two"], [0.5, 0.5]) == 0


def test_rewards_that_are_not_finite_or_missing_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        best_of(["a", "b"], [0.1, math.nan])
    with pytest.raises(ValueError, match="0 answers and 0 rewards"):
        best_of([], [])


def test_the_kl_of_the_best_of_n():
    assert kl_of_best_of(1) == 0
    assert kl_of_best_of(4) == pytest.approx(math.log(4) - 0.75)
    assert kl_of_best_of(16) > kl_of_best_of(8)


def test_the_kl_is_what_choosing_the_best_of_uniform_answers_gives():
    """Best of 3 among 1,000 equally likely, ordered answers: the sum of p log(p / q) over them."""
    chances = [(k / 1000) ** 3 - ((k - 1) / 1000) ** 3 for k in range(1, 1001)]
    assert sum(p * math.log(p * 1000) for p in chances) == pytest.approx(kl_of_best_of(3), abs=0.01)


def test_it_stops_at_16_unless_told_otherwise():
    def generate(prompt: str, n: int) -> list[str]:
        return [f"{prompt} {number}" for number in range(n)]

    def score(prompt: str, answers: object) -> list[float]:
        return [float(answer[-1]) for answer in answers]  # type: ignore[attr-defined]

    assert best_of_n("part", 4, generate, score) == ("part 3", kl_of_best_of(4))
    with pytest.raises(ValueError, match="best of 17: choose from 1 to 16 answers"):
        best_of_n("part", 17, generate, score)
    assert best_of_n("part", 20, generate, score, max_n=20)[0] == "part 9"
