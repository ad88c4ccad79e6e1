"""The report on policies: its sections, and its files: routing.json with its schema, routing.md and routing.html."""

from collections.abc import Iterator
from pathlib import Path

from rl_assets.evaluation.report.sections import (
    Bullets,
    Cell,
    Paragraph,
    Section,
    Table,
    figure,
    p_value,
    section,
)
from rl_assets.evaluation.report.written import write_pages, write_values
from rl_assets.evaluation.routing.plots import overlap_bars, share_lines, value_forest
from rl_assets.metrics.statistics import Interval
from rl_assets.routing.estimators import Estimates
from rl_assets.routing.off_policy import OffPolicyReport, PolicyValue, SegmentValues

DIGITS = 4
OVERLAP = (
    "A log scale: what the weighted sessions are worth, and the limit below which no value is shown. Orange: refused."
)
VALUES = (
    "A value is the mean reward in [0, 1] that a policy would have earned on the conversations of the log. It is made "
    "of the answers that were drawn, each weighted by the policy's probability of its arm over the logged one "
    "(self-normalized). The interval is 95 %, Cressie-Read empirical likelihood with the known bounds of the weights. "
    "A difference is that to the log on the same sessions, by a paired bootstrap; p is corrected over all policies "
    "(Holm)."
)
POLICIES = (
    "The policy uniform draws all arms alike, always never another one, greedy takes the arm with the highest mean "
    "reward of the days before, and learned draws by the shares that the router would have learned from the days "
    "before. The last two are evaluated from the second day with rewards on."
)
OTHERS = (
    "IPS and DR are unbiased if the propensities are true. DM repeats what a model of rewards believes and is no "
    "evidence on its own. SWITCH corrects the model only where weights are at most tau."
)


def routing_sections(report: OffPolicyReport) -> list[Section]:
    """Values, overlap and other estimates of each segment, and how to read them."""
    return [
        section(f"Policies as of {report.day}", Paragraph(routing_headline(report), "lead")),
        *(part for values in report.segments for part in _segment(report, values)),
        section("How to read this", Paragraph(VALUES, "note"), Paragraph(POLICIES, "note"), Paragraph(OTHERS, "note")),
    ]


def routing_headline(report: OffPolicyReport) -> str:
    """How many policies have a value, and which of them earn more or less than the log."""
    if not report.segments:
        return "No answer of the window has a reward and was drawn: there is nothing to weigh."
    policies = [(values, policy) for values in report.segments for policy in values.policies]
    if not policies:
        return report.segments[0].refusals[0].text if report.segments[0].refusals else "There is no arm to choose."
    valued = sum(policy.verdict == "OK" for _, policy in policies)
    answers = sum(values.answers for values in report.segments)
    text = f"{valued} of {len(policies)} policies have a value, from {answers:,} drawn and rewarded answers."
    for earns in ("more", "less"):
        names = [_named(report, values, policy) for values, policy in policies if policy.earns == earns]
        if names:
            text += f" Would have earned {earns} than the log: {', '.join(names)}."
    return text


def _named(report: OffPolicyReport, values: SegmentValues, policy: PolicyValue) -> str:
    return policy.policy if len(report.segments) == 1 else f"{policy.policy} in {values.segment}"


def _segment(report: OffPolicyReport, values: SegmentValues) -> Iterator[Section]:
    name = values.segment
    period = str(values.since) if values.since == values.until else f"{values.since} to {values.until}"
    logged = f"{values.answers:,} answers of {values.sessions:,} sessions, {period}. "
    logged += f"As logged they earned {_figures(values.logged)}."
    yield section(
        f"Values in {name}",
        Paragraph(logged),
        *(Paragraph(refusal.text, "alert") for refusal in values.refusals),
        values_table(values),
        figure(value_forest(values), "The dotted line is the log. Coloured where the difference is significant."),
        Bullets(list(reasons)) if (reasons := _reasons(values)) else None,
        Bullets(values.notes) if values.notes else None,
    )
    yield section(f"Overlap in {name}", _overlap_table(values), figure(overlap_bars(values), OVERLAP))
    yield section(f"Other estimates in {name}", _estimates_table(values), _replay_table(values))
    yield section(
        f"Shares of the router in {name}",
        figure(share_lines(report.shares, name), "Means over the answers of all categories, as of each day."),
    )


def values_table(values: SegmentValues) -> Table:
    """Value, difference and verdict of each policy."""
    header = ["Policy", "Value", "Difference to the log", "p (Holm)", "Verdict"]
    return Table(header, [_value_cells(policy) for policy in values.policies])


def _value_cells(policy: PolicyValue) -> list[Cell]:
    difference = None if policy.difference is None else f"{policy.difference:+.{DIGITS}f}"
    value = _figures(policy.value) if policy.value else None
    return [policy.policy, value, difference, p_value(policy.p_holm), _verdict(policy)]


def _verdict(policy: PolicyValue) -> str:
    if policy.value is None:
        return policy.verdict
    return "inconclusive" if policy.earns == "undecided" else f"earns {policy.earns}"


def _figures(value: Interval) -> str:
    return f"{value:.{DIGITS}f}"


def _reasons(values: SegmentValues) -> list[str]:
    """Why a policy has no value; reasons that the log gives for all are shown once, above."""
    of_log = [refusal.reason for refusal in values.refusals]
    return [
        f"{policy.policy}: {refusal.text}"
        for policy in values.policies
        for refusal in policy.refusals
        if refusal.reason not in of_log
    ]


def _overlap_table(values: SegmentValues) -> Table:
    header = ["Policy", "Sessions", "Effective", "Mean weight", "Largest", "Possible", "Without support"]
    rows: list[list[Cell]] = [
        [
            policy.policy,
            f"{policy.overlap.sessions:,}",
            f"{policy.overlap.ess:,.1f}",
            f"{policy.overlap.mean_weight:.4f} ± {policy.overlap.mean_weight_se:.4f}",
            f"{policy.overlap.largest_seen:,.2f}",
            f"{policy.overlap.least_weight:,.3f} to {policy.overlap.largest_weight:,.2f}",
            f"{policy.overlap.unsupported:.1%}",
        ]
        for policy in values.policies
    ]
    return Table(header, rows)


def _estimates_table(values: SegmentValues) -> Table:
    header = ["Policy", "IPS", "SNIPS", "DR", "SNDR", "SWITCH-DR", "tau", "DM (model)"]
    rows = [[policy.policy, *_estimate_cells(policy.estimates)] for policy in values.policies if policy.estimates]
    return Table(header, rows)


def _estimate_cells(estimates: Estimates) -> list[Cell]:
    tau = "none" if estimates.switch_tau is None else f"{estimates.switch_tau:,.2f}"
    before, after = (estimates.ips, estimates.snips, estimates.dr, estimates.sndr, estimates.switch_dr), estimates.dm
    return [*(f"{value:.{DIGITS}f}" for value in before), tau, f"{after:.{DIGITS}f}"]


def _replay_table(values: SegmentValues) -> Table:
    header = ["Policy", "Replay: mean reward where it agrees with the log, no estimate of its value", "Sessions"]
    rows: list[list[Cell]] = [
        [policy.policy, f"{policy.replay.mean:.{DIGITS}f}", f"{policy.replay.sessions:,}"]
        for policy in values.policies
        if policy.replay
    ]
    return Table(header, rows)


def write_routing_report(report: OffPolicyReport, folder: Path) -> None:
    """Write the report into `folder`, each file atomically, routing.json last."""
    write_pages(routing_sections(report), folder, "routing")
    write_values(report, folder, "routing")


def read_routing_report(folder: Path) -> OffPolicyReport:
    """The report written there. Raises FileNotFoundError if there is none."""
    path = folder / "routing.json"
    if not path.is_file():
        raise FileNotFoundError(f"no report on policies at {path}: materialize ope_report of that day first")
    return OffPolicyReport.model_validate_json(path.read_bytes())
