"""The promotion decision: may the candidate take the champion's place, by rules fixed beforehand."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rl_assets.evaluation.promotion.champion import Champion
from rl_assets.evaluation.schema.decision import Decision, GuardRail, RailState
from rl_assets.evaluation.schema.results import METRICS, PRIMARY, Comparison, EvalReport
from rl_assets.evaluation.schema.roles import Role
from rl_assets.metrics.statistics import Interval


class PromotionRules(BaseModel):
    """Losses are differences of shares (0.02 = two points), the latency limit is a ratio.

    `max_judged_loss` is how far below one half the judge's win rate may lie, where there is a judge.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_clusters: int = Field(default=50, ge=2)
    max_quality_loss: float = Field(default=0.02, ge=0)
    max_validity_loss: float = Field(default=0.01, ge=0)
    max_latency_ratio: float = Field(default=1.10, ge=1)
    judge_must_be_usable: bool = True
    max_judged_loss: float = Field(default=0.05, ge=0, le=0.5)


def decide(report: EvalReport, champion: Champion | None, rules: PromotionRules, role: Role = "candidate") -> Decision:
    """Judge the candidate (or the adapter of another role) against the champion, or the base while there is none.

    PROMOTE if the primary difference's lower bound is above 0 and every guard-rail holds; REJECT if its upper
    bound is below 0 or a guard-rail breaks; INSUFFICIENT if the figures cannot carry a decision; else HOLD.
    """
    against: Role = "champion" if champion else "base"
    comparison, weights = report.comparison(against, role), report.models[role].sha256
    if champion and champion.hash == weights:
        return _decision(report, weights, against, "HOLD", ["The candidate is already the champion."])
    if champion and (back := champion.rolled_back_reason(weights)):
        return _decision(report, weights, against, "HOLD", [f"The candidate was champion and was rolled back: {back}"])
    doubts = insufficiencies(report, champion, comparison, rules)
    if doubts or comparison is None:  # without a comparison there is always a doubt
        return _decision(report, weights, against, "INSUFFICIENT", doubts)
    rails = guard_rails(report, comparison, rules)
    difference = comparison.differences[PRIMARY]
    verdict, reasons = _verdict(difference, rails, comparison, against)
    return _decision(report, weights, against, verdict, reasons, difference=difference, rails=rails)


def insufficiencies(
    report: EvalReport, champion: Champion | None, comparison: Comparison | None, rules: PromotionRules
) -> list[str]:
    """Why these figures cannot carry a decision; empty if they can."""
    found = []
    if report.leaked:
        found.append(f"{len(report.leaked)} held-out prompts are in a training split, the first {report.leaked[0]}.")
    if champion and champion.hash != report.champion_sha256:
        found.append("The report compares with another champion than today's: evaluate again.")
    elif champion and report.champion_base_sha256 != report.base_sha256:
        found.append("The champion belongs to another base model: the two cannot be compared as adapters.")
    if report.judge and report.judge.doubts and rules.judge_must_be_usable:
        found.append(f"The judge cannot be believed. {' '.join(report.judge.doubts)}")
    primary = comparison.differences.get(PRIMARY) if comparison else None
    clusters = primary.clusters if primary else 0
    if clusters < rules.min_clusters and (comparison or not found):
        found.append(f"There are {clusters} held-out clusters; a decision takes {rules.min_clusters}.")
    return found


def guard_rails(report: EvalReport, comparison: Comparison, rules: PromotionRules) -> list[GuardRail]:
    """Token F1, JSON validity and latency against their limits, on the comparison that decides."""
    rails = [
        _loss_rail(name, comparison.differences.get(name), limit)
        for name, limit in (
            ("token_f1", rules.max_quality_loss),
            ("json_validity", rules.max_validity_loss),
        )
    ]
    measured = report.latency_ratio
    if measured is not None and measured.against == comparison.theirs and comparison.ours == "candidate":
        state: RailState = "holds"
        if measured.ratio.low is not None and measured.ratio.low > rules.max_latency_ratio:
            state = "broken"
        rails.append(GuardRail(name="latency", state=state, limit=rules.max_latency_ratio, found=measured.ratio))
    judged = report.judge
    if judged and judged.usable and (judged.ours, judged.theirs) == (comparison.ours, comparison.theirs):
        rails.append(_judged_rail(judged.win_rate, 0.5 - rules.max_judged_loss))
    return rails


def _judged_rail(win_rate: Interval | None, limit: float) -> GuardRail:
    """Broken where even the upper end of the win rate is below the limit; in doubt where the rate itself is."""
    if win_rate is None:
        return GuardRail(name="judged_win_rate", state="not measured", limit=limit, found=None)
    state: RailState = "in doubt" if win_rate.mean < limit else "holds"
    if win_rate.high is not None and win_rate.high < limit:
        state = "broken"
    return GuardRail(name="judged_win_rate", state=state, limit=limit, found=win_rate)


def _loss_rail(name: str, difference: Interval | None, limit: float) -> GuardRail:
    """Broken: a loss above the limit that is no accident. In doubt: above the limit, but it may be one."""
    if difference is None:
        return GuardRail(name=name, state="not measured", limit=-limit, found=None)
    state: RailState = "holds"
    if difference.mean < -limit:
        state = "broken" if difference.high is not None and difference.high < 0 else "in doubt"
    return GuardRail(name=name, state=state, limit=-limit, found=difference)


def _verdict(
    difference: Interval, rails: list[GuardRail], comparison: Comparison, against: Role
) -> tuple[Literal["PROMOTE", "REJECT", "HOLD"], list[str]]:
    measured = f"{METRICS[PRIMARY].title} against the {against}: {shown(difference)}"
    broken = [rail.sentence() for rail in rails if rail.state == "broken"]
    doubtful = [rail.sentence() for rail in rails if rail.state == "in doubt"]
    if difference.high is not None and difference.high < 0:
        return "REJECT", [f"{measured}: worse.", *broken]
    if broken:
        return "REJECT", [f"{measured}.", *broken]
    better = difference.low is not None and difference.low > 0
    if better and not doubtful:
        return "PROMOTE", [f"{measured}: better, and no guard-rail is broken."]
    if better:
        return "HOLD", [f"{measured}: better, but a guard-rail is in doubt.", *doubtful]
    return "HOLD", [f"{measured}: not told apart from no difference.", _what_it_takes(comparison), *doubtful]


def _what_it_takes(comparison: Comparison) -> str:
    if comparison.clusters_needed is None:
        return "Nothing differs on these items, so no number of such items would decide."
    return (
        f"A difference of this size takes about {comparison.clusters_needed:,} clusters to show "
        f"(80 % power); there are {comparison.differences[PRIMARY].clusters:,}."
    )


def shown(found: Interval) -> str:
    """A difference with its interval, as in "+0.350 (95 % interval +0.250 to +0.450)"."""
    if found.low is None or found.high is None:
        return f"{found.mean:+.3f} (no interval from {found.clusters} cluster)"
    return f"{found.mean:+.3f} (95 % interval {found.low:+.3f} to {found.high:+.3f})"


def _decision(
    report: EvalReport,
    weights: str,
    against: Role,
    verdict: Literal["PROMOTE", "REJECT", "HOLD", "INSUFFICIENT"],
    reasons: list[str],
    *,
    difference: Interval | None = None,
    rails: list[GuardRail] | None = None,
) -> Decision:
    return Decision(
        verdict=verdict,
        day=report.day,
        candidate=weights,
        against=against,
        primary=PRIMARY,
        reasons=reasons,
        difference=difference,
        guard_rails=rails or [],
    )
