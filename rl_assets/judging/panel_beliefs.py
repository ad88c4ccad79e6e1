"""Whether a panel's scores of a dimension may be believed: measured on answers that people rated by that name.

Believed are scores of a panel that judges its probes right and whose scores follow people's: Spearman's rho of 0.3 or
more over 50 answers or more, its 95 % interval above 0, and no more than 0.1 below one rater's rho with the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rl_assets.core.validation import Record
from rl_assets.judging.panel import Vote
from rl_assets.metrics.krippendorff import krippendorff_alpha
from rl_assets.metrics.rank_correlation import spearman
from rl_assets.metrics.statistics import SEED, Interval, cluster_codes, from_draws

MIN_ANSWERS = 50
MIN_RHO = 0.3
MAX_BELOW_ONE_RATER = 0.1
# Answers with two raters that a rater is compared on with the others, at least.
MIN_RATED_TWICE = 20
RESAMPLES = 1000


@dataclass(frozen=True)
class PeopleRated:
    """People's ratings of an answer by one name, one per rater; `unit` is what resampling draws."""

    ratings: tuple[float, ...]
    unit: str


class Belief(Record):
    """What is known of a panel's scores of one dimension.

    `rho` is Spearman's correlation with people over `answers`, `one_rater` that of one rater with the mean of the
    others. `alpha` is the agreement of the models with each other. `length_slope` is the change of the score as length
    doubles. `self_preference` is by model its mean score of answers of its own less that of the others.
    """

    dimension: str
    labels: int
    answers: int
    rho: Interval | None = None
    one_rater: float | None = None
    alpha: Interval | None = None
    length_slope: float | None = None
    self_preference: dict[str, float] = Field(default_factory=dict)
    problems: list[str] = Field(default_factory=list)

    @property
    def believed(self) -> bool:
        """Whether datasets may use the scores."""
        return not self.problems

    @property
    def human_equal_labels(self) -> float | None:
        """How many labels of one person these are worth: labels x (rho / rho of one rater)^2, at most the labels.

        None if either was not measured, and 0 for a panel that is not believed. The variance that scores explain of
        what people say goes with the square of the correlation.
        """
        if not self.believed:
            return 0.0
        if self.rho is None or not self.one_rater or self.one_rater <= 0:
            return None
        return self.labels * min(1.0, max(0.0, self.rho.mean) / self.one_rater) ** 2


def measure(
    dimension: str,
    scores: Mapping[str, float],
    people: Mapping[str, PeopleRated],
    chars: Mapping[str, int],
    probe_problems: Sequence[str],
) -> Belief:
    """The belief in `scores`; `people` are ratings by this name, and `chars` lengths; all three are by answer."""
    both = sorted(scores.keys() & people.keys())
    units = [people[answer].unit for answer in both]
    rho = spearman_interval([scores[answer] for answer in both], [fmean(people[a].ratings) for a in both], units)
    one_rater = one_rater_rho([people[answer].ratings for answer in sorted(people)])
    return Belief(
        dimension=dimension,
        labels=len(scores),
        answers=len(both),
        rho=rho,
        one_rater=one_rater,
        length_slope=_slope([chars[answer] for answer in scores], list(scores.values())),
        problems=[*_problems(len(both), rho, one_rater), *probe_problems],
    )


def with_votes(belief: Belief, votes: Sequence[Vote], authors: Mapping[str, str | None]) -> Belief:
    """The belief with how far the models agree on its dimension, and how each scores answers that it gave itself."""
    by_answer: dict[str, dict[str, list[float]]] = {}
    for vote in votes:
        if vote.dimension == belief.dimension and vote.value is not None:
            by_answer.setdefault(vote.interaction_id, {}).setdefault(vote.model, []).append(vote.value)
    models = {answer: {model: fmean(own) for model, own in given.items()} for answer, given in by_answer.items()}
    alpha = krippendorff_alpha([list(given.values()) for given in models.values()], list(models))
    preference = {
        model: difference
        for model in sorted({model for given in models.values() for model in given})
        if (difference := _self_preference(model, models, authors)) is not None
    }
    return belief.model_copy(update={"alpha": alpha, "self_preference": preference})


def _self_preference(
    model: str, models: Mapping[str, Mapping[str, float]], authors: Mapping[str, str | None]
) -> float | None:
    """Mean score of a model's own answers less that of the others; None if it scored none of one kind."""
    scored = [(authors.get(answer) == model, given[model]) for answer, given in models.items() if model in given]
    own, others = ([value for is_own, value in scored if is_own is kind] for kind in (True, False))
    return fmean(own) - fmean(others) if own and others else None


def spearman_interval(ours: Sequence[float], theirs: Sequence[float], units: Sequence[str]) -> Interval | None:
    """Spearman's rho of parallel values (n) with its 95 % interval by bootstrap over `units` (n); None below two."""
    if len(ours) < 2:
        return None
    values = np.asarray([ours, theirs], dtype=np.float64)
    codes, size = cluster_codes(units)
    members = [np.flatnonzero(codes == code) for code in range(size)]
    rng = np.random.default_rng(SEED)
    draws = np.array([_rho(values, members, rng.integers(0, size, size)) for _ in range(RESAMPLES)])
    return from_draws(spearman(ours, theirs), draws, len(ours), size, against_zero=False)


def _rho(values: NDArray[np.float64], members: Sequence[NDArray[np.intp]], drawn: NDArray[np.int64]) -> float:
    rows = np.concatenate([members[code] for code in drawn])
    return spearman(values[0, rows], values[1, rows])


def one_rater_rho(ratings: Sequence[Sequence[float]]) -> float | None:
    """Spearman's rho of each rater with the mean of an answer's others; None with fewer than 20 answers rated twice."""
    twice = [given for given in ratings if len(given) > 1]
    if len(twice) < MIN_RATED_TWICE:
        return None
    pairs = [(one, (sum(given) - one) / (len(given) - 1)) for given in twice for one in given]
    return spearman([one for one, _ in pairs], [others for _, others in pairs])


def _slope(chars: Sequence[int], scores: Sequence[float]) -> float | None:
    """Change of the score as length doubles, by least squares; None if lengths do not differ."""
    lengths = np.log2(np.maximum(1, np.asarray(chars, dtype=np.float64)))
    if len(lengths) < 2 or np.ptp(lengths) == 0:
        return None
    return float(np.polyfit(lengths, np.asarray(scores, dtype=np.float64), 1)[0])


def _problems(answers: int, rho: Interval | None, one_rater: float | None) -> list[str]:
    if rho is None or answers < MIN_ANSWERS:
        return [
            f"People rated {answers} of the answers that it scored by this name, and {MIN_ANSWERS} are needed: land "
            "more ratings that name the dimension, or raise validation_answers and max_calls."
        ]
    if rho.mean < MIN_RHO or rho.low is None or rho.low <= 0:
        return [
            f"Its scores do not follow people's: Spearman's rho is {rho:.2f}, and {MIN_RHO} with an interval above 0 "
            "is the minimum. Change the rubric or the judges."
        ]
    if one_rater is not None and rho.mean < one_rater - MAX_BELOW_ONE_RATER:
        return [
            f"Its rho of {rho.mean:.2f} with people is more than {MAX_BELOW_ONE_RATER} below that of one rater with "
            f"the others, {one_rater:.2f}. Change the rubric or the judges."
        ]
    return []
