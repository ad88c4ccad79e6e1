"""The best of n answers by a learned reward, and how far that leaves the policy behind that wrote them."""

import math
from collections.abc import Callable, Sequence

# From some sixteen answers on, a learned reward gains more than what it stands for (Gao, Schulman and Hilton 2022,
# "Scaling Laws for Reward Model Overoptimization", arXiv:2210.10760).
MAX_N = 16


def best_of(answers: Sequence[str], rewards: Sequence[float]) -> int:
    """The index of the answer with the highest reward; of several the shortest, then the first.

    ValueError without answers, and for rewards that are not finite.
    """
    if not answers or len(answers) != len(rewards):
        raise ValueError(f"{len(answers)} answers and {len(rewards)} rewards: give one reward per answer")
    if not all(map(math.isfinite, rewards)):
        raise ValueError("a reward is not finite")
    return min(range(len(answers)), key=lambda index: (-rewards[index], len(answers[index]), index))


def best_of_n(
    prompt: str,
    n: int,
    generate: Callable[[str, int], Sequence[str]],
    score: Callable[[str, Sequence[str]], Sequence[float]],
    max_n: int = MAX_N,
) -> tuple[str, float]:
    """The best of `n` generated answers to a prompt, and the KL in nats of choosing it from the policy.

    ValueError for n below 1 or above `max_n`.
    """
    if not 1 <= n <= max_n:
        raise ValueError(
            f"best of {n}: choose from 1 to {max_n} answers. Beyond, the best by a learned reward is the one that "
            "fools it; raise max_n if you measure the result on something else"
        )
    answers = [*generate(prompt, n)]
    return answers[best_of(answers, [*score(prompt, answers)])], kl_of_best_of(n)


def kl_of_best_of(n: int) -> float:
    """KL of the best of n from the policy in nats, log n - (n - 1) / n (Stiennon et al. 2020, arXiv:2009.01325)."""
    return math.log(n) - (n - 1) / n
