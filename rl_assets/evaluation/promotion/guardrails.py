"""What must not get worse while the primary metric gets better: each with a limit, on the deciding comparison."""

from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.schema.decision import Guardrail, GuardrailStatus
from rl_assets.evaluation.schema.report import Comparison, EvalReport
from rl_assets.metrics.statistics import Interval


def check_guardrails(report: EvalReport, comparison: Comparison, rules: PromotionRules) -> list[Guardrail]:
    """Token F1, JSON validity, latency and the judge's win rate against their limits, on the deciding comparison."""
    judged = report.primary.metric == "judged_win_rate"
    # Free-form answers may say the same in other words: overlap with a reference is no limit where a judge decides.
    limits = [("json_validity", rules.max_validity_loss)]
    limits = limits if judged else [("token_f1", rules.max_quality_loss), *limits]
    guardrails = [_loss_guardrail(name, comparison.differences.get(name), limit) for name, limit in limits]
    latency, judge = report.latency_ratio, None if judged else report.judge.pairwise
    if latency is not None and (latency.ours, latency.against) == (comparison.ours, comparison.theirs):
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
