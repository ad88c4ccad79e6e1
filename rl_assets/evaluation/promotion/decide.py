"""The promotion decision: may an adapter replace the champion, by rules fixed beforehand.

What decides is the evidence of all nights of the epoch, which may be looked at every night. The interval of tonight's
test split is shown beside it, and is right for one look only. Where no metric may promote, the labels of people may, by
the same bet: 50 or more, on pairs that were drawn at random. Where a metric may, they can veto it.
"""

import math
from collections.abc import Sequence

from rl_assets.evaluation.promotion.champion import Champion
from rl_assets.evaluation.promotion.evidence import clusters_to_show
from rl_assets.evaluation.promotion.guardrails import check_guardrails, people_guardrail
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.schema.decision import BY_PEOPLE, Decision, Guardrail, Verdict
from rl_assets.evaluation.schema.evidence import Evidence
from rl_assets.evaluation.schema.metrics import METRICS
from rl_assets.evaluation.schema.people import People
from rl_assets.evaluation.schema.primary import Primary
from rl_assets.evaluation.schema.report import Comparison, EvalReport, Role
from rl_assets.judging.balance import MIN_PAIRS
from rl_assets.metrics.statistics import Interval

MAX_UNBALANCED = 0.5
# What the pace of a small product is told by: a gain that users notice, where a quarter of the answers differ.
USUAL_GAIN, USUAL_DISAGREEMENT = 0.05, 0.25
FASTER = "Raise the traffic, or decide on several segments as one: a wider `segment` of the recipe, or none."


def decide(
    report: EvalReport,
    champion: Champion | None,
    rules: PromotionRules,
    evidence: Evidence,
    role: Role | None = None,
    people: People | None = None,
) -> Decision:
    """Decide on the report's adapter under decision (or that of another role) against the champion, or the base.

    PROMOTE if the evidence reaches its threshold and every guardrail passes, or CANARY if the metric is too weak for
    that; REJECT if the opposite evidence reaches it, or a guardrail fails; INSUFFICIENT if the values cannot carry a
    decision; else HOLD. `people` are the labels of the epoch.
    """
    ours: Role = role or report.decided
    opponent: Role = "champion" if champion else "base"
    comparison, weights = report.comparison(opponent, ours), report.models[ours].sha256
    if champion and (settled := _settled(champion, weights)):
        return _decision(report, ours, opponent, "HOLD", [settled], people=people)
    deciding = people if people and labels_decide(report.primary, people) else None
    weighed = deciding.evidence if deciding else evidence
    gaps = _of_training(report, ours) + insufficiencies(report, champion, comparison, rules, weighed, people)
    if gaps or comparison is None:  # without a comparison there is always a gap
        return _decision(report, ours, opponent, "INSUFFICIENT", gaps, evidence=weighed, people=people)
    guardrails = check_guardrails(report, comparison, rules, by_people=deciding is not None) + people_guardrail(people)
    verdict, reasons = _verdict(comparison, report.primary, guardrails, weighed, rules, deciding)
    reasons += _labels_so_far(verdict, people) + _of_users(report) + _of_an_earlier_day(report, ours)
    return _decision(
        report,
        ours,
        opponent,
        verdict,
        reasons,
        difference=None if deciding else _difference(report, comparison),
        guardrails=guardrails,
        evidence=weighed,
        people=people,
        by_people=deciding is not None,
    )


def _of_training(report: EvalReport, ours: Role) -> list[str]:
    """Checks of its training that keep an adapter from being a candidate."""
    model = report.models[ours]
    return [f"{model.label} failed a check of its training: {failed}." for failed in model.failed_checks]


def _settled(champion: Champion, weights: str) -> str | None:
    """Why there is no question about these weights; None if there is one."""
    if champion.hash == weights:
        return "The candidate is already the champion."
    back = champion.rolled_back_reason(weights)
    return f"The candidate was champion and was rolled back: {back}" if back else None


def labels_decide(primary: Primary, people: People) -> bool:
    """Whether the labels decide: there are enough, and no metric may promote. A metric that may ask for a canary goes
    on deciding until the labels show that ours is better."""
    if people.rate is None or primary.strength == "PROMOTE":
        return False
    return primary.strength is None or people.evidence.better


def _labels_so_far(verdict: Verdict, people: People | None) -> list[str]:
    """How near people are to decide where the metric may not promote."""
    return [f"So far there are {people.count()}."] if verdict == "CANARY" and people else []


def _difference(report: EvalReport, comparison: Comparison) -> Interval | None:
    """The difference of the night, which holds for one look."""
    return report.served.gain if report.served else comparison.differences.get(report.primary.compared)


def _of_users(report: EvalReport) -> list[str]:
    """What users made of the two, where they decide."""
    return [report.served.sentence()] if report.served else []


def _of_an_earlier_day(report: EvalReport, ours: Role) -> list[str]:
    """That the verdict is not about the adapter of the report's day."""
    if ours != "entrant":
        return []
    if report.served:
        return [f"This is about {report.models[ours].label}, which users meet as {report.served.ours.name}."]
    return [
        f"This is about {report.models[ours].label}, the adapter of an earlier day, to which tonight's prompts are "
        f"new. {report.candidate.label} of today follows on another night."
    ]


def insufficiencies(
    report: EvalReport,
    champion: Champion | None,
    comparison: Comparison | None,
    rules: PromotionRules,
    evidence: Evidence,
    people: People | None = None,
) -> list[str]:
    """Why these values cannot carry a decision; empty if they can. `evidence` is what would decide."""
    gaps, contaminated, lineage, judge = [], report.contamination.prompts, report.lineage, report.judge.pairwise
    if contaminated:
        gaps.append(f"{len(contaminated)} held-out prompts are in a training split, the first {contaminated[0]}.")
    if champion and champion.hash != lineage.champion_sha256:
        gaps.append("The report compares with another champion than today's: evaluate again.")
    elif champion and lineage.champion_base_sha256 != lineage.base_sha256:
        gaps.append("The champion belongs to another base model: the two cannot be compared as adapters.")
    if judge and judge.problems and rules.require_reliable_judge:
        gaps.append(f"The judge is not reliable. {' '.join(judge.problems)}")
    by_labels = people is not None and labels_decide(report.primary, people)
    if people and people.disagree and not by_labels:
        gaps.append(_disagreement(people))
    if report.primary.strength is None and not by_labels:
        labels = [f"So far there are {people.count()}."] if people else []
        return [*gaps, report.primary.sentence(), *labels]
    if evidence.unbalanced > MAX_UNBALANCED:
        gaps.append(
            f"{evidence.unbalanced:.0%} of the judged pairs cannot be balanced for length: one model's answers are "
            "nearly always the longer ones. Have people compare some, or keep answers alike in length."
        )
    elif evidence.clusters < rules.min_clusters and (comparison or not gaps):
        gaps.append(f"{_too_few(evidence, rules)} {_faster(report.primary)}")
    return gaps


def _disagreement(people: People) -> str:
    """What the judge and people say of the same kind of pairs."""
    return (
        f"The judge and people disagree: on pairs of one kind its win rate is {people.judged:.3f}, and that of "
        f"{people.labels} human labels {people.rate:.3f}. Change the judge or its rubric, which begins a new epoch, or "
        "have people compare more pairs."
    )


def _too_few(evidence: Evidence, rules: PromotionRules) -> str:
    """How many clusters there are, and how long it takes at this pace."""
    counted = f"There are {evidence.clusters} held-out clusters; a decision takes {rules.min_clusters}."
    if evidence.waiting:
        return (
            f"{counted} {evidence.waiting} judged pairs are not counted yet: their lengths can be balanced once "
            f"{MIN_PAIRS} pairs differ as much in length."
        )
    if not evidence.nights:
        return counted
    pace = evidence.clusters / evidence.nights
    nights = math.ceil((rules.min_clusters - evidence.clusters) / pace)
    needed = clusters_to_show(USUAL_GAIN, USUAL_DISAGREEMENT, evidence.threshold) or 0.0
    return (
        f"{counted} At {pace:.0f} a night that takes {nights} more nights, and a gain of {USUAL_GAIN:+.2f} takes about "
        f"{math.ceil(needed / pace)} to show."
    )


def _faster(primary: Primary) -> str:
    """What brings a decision sooner: labels of people only where no metric may promote."""
    if primary.strength == "PROMOTE":
        return FASTER
    return f"{FASTER} Or label pairs of review_queue: 50 human labels may promote."


def _verdict(
    comparison: Comparison,
    primary: Primary,
    guardrails: list[Guardrail],
    evidence: Evidence,
    rules: PromotionRules,
    people: People | None,
) -> tuple[Verdict, list[str]]:
    """The verdict by the evidence and the guardrails; `people` if their labels are that evidence."""
    observed = _observed(comparison, primary, evidence, people)
    failed = [guardrail.sentence() for guardrail in guardrails if guardrail.status == "fail"]
    inconclusive = [
        guardrail.sentence() for guardrail in guardrails if guardrail.status == "inconclusive" or guardrail.missing
    ]
    if failed or evidence.rejected_tonight:
        return "REJECT", [f"{observed}{': worse' if evidence.rejected_tonight else ''}.", *failed]
    if not evidence.better:
        return "HOLD", [f"{observed}: not shown.", _what_it_takes(evidence), *inconclusive]
    doubts = inconclusive + (_labelled_doubts(people) if people else _own_doubts(evidence, rules))
    if doubts:
        return "HOLD", [f"{observed}: better, but in doubt.", *doubts]
    if primary.strength == "CANARY" and not people:
        return "CANARY", [f"{observed}: better, and no guardrail fails.", _canary(primary)]
    return "PROMOTE", [f"{observed}: better, and no guardrail fails."]


def _observed(comparison: Comparison, primary: Primary, evidence: Evidence, people: People | None) -> str:
    """The difference, what it rests on, and the evidence."""
    title, mean = METRICS[primary.compared].title, evidence.mean or 0.0
    if people:
        title = "Wins minus losses by human labels"
    nights = f" of {evidence.nights} nights" if evidence.nights > 1 else ""
    lower = "" if evidence.lower is None else f", at least {evidence.lower:+.3f} whenever looked at"
    bet = " (nights differ as a whole, so each counts once)" if evidence.by_night else ""
    unit = "conversations" if primary.metric == "served_reward" and not people else "clusters"
    return (
        f"{title} against the {comparison.theirs}: {mean:+.3f} on {evidence.clusters:,} {unit}{nights}{lower}; "
        f"evidence {evidence.value:,.3g} of {evidence.threshold:g}{bet}"
    )


def _labelled_doubts(people: People) -> list[str]:
    """Labels come late, so they are about adapters of earlier nights: the newest of them must not lose."""
    mean = people.evidence.tonight_mean or 0.0
    if mean >= 0:
        return []
    return [
        f"People found the newest adapter that they compared, that of {people.newest}, worse: {mean:+.3f} on "
        f"{people.evidence.tonight} pairs."
    ]


def _own_doubts(evidence: Evidence, rules: PromotionRules) -> list[str]:
    """Why tonight's adapter may not be the one that earlier nights were about; empty without such a doubt.

    Where a night has fewer clusters than that takes, the nights before it are those of the adapters most like it.
    """
    if evidence.tonight and evidence.latest >= rules.own_clusters and (evidence.latest_mean or 0) >= 0:
        return []
    mean = "" if evidence.latest_mean is None else f", {evidence.latest_mean:+.3f} on average"
    answered = f"This adapter itself answered {evidence.tonight} new clusters"
    if evidence.latest_nights > 1:
        answered += f", with those of the {evidence.latest_nights} latest nights {evidence.latest}"
    return [
        f"{answered}{mean}, and {rules.own_clusters} without a loss are needed: the other nights were those of earlier "
        "adapters."
    ]


def _canary(primary: Primary) -> str:
    """Why this metric does not promote, and what would."""
    weakness = {
        "judged_win_rate": f"The judge may not promote: {primary.why}.",
        "reward_score": "A reward model is right on logged answers and may be wrong on new ones, so this metric does "
        "not promote.",
        "likelihood_accuracy": "Ranking logged answers says little about new ones, so this metric does not promote.",
    }
    return (
        f"{weakness.get(primary.compared, primary.why)} Serve it a small share of the traffic, log `adapter` and "
        "`propensity` with each answer, or label pairs of review_queue: 50 human labels may promote."
    )


def _what_it_takes(evidence: Evidence) -> str:
    """The nights that are left at this pace if the mean is true."""
    if evidence.nights_left is None:
        return "At this mean no number of nights would show a gain."
    return f"If the mean is true, it takes about {evidence.nights_left:,} more nights like these."


def _decision(
    report: EvalReport,
    role: Role,
    against: Role,
    verdict: Verdict,
    reasons: list[str],
    *,
    difference: Interval | None = None,
    guardrails: Sequence[Guardrail] = (),
    evidence: Evidence | None = None,
    people: People | None = None,
    by_people: bool = False,
) -> Decision:
    return Decision(
        verdict=verdict,
        day=report.day,
        candidate=report.models[role].sha256,
        role=role,
        against=against,
        primary=BY_PEOPLE if by_people else report.primary.metric,
        reasons=reasons,
        difference=difference,
        guardrails=list(guardrails),
        evidence=evidence,
        people=people,
    )
