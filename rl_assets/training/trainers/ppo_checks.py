"""What must hold for a PPO adapter, from the numbers of its own rollouts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from rl_assets.metrics.statistics import SEED, Interval, drawn_counts, from_draws
from rl_assets.models.adapters import Check
from rl_assets.recipes.stages import PpoRecipe
from rl_assets.training.runner.checks import max_or_nan

MAX_FIRST_RATIO, MAX_FIRST_RATIO_16_BITS = 1e-4, 2e-2
MAX_FIRST_KL, MAX_FIRST_KL_16_BITS = 1e-5, 1e-2
# Of an estimate that is 0 or more in expectation; below it the sampling was not from the policy itself.
MIN_KL = -0.1
# Nats per answer, without a target.
USUAL_TARGET_KL = 6.0
MIN_ENDED, MIN_LENGTH, MAX_LENGTH = 0.95, 0.5, 2.0
RESAMPLES = 2_000


@dataclass(frozen=True)
class Measured:
    """What one rollout measured, over all processes.

    reward: mean score; kl: log pi - log ref of its tokens, nats per answer; kl_size: its mean size per token, whatever
    the sign; length in tokens; explained_variance: None if all returns are equal; unscored: answers that no reward
    scored; steps: optimizer steps that were made.
    """

    reward: float
    kl: float
    kl_size: float
    length: float
    share_ended: float
    explained_variance: float | None
    beta: float
    clip_share: float
    entropy: float
    unscored: int
    steps: int


def ppo_checks(
    rollouts: Sequence[Measured],
    answers: Sequence[Sequence[tuple[int, float]]],
    first_ratio: float,
    stage: PpoRecipe,
    in_16_bits: bool,
) -> list[Check]:
    """All that the run can answer about itself; `answers` hold (row of the prompt, score) of each rollout."""
    tenth = max(1, len(rollouts) // 10)
    last = rollouts[-tenth:]
    return [
        first_ratio_check(first_ratio, in_16_bits),
        reference_check(rollouts[0].kl_size, in_16_bits),
        reward_check(reward_gain([*chain(*answers[:tenth])], [*chain(*answers[-tenth:])])),
        kl_check([one.kl for one in rollouts], tenth, stage),
        critic_check([one.explained_variance for one in last]),
        endings_check(last, rollouts[0].length),
    ]


def first_ratio_check(distance: float, in_16_bits: bool) -> Check:
    """Before any update the policy is the one that answered."""
    limit = MAX_FIRST_RATIO_16_BITS if in_16_bits else MAX_FIRST_RATIO
    what = "largest distance from 1 of a ratio of the first mini-batch; dropout or other padding move it"
    return _check("first_ratio_is_one", distance <= limit, distance, limit, what, "error")


def reference_check(size: float, in_16_bits: bool) -> Check:
    """Before any update the policy is the parent."""
    limit = MAX_FIRST_KL_16_BITS if in_16_bits else MAX_FIRST_KL
    what = "mean size of log pi - log ref in the first rollout, nats per token: 0 against the parent"
    return _check("reference_is_parent", size <= limit, size, limit, what, "error")


def reward_gain(first: Sequence[tuple[int, float]], last: Sequence[tuple[int, float]]) -> Interval:
    """Mean score of the last answers minus that of the first, with an interval bootstrapped over prompts."""
    prompts = {row: at for at, row in enumerate(sorted({row for row, _ in (*first, *last)}))}
    sums = np.zeros((4, len(prompts)))
    for place, answers in ((0, first), (2, last)):
        for row, score in answers:
            sums[place, prompts[row]] += score
            sums[place + 1, prompts[row]] += 1
    mean = sums[2].sum() / sums[3].sum() - sums[0].sum() / sums[1].sum()
    drawn = np.concatenate([*drawn_counts(len(prompts), RESAMPLES, SEED)]) @ sums.T
    both = drawn[(drawn[:, 1] > 0) & (drawn[:, 3] > 0)]
    draws = both[:, 2] / both[:, 3] - both[:, 0] / both[:, 1]
    return from_draws(float(mean), draws, len(first) + len(last), len(prompts), against_zero=True)


def reward_check(gain: Interval) -> Check:
    """What the training is for."""
    what = f"mean reward of the last tenth of the rollouts minus that of the first, {gain:+.3f}, by prompt"
    return _check("reward_rose", gain.mean > 0, gain.mean, 0.0, what, "warn")


def kl_check(kls: Sequence[float], tenth: int, stage: PpoRecipe) -> Check:
    """The policy stayed near the parent, and the estimate is one of a KL."""
    limit = 2 * (stage.target_kl or USUAL_TARGET_KL)
    last, lowest = sum(kls[-tenth:]) / tenth, -max_or_nan(-kl for kl in kls)
    what = (
        f"KL to the parent in the last tenth, nats per answer; the lowest of a rollout, {lowest:.3g}, must be {MIN_KL}"
    )
    what += " or more. If it is too high, raise beta or kl_gain"
    return _check("kl_is_bounded", last <= limit and lowest >= MIN_KL, last, limit, what, "error")


def critic_check(explained: Sequence[float | None]) -> Check:
    """The critic tells returns apart, or it adds noise."""
    known = [value for value in explained if value is not None]
    if not known:
        what = "all returns of the last tenth were equal: there was nothing to explain"
        return _check("critic_explains", True, 0.0, 0.0, what, "warn")
    mean = sum(known) / len(known)
    what = "explained variance of returns in the last tenth; if it is not above 0, raise critic_learning_rate"
    return _check("critic_explains", mean > 0, mean, 0.0, what, "warn")


def endings_check(last: Sequence[Measured], parents_length: float) -> Check:
    """Answers end, and are about as long as they were."""
    ended = sum(one.share_ended for one in last) / len(last)
    ratio = sum(one.length for one in last) / len(last) / parents_length
    what = (
        f"share of answers that end in the last tenth; their length is {ratio:.2f} of the parent's, {MIN_LENGTH:g} to "
        f"{MAX_LENGTH:g} is usual. Raise max_completion_length, or look at what the reward likes"
    )
    passed = ended >= MIN_ENDED and MIN_LENGTH <= ratio <= MAX_LENGTH
    return _check("answers_end", passed, ended, MIN_ENDED, what, "warn")


def _check(name: str, passed: bool, value: float, limit: float, what: str, severity: str) -> Check:
    return Check.model_validate(
        {"name": name, "passed": passed, "value": value, "limit": limit, "what": what, "severity": severity}
    )
