"""The promotion decision: may the candidate replace the champion, by rules fixed beforehand; and one of several."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from rl_assets.evaluation.promotion.champion import Champion
from rl_assets.evaluation.schema.decision import Decision, Guardrail, GuardrailStatus, Verdict
from rl_assets.evaluation.schema.metrics import METRICS
from rl_assets.evaluation.schema.primary import Primary
from rl_assets.evaluation.schema.report import Comparison, EvalReport, Role
from rl_assets.metrics.statistics import Interval, holm

ALPHA = 0.05


class PromotionRules(BaseModel):
    """Losses are differences of shares (0.02 = two points), the latency limit is a ratio.

    `max_judge_loss` is how far below one half the judge's win rate may lie, if there is a judge.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_clusters: int = Field(default=50, ge=2)
    max_quality_loss: float = Field(default=0.02, ge=0)
    max_validity_loss: float = Field(default=0.01, ge=0)
    max_latency_ratio: float = Field(default=1.10, ge=1)
    require_reliable_judge: bool = True
    max_judge_loss: float = Field(default=0.05, ge=0, le=0.5)


def decide(report: EvalReport, champion: Champion | None, rules: PromotionRules, role: Role = "candidate") -> Decision:
    """Decide on the candidate (or the adapter of another role) against the champion, or the base while there is none.

    PROMOTE if the lower bound of the primary metric's difference is above 0 and every guardrail passes, or CANARY if
    the metric is too weak for that; REJECT if its upper bound is below 0 or a guardrail fails; INSUFFICIENT if the
    values cannot carry a decision; else HOLD.
    """
    against: Role = "champion" if champion else "base"
    comparison, weights = report.comparison(against, role), report.models[role].sha256
    if champion and champion.hash == weights:
        return _decision(report, weights, against, "HOLD", ["The candidate is already the champion."])
    if champion and (back := champion.rolled_back_reason(weights)):
        return _decision(report, weights, against, "HOLD", [f"The candidate was champion and was rolled back: {back}"])
    gaps = insufficiencies(report, champion, comparison, rules)
    if gaps or comparison is None:  # without a comparison there is always a gap
        return _decision(report, weights, against, "INSUFFICIENT", gaps)
    guardrails = check_guardrails(report, comparison, rules)
    verdict, reasons = _verdict(comparison, report.primary, guardrails)
    difference = comparison.differences[report.primary.compared]
    return _decision(report, weights, against, verdict, reasons, difference=difference, guardrails=guardrails)


def insufficiencies(
    report: EvalReport, champion: Champion | None, comparison: Comparison | None, rules: PromotionRules
) -> list[str]:
    """Why these values cannot carry a decision; empty if they can."""
    gaps, contaminated, lineage, judge = [], report.contamination.prompts, report.lineage, report.judge.pairwise
    if contaminated:
        gaps.append(f"{len(contaminated)} held-out prompts are in a training split, the first {contaminated[0]}.")
    if champion and champion.hash != lineage.champion_sha256:
        gaps.append("The report compares with another champion than today's: evaluate again.")
    elif champion and lineage.champion_base_sha256 != lineage.base_sha256:
        gaps.append("The champion belongs to another base model: the two cannot be compared as adapters.")
    if judge and judge.problems and rules.require_reliable_judge:
        gaps.append(f"The judge is not reliable. {' '.join(judge.problems)}")
    if report.primary.metric is None:
        return [*gaps, report.primary.sentence()]
    primary = comparison.differences.get(report.primary.metric) if comparison else None
    clusters = primary.clusters if primary else 0
    if clusters < rules.min_clusters and (comparison or not gaps):
        gaps.append(f"There are {clusters} held-out clusters; a decision takes {rules.min_clusters}.")
    return gaps


def check_guardrails(report: EvalReport, comparison: Comparison, rules: PromotionRules) -> list[Guardrail]:
    """Token F1, JSON validity, latency and the judge's win rate against their limits, on the deciding comparison."""
    judged = report.primary.metric == "judged_win_rate"
    limits = (("token_f1", rules.max_quality_loss), ("json_validity", rules.max_validity_loss))
    guardrails = [_loss_guardrail(name, comparison.differences.get(name), limit) for name, limit in limits]
    latency, judge = report.latency_ratio, None if judged else report.judge.pairwise
    if latency is not None and latency.against == comparison.theirs and comparison.ours == "candidate":
        guardrails.append(_latency_guardrail(latency.ratio, rules.max_latency_ratio))
    if judge and judge.reliable and (judge.ours, judge.theirs) == (comparison.ours, comparison.theirs):
        guardrails.append(_judge_guardrail(judge.win_rate, 0.5 - rules.max_judge_loss))
    return guardrails


def _loss_guardrail(name: str, difference: Interval | None, limit: float) -> Guardrail:
    """Fail: a significant loss above the limit. Inconclusive: a loss above the limit that is not significant."""
    if difference is None:
        return Guardrail(name=name, status="not measured", limit=-limit, observed=None)
    status: GuardrailStatus = "pass"
    if difference.mean < -limit:
        status = "fail" if difference.high is not None and difference.high < 0 else "inconclusive"
    return Guardrail(name=name, status=status, limit=-limit, observed=difference)


def _latency_guardrail(ratio: Interval, limit: float) -> Guardrail:
    """Fail if even the lower end of the ratio is above the limit."""
    failed = ratio.low is not None and ratio.low > limit
    return Guardrail(name="latency", status="fail" if failed else "pass", limit=limit, observed=ratio)


def _judge_guardrail(win_rate: Interval | None, limit: float) -> Guardrail:
    """Fail if even the upper end of the win rate is below the limit; inconclusive if only the rate itself is."""
    if win_rate is None:
        return Guardrail(name="judge_win_rate", status="not measured", limit=limit, observed=None)
    status: GuardrailStatus = "inconclusive" if win_rate.mean < limit else "pass"
    if win_rate.high is not None and win_rate.high < limit:
        status = "fail"
    return Guardrail(name="judge_win_rate", status=status, limit=limit, observed=win_rate)


def _verdict(comparison: Comparison, primary: Primary, guardrails: list[Guardrail]) -> tuple[Verdict, list[str]]:
    difference = comparison.differences[primary.compared]
    observed = f"{METRICS[primary.compared].title} against the {comparison.theirs}: {_with_interval(difference)}"
    failed = [guardrail.sentence() for guardrail in guardrails if guardrail.status == "fail"]
    inconclusive = [guardrail.sentence() for guardrail in guardrails if guardrail.status == "inconclusive"]
    if difference.high is not None and difference.high < 0:
        return "REJECT", [f"{observed}: worse.", *failed]
    if failed:
        return "REJECT", [f"{observed}.", *failed]
    better = difference.low is not None and difference.low > 0
    if better and not inconclusive and primary.strength == "CANARY":
        return "CANARY", [f"{observed}: better, and no guardrail fails.", _canary(primary)]
    if better and not inconclusive:
        return "PROMOTE", [f"{observed}: better, and no guardrail fails."]
    if better:
        return "HOLD", [f"{observed}: better, but a guardrail is inconclusive.", *inconclusive]
    return "HOLD", [f"{observed}: not significant.", _what_it_takes(comparison, difference), *inconclusive]


def _canary(primary: Primary) -> str:
    """Why this metric does not promote, and what would."""
    weakness = {
        "judged_win_rate": f"The judge may not promote: {primary.why}.",
        "likelihood_accuracy": "Ranking logged answers says little about new ones, so this metric does not promote.",
    }
    return (
        f"{weakness.get(primary.compared, primary.why)} Serve it a small share of the traffic, log `adapter` and "
        "`propensity` with each answer, and let ratings or human preferences decide."
    )


def _what_it_takes(comparison: Comparison, difference: Interval) -> str:
    if comparison.clusters_needed is None:
        return "Nothing differs on these items, so no number of such items would decide."
    return (
        f"A difference of this size takes about {comparison.clusters_needed:,} clusters to show "
        f"(80 % power); there are {difference.clusters:,}."
    )


def _with_interval(difference: Interval) -> str:
    """A difference with its interval, as in "+0.350 (95 % interval +0.250 to +0.450)"."""
    if difference.low is None or difference.high is None:
        return f"{difference.mean:+.3f} (no interval from {difference.clusters} cluster)"
    return f"{difference.mean:+.3f} (95 % interval {difference.low:+.3f} to {difference.high:+.3f})"


def _decision(
    report: EvalReport,
    weights: str,
    against: Role,
    verdict: Verdict,
    reasons: list[str],
    *,
    difference: Interval | None = None,
    guardrails: Sequence[Guardrail] = (),
) -> Decision:
    return Decision(
        verdict=verdict,
        day=report.day,
        candidate=weights,
        against=against,
        primary=report.primary.metric,
        reasons=reasons,
        difference=difference,
        guardrails=list(guardrails),
    )


def select(decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions on candidates of one day with at most one PROMOTE left, in their order.

    A PROMOTE whose difference is not significant after Holm's correction over all measured candidates becomes HOLD;
    of several that are, the one with the largest difference stays, and the others HOLD for it. Raises ValueError
    for decisions of several days, or against different models.
    """
    if len({(decision.day, decision.against) for decision in decisions}) > 1:
        raise ValueError("decisions of different days or opponents cannot be corrected together")
    p_values = {
        row: decision.difference.p
        for row, decision in enumerate(decisions)
        if decision.difference is not None and decision.difference.p is not None
    }
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    corrected = [_corrected(decision, adjusted.get(row)) for row, decision in enumerate(decisions)]
    promoted = [
        (decision.difference.mean, -row)
        for row, decision in enumerate(corrected)
        if decision.verdict == "PROMOTE" and decision.difference is not None
    ]
    if not promoted:
        return corrected
    best = -max(promoted)[1]
    reason = f"{decisions[best].candidate[:12]} is better still."
    return [
        _held(decision, reason) if decision.verdict == "PROMOTE" and row != best else decision
        for row, decision in enumerate(corrected)
    ]


def _corrected(decision: Decision, p: float | None) -> Decision:
    if decision.verdict != "PROMOTE" or p is None or p < ALPHA:
        return decision
    return _held(decision, f"Among the candidates of this day the difference is not significant: p = {p:.3f} (Holm).")


def _held(decision: Decision, reason: str) -> Decision:
    return decision.model_copy(update={"verdict": "HOLD", "reasons": [*decision.reasons, reason]})
