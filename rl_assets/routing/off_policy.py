"""What policies would have earned on a window's log, by segment: values with intervals, or why they cannot be told."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal

import duckdb
import numpy as np

from rl_assets.core.validation import Record
from rl_assets.metrics.statistics import Interval, drawn_counts, from_draws, holm, wilson
from rl_assets.routing.config import RouterFile
from rl_assets.routing.day_shares import DayShare
from rl_assets.routing.estimators import Estimates, Floats, Replay, Sessions, estimate, replay, reward_model
from rl_assets.routing.intervals import WeightSums, cressie_read
from rl_assets.routing.logged import SegmentLog, read_segment, segments
from rl_assets.routing.overlap import MIN_ESS, Overlap, Refusal, log_refusals, overlap_of, policy_refusals
from rl_assets.routing.policies import GREEDY, LEARNED, MAX_ARMS, Policy, evaluated_policies

AS_LOGGED = "as logged"
ALPHA = 0.05
MIN_REWARDS = 50
RESAMPLES, SEED = 10_000, 0
# Sessions that are resampled together, if there are more: their sums are as independent as sessions are.
MAX_BUCKETS = 500
# Bounds of weights that average 1 lie at least this far from it.
MARGIN = 1e-3
Verdict = Literal["OK", "INSUFFICIENT_OVERLAP"]


class PolicyValue(Record):
    """What a policy would have earned, as mean reward in [0, 1].

    `value` is the self-normalized estimate with a 95 % interval (Cressie-Read), `estimates` all others; both are None
    if the verdict refuses, for the reasons in `refusals`. `difference` is the value - that of the log on the same
    sessions (paired bootstrap over sessions), None if it cannot be told; `p_holm` is its p-value after Holm's
    correction over all policies. `since` is the first day of the answers: for policies that learn, not the window's.
    """

    policy: str
    verdict: Verdict
    refusals: list[Refusal]
    since: date
    overlap: Overlap
    value: Interval | None
    estimates: Estimates | None
    replay: Replay | None
    rewards: int
    difference: Interval | None = None
    p_holm: float | None = None

    @property
    def earns(self) -> Literal["more", "less", "undecided"]:
        """Against the log, at 5 % over all policies."""
        if self.difference is None or self.p_holm is None or self.p_holm >= ALPHA:
            return "undecided"
        return "more" if self.difference.mean > 0 else "less"


class SegmentValues(Record):
    """The policies of a segment. `logged` is the mean reward as it was; `refusals` are those of the log itself."""

    segment: str
    answers: int
    sessions: int
    since: date
    until: date
    logged: Interval
    refusals: list[Refusal]
    policies: list[PolicyValue]
    notes: list[str]


class OffPolicyReport(Record):
    """What policies would have earned as of a day, and the shares that the router drew by until then."""

    day: date
    segments: list[SegmentValues]
    shares: list[DayShare]


def off_policy_report(
    connection: duckdb.DuckDBPyConnection, day: date, router: RouterFile, shares: Sequence[DayShare] = ()
) -> OffPolicyReport:
    """The report of a connection with the tables of `register_choices`."""
    values, draws = [], []
    for segment in segments(connection):
        log = read_segment(connection, segment)
        value, differing = evaluate_segment(log, router)
        values.append(value)
        draws.append(differing)
    return OffPolicyReport(day=day, segments=_corrected(values, draws), shares=list(shares))


Differences = dict[str, Interval]


def evaluate_segment(log: SegmentLog, router: RouterFile) -> tuple[SegmentValues, Differences]:
    """Values of all policies of a segment's log, and the differences of those that can be told from it."""
    refusals = list(log_refusals(log))
    usable = log.select((log.propensity > 0) & (log.propensity <= 1))
    model = reward_model(usable.answers, len(log.categories), len(log.arms))
    policies, paired = [], {}
    for policy in evaluated_policies(log, router) if len(usable) else ():
        sessions, part = weigh(usable, policy, model)
        if not len(sessions.codes):
            continue
        policies.append(evaluate(part, policy, sessions, refusals))
        if _can_be_compared(policies[-1]):
            paired[policy.name] = _bucket_sums(sessions, log.sessions())
    values = SegmentValues(
        segment=log.segment,
        answers=len(log),
        sessions=log.sessions(),
        since=log.days[int(log.day.min())],
        until=log.days[int(log.day.max())],
        logged=_mean_reward(log),
        refusals=refusals,
        policies=policies,
        notes=list(_notes(log, policies)),
    )
    return values, _differences(paired)


def weigh(usable: SegmentLog, policy: Policy, model: Floats) -> tuple[Sessions, SegmentLog]:
    """The sessions of the answers that the policy is evaluated on, weighted, and these answers.

    `model` holds expected rewards (folds x categories x arms).
    """
    part = usable.select(usable.day >= policy.first_day) if policy.first_day else usable
    answers = part.answers
    weights = policy.shares[part.day, answers.category, answers.arm] / part.propensity
    values = np.einsum("dca,fca->fdc", policy.shares, model)[answers.fold, part.day, answers.category]
    predicted = model[answers.fold, answers.category, answers.arm]
    return Sessions.of(answers, weights, values, predicted, *_possible(part, policy)), part


def _possible(part: SegmentLog, policy: Policy) -> tuple[Floats, Floats]:
    """Weights that choices could have had, and the policy's mass on each; infinite where no propensity is known."""
    shape = policy.shares.shape
    index = np.ravel_multi_index((part.day, part.answers.category), shape[:2])
    rows = np.bincount(index, minlength=shape[0] * shape[1]).reshape(*shape[:2], 1)
    masses = policy.shares * rows / max(1, len(part))
    possible = np.where(masses > 0, policy.shares / np.nan_to_num(part.support.min_propensity, nan=1e-300), 0.0)
    return possible.ravel(), masses.ravel()


def evaluate(log: SegmentLog, policy: Policy, sessions: Sessions, of_log: Sequence[Refusal] = ()) -> PolicyValue:
    """The value of a policy from its weighted sessions, or why there is none; `of_log` are refusals of any policy."""
    overlap = overlap_of(log, policy, sessions)
    refusals = [*of_log, *policy_refusals(overlap)]
    replayed = any(refusal.reason == "no_exploration" for refusal in refusals) and policy.is_deterministic
    return PolicyValue(
        policy=policy.name,
        verdict="INSUFFICIENT_OVERLAP" if refusals else "OK",
        refusals=refusals,
        since=log.days[policy.first_day],
        overlap=overlap,
        value=None if refusals else _value(sessions, overlap),
        estimates=None if refusals else estimate(sessions),
        replay=replay(sessions) if replayed else None,
        rewards=int(((sessions.weights > 0) & (log.answers.reward > 0)).sum()),
    )


def _value(sessions: Sessions, overlap: Overlap) -> Interval:
    count, sums = len(sessions.weight), WeightSums.of(sessions.weight, sessions.weighted)
    mean = sums.wr / sums.w
    if np.allclose(sessions.weight, 1, rtol=0, atol=MARGIN):
        # The policy is the one that drew: nothing is weighed.
        return wilson(sums.wr, count)
    bounds = min(overlap.least_weight, 1 - MARGIN), max(overlap.largest_weight, 1 + MARGIN)
    low, high = cressie_read(sums, *bounds)
    return Interval(mean, min(low, mean), max(high, mean), None, count, count)


def _mean_reward(log: SegmentLog) -> Interval:
    """As logged, with a session as the unit."""
    sizes = np.bincount(log.answers.session)
    means = np.bincount(log.answers.session, log.answers.reward) / sizes
    return wilson(float(means.sum()), len(means))


def _can_be_compared(value: PolicyValue) -> bool:
    """Whether a bootstrap of the difference is to be trusted."""
    return value.verdict == "OK" and value.overlap.ess >= MIN_ESS and value.rewards >= MIN_REWARDS


def _bucket_sums(sessions: Sessions, count: int) -> Floats:
    """Sums of w, w r, r and 1 over the sessions of each bucket (buckets x 4), of a log of `count` sessions."""
    size = min(count, MAX_BUCKETS)
    parts = (sessions.weight, sessions.weighted, sessions.reward, np.ones_like(sessions.weight))
    return np.stack([np.bincount(sessions.codes % size, part, size) for part in parts], axis=1)


def _differences(paired: dict[str, Floats]) -> Differences:
    """Each policy's value - the log's, on the same sessions, with its bootstrap p-value before any correction."""
    if not paired:
        return {}
    sums = np.concatenate(list(paired.values()), axis=1)
    drawn = np.concatenate([counts @ sums for counts in drawn_counts(len(sums), RESAMPLES, SEED)])
    return {
        name: from_draws(
            float(_less_logged(sums[:, own].sum(axis=0)[None])[0]),
            _less_logged(drawn[:, own]),
            int(sums[:, own][:, 3].sum()),
            len(sums),
            against_zero=True,
        )
        for name, own in zip(paired, (slice(4 * i, 4 * i + 4) for i in range(len(paired))), strict=True)
    }


def _less_logged(sums: Floats) -> Floats:
    """Value - logged mean reward, of sums of w, w r, r and 1 (draws x 4)."""
    weight, weighted, reward, count = sums.T
    difference: Floats = weighted / np.maximum(weight, MARGIN) - reward / np.maximum(count, 1)
    return difference


def _corrected(segments_: Sequence[SegmentValues], differences: Sequence[Differences]) -> list[SegmentValues]:
    """The segments with their policies' differences, p-values corrected over all of them."""
    keys = [(index, name) for index, own in enumerate(differences) for name in own]
    adjusted = dict(zip(keys, holm([differences[i][name].p or 0.0 for i, name in keys]), strict=True))
    return [
        values.model_copy(
            update={
                "policies": [
                    value.model_copy(
                        update={"difference": own.get(value.policy), "p_holm": adjusted.get((index, value.policy))}
                    )
                    for value in values.policies
                ]
            }
        )
        for index, (values, own) in enumerate(zip(segments_, differences, strict=True))
    ]


def _notes(log: SegmentLog, policies: Sequence[PolicyValue]) -> Iterator[str]:
    if policies and not {GREEDY, LEARNED} & {value.policy for value in policies}:
        yield "There is no policy that learns: it needs rewards of an earlier day than the answers it is evaluated on."
    for value in policies:
        if value.policy in (GREEDY, LEARNED):
            yield f"{value.policy} is evaluated on answers since {value.since}, and compared with the log on these."
    if len(log.arms) > MAX_ARMS:
        yield f"Of {len(log.arms):,} arms, the {MAX_ARMS} that were drawn most are evaluated on their own."
