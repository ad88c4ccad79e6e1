"""What must not get worse while the primary metric gets better: one row of a table each, with a limit.

A row reads one value of the deciding comparison. Fail rejects the adapter, inconclusive holds it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.schema.decision import Guardrail, GuardrailStatus, Scale
from rl_assets.evaluation.schema.people import People
from rl_assets.evaluation.schema.report import Comparison, EvalReport
from rl_assets.judging.summary import JudgeVerdicts
from rl_assets.metrics.statistics import Interval

# On fewer clusters a bootstrap claims more than it can know, so a loss is in doubt at most.
MIN_CLUSTERS = 20
EVEN = 0.5
NOT_FOR_PEOPLE = ("token_f1", "kl", "kl_ratio", "second_reward_model")

Test = Callable[[Interval, float], GuardrailStatus]
Read = Callable[[EvalReport, Comparison], Interval | None]
Applies = Callable[[EvalReport, Comparison], bool]
Missing = Callable[[EvalReport], str | None]


@dataclass(frozen=True)
class Row:
    """One guardrail: what it reads, the field of the rules that limits it, how it is tested, and when it applies.

    `missing` says why a value without which nothing passes was not measured.
    """

    name: str
    scale: Scale
    rule: str
    test: Test
    read: Read
    applies: Applies = lambda report, comparison: True
    missing: Missing = lambda report: None

    def check(self, report: EvalReport, comparison: Comparison, rules: PromotionRules) -> Guardrail:
        """The guardrail on the deciding comparison."""
        limit, observed = getattr(rules, self.rule), self.read(report, comparison)
        status = self.test(observed, limit) if observed else "not measured"
        return Guardrail(
            name=self.name,
            scale=self.scale,
            status=status,
            limit=_shown_limit(self.test, limit, observed),
            observed=observed,
            missing=None if observed else self.missing(report),
        )


def _loss(observed: Interval, limit: float) -> GuardrailStatus:
    """Fail: a significant loss above the limit. Inconclusive: one above it that is not, or is on few clusters."""
    if observed.mean >= -limit:
        return "pass"
    significant = observed.high is not None and observed.high < 0 and observed.clusters >= MIN_CLUSTERS
    return "fail" if significant else "inconclusive"


def _gain(observed: Interval, limit: float) -> GuardrailStatus:
    """The same of a share that should not grow."""
    if observed.mean <= limit:
        return "pass"
    significant = observed.low is not None and observed.low > 0 and observed.clusters >= MIN_CLUSTERS
    return "fail" if significant else "inconclusive"


def _ratio(observed: Interval, limit: float) -> GuardrailStatus:
    """Fail: the whole interval is above the limit. Inconclusive: the ratio itself is."""
    if observed.mean <= limit:
        return "pass"
    return "fail" if observed.low is not None and observed.low > limit else "inconclusive"


def _timing(observed: Interval, limit: float) -> GuardrailStatus:
    """A ratio that fails or passes: measured on a machine with other work, it is often near its limit by chance."""
    return "fail" if _ratio(observed, limit) == "fail" else "pass"


def _balance(observed: Interval, limit: float) -> GuardrailStatus:
    """A ratio that should be near 1: far from it a judge is hard to believe, which is no proof of a loss."""
    return "pass" if 1 / limit <= observed.mean <= limit else "inconclusive"


def _rate(observed: Interval, limit: float) -> GuardrailStatus:
    """Fail: the whole interval of a win rate is further than the limit below one half. Inconclusive: the rate is."""
    if observed.mean >= 0.5 - limit:
        return "pass"
    return "fail" if observed.high is not None and observed.high < 0.5 - limit else "inconclusive"


def _alike(observed: Interval, limit: float) -> GuardrailStatus:
    """Shares that should not differ: users who rate one arm more often may not be the same users."""
    return "inconclusive" if observed.p is not None and observed.p < limit else "pass"


def _shown_limit(test: Test, limit: float, observed: Interval | None) -> float:
    """The limit on the scale of the value."""
    if test is _alike:
        return 0.0
    if test is _rate:
        return 0.5 - limit
    if test is _loss:
        return 0.0 - limit
    return 1 / limit if test is _balance and observed and observed.mean < 1 else limit


def _guarded(name: str) -> Read:
    """A value of the answers of both models to all prompts of the night."""
    return lambda report, comparison: comparison.guarded.get(name)


def _judge(report: EvalReport, comparison: Comparison) -> JudgeVerdicts | None:
    """A reliable judge's verdicts on these two models."""
    judge = report.judge.pairwise
    compared = judge is not None and (judge.ours, judge.theirs) == (comparison.ours, comparison.theirs)
    return judge if judge and compared and judge.reliable else None


def _latency(report: EvalReport, comparison: Comparison) -> Interval | None:
    latency = report.latency_ratio
    return latency.ratio if latency and _is_timed(report, comparison) else None


def _win_rate(report: EvalReport, comparison: Comparison) -> Interval | None:
    judge = _judge(report, comparison)
    return judge.win_rate if judge else None


def _controlled_rate(report: EvalReport, comparison: Comparison) -> Interval | None:
    judge = _judge(report, comparison)
    return judge.length_controlled if judge else None


def _by_reference(report: EvalReport, comparison: Comparison) -> bool:
    """Free-form and verified answers may say the same in other words, so overlap with a reference limits neither."""
    return report.primary.metric not in ("served_reward", "judged_win_rate", "reward_score", "task_success")


def _second_reward(report: EvalReport, comparison: Comparison) -> Interval | None:
    """The second reward model's wins minus losses, turned round where the first one's mean is below 0."""
    compared = report.reward.by_role.get(comparison.ours) if report.reward else None
    if compared is None or compared.second is None:
        return None
    return compared.second if compared.first.mean >= 0 else compared.second.negated()


def _without_second(report: EvalReport) -> str:
    return (report.reward.second_is_missing if report.reward else None) or "no answers were scored"


def _served(name: str) -> Read:
    """A difference between two served arms."""
    return lambda report, comparison: getattr(report.served, name) if report.served else None


def _users_decide(report: EvalReport, comparison: Comparison) -> bool:
    return report.primary.metric == "served_reward"


def _rewarded(report: EvalReport, comparison: Comparison) -> bool:
    return report.primary.metric == "reward_score"


def _scored_by_model(report: EvalReport, comparison: Comparison) -> bool:
    """A judge or a reward model may like length, a rule does not."""
    return _judged(report, comparison) or _rewarded(report, comparison)


def _near_the_base(report: EvalReport, comparison: Comparison) -> bool:
    return report.primary.near_the_base


def _far_from_champion(report: EvalReport, comparison: Comparison) -> bool:
    return report.primary.near_the_base and comparison.theirs == "champion"


def _judged(report: EvalReport, comparison: Comparison) -> bool:
    return report.primary.metric == "judged_win_rate"


def _judged_too(report: EvalReport, comparison: Comparison) -> bool:
    return not _judged(report, comparison) and _judge(report, comparison) is not None


def _has_users(report: EvalReport, comparison: Comparison) -> bool:
    """Nobody pays for the base's answers, whose form is another one."""
    return comparison.theirs != "base"


def _is_timed(report: EvalReport, comparison: Comparison) -> bool:
    latency = report.latency_ratio
    return latency is not None and (latency.ours, latency.against) == (comparison.ours, comparison.theirs)


GUARDRAILS = (
    Row("token_f1", "difference", "max_quality_loss", _loss, _guarded("token_f1"), _by_reference),
    Row("json_validity", "difference", "max_validity_loss", _loss, _guarded("json_validity")),
    Row("unfinished_answers", "difference", "max_unfinished_gain", _gain, _guarded("unfinished_answers")),
    Row("refusals", "difference", "max_refusal_gain", _gain, _guarded("refusals")),
    Row("repeated_answers", "difference", "max_repetition_gain", _gain, _guarded("repeated_answers")),
    Row("cost", "ratio", "max_cost_ratio", _ratio, _guarded("cost"), _has_users),
    Row("latency", "ratio", "max_latency_ratio", _timing, _latency, _is_timed),
    Row("length", "ratio", "max_length_ratio", _balance, _guarded("length"), _scored_by_model),
    Row("length_controlled", "rate", "max_controlled_loss", _rate, _controlled_rate, _judged),
    Row("judge_win_rate", "rate", "max_judge_loss", _rate, _win_rate, _judged_too),
    Row("kl", "nats", "max_kl", _ratio, _guarded("kl"), _near_the_base, lambda report: "no answer could be scored"),
    Row("kl_ratio", "ratio", "max_kl_ratio", _ratio, _guarded("kl_ratio"), _far_from_champion),
    Row(
        "second_reward_model",
        "difference",
        "max_second_reward_loss",
        _loss,
        _second_reward,
        _rewarded,
        _without_second,
    ),
    Row("served_errors", "difference", "max_served_error_gain", _gain, _served("errors"), _users_decide),
    Row("served_rated", "difference", "rated_p_value", _alike, _served("rated"), _users_decide),
)


def check_guardrails(
    report: EvalReport, comparison: Comparison, rules: PromotionRules, by_people: bool = False
) -> list[Guardrail]:
    """Every guardrail that applies to the deciding comparison, in the order of the table.

    Where the labels of people decide, overlap with a reference limits nothing, as where a judge does, and it does not
    matter how far the adapter is from where a weaker metric can be trusted.
    """
    rows = [row for row in GUARDRAILS if not (by_people and row.name in NOT_FOR_PEOPLE)]
    return [row.check(report, comparison, rules) for row in rows if row.applies(report, comparison)]


def people_guardrail(people: People | None) -> list[Guardrail]:
    """Fail if even the upper end of the win rate by people is below one half; none with too few labels."""
    if people is None or people.rate is None:
        return []
    status: GuardrailStatus = "fail" if people.rate.high is not None and people.rate.high < EVEN else "pass"
    return [Guardrail(name="people_win_rate", scale="rate", status=status, limit=EVEN, observed=people.rate)]
