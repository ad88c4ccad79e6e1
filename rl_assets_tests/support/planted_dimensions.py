"""Answers whose ratings are made by a rule, with the dataset that heads learn from."""

import random
from collections.abc import Callable, Iterator

import numpy as np

from rl_assets.datasets.fit_dimensions import refuses
from rl_assets.rewards.answer_features import feature_names, feature_table
from rl_assets.rewards.dimension_data import Answer, DimensionData, Rating, pairs_of_ratings
from rl_assets.rewards.dimension_fit import Fit

WORDS = (
    *("bolt", "nut", "gear", "shaft", "rail", "spring", "plate", "hinge"),
    *("valve", "pump", "seal", "cover", "panel", "screw", "rod"),
)
Rule = Callable[[str, str, random.Random], float]


def grounded(text: str, context: str, coin: random.Random) -> float:
    """The share of the words that stand in the context, with a little noise."""
    words = text.strip(".").split()
    return clamped(sum(word in context for word in words) / len(words) + coin.gauss(0, 0.1))


def long(text: str, context: str, coin: random.Random) -> float:
    """The longer, the better."""
    return clamped(len(text) / 120 + coin.gauss(0, 0.05))


def short(text: str, context: str, coin: random.Random) -> float:
    """The shorter, the better."""
    return clamped(1 - len(text) / 120 + coin.gauss(0, 0.05))


def chance(text: str, context: str, coin: random.Random) -> float:
    """Anything."""
    return coin.random()


def clamped(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 3)


def planted(
    rule: Rule, prompts: int = 150, seed: int = 0, length_matters: bool = False, clusters: int | None = None
) -> tuple[Fit, DimensionData]:
    """Three answers of random words to each prompt, rated by the rule; a fifth of the prompts is held out."""
    coin = random.Random(seed)
    answers = [*_answers(coin, prompts, clusters or prompts)]
    ratings = [Rating(place, rule(one.text, one.context or "", coin)) for place, one in enumerate(answers)]
    texts = [one.prompt for one in answers], [one.text for one in answers], [one.context for one in answers]
    table = feature_table(*texts, refuses)
    data = DimensionData("tone", "human", tuple(ratings), tuple(pairs_of_ratings(ratings, answers)))
    return Fit(answers, np.asarray(table), feature_names(cosine=False), length_matters), data


def _answers(coin: random.Random, prompts: int, clusters: int) -> Iterator[Answer]:
    for number in range(prompts):
        context = " ".join(coin.sample(WORDS, 7))
        split = ("validation", "test")[number % 2] if number % 5 == 0 else "train"
        for _ in range(3):
            text = " ".join(coin.choices(WORDS, k=coin.randint(4, 18))) + "."
            yield Answer(f"p{number}", f"What is part {number}?", text, context, split, f"c{number % clusters}")
