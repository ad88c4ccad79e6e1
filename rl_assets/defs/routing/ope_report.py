"""`ope_report`: what other ways of choosing the agent would have earned; estimates are in `routing.off_policy`."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from rl_assets.core import sql
from rl_assets.defs.datasets.rated_interactions import WINDOW, rated_interactions
from rl_assets.defs.routing.bandit_state import bandit_state
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import day_check, days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.report.markdown import markdown_table
from rl_assets.evaluation.routing.report import routing_headline, values_table, write_routing_report
from rl_assets.routing.day_shares import read_day_shares
from rl_assets.routing.logged import register_choices
from rl_assets.routing.off_policy import OffPolicyReport, off_policy_report
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import INTERACTIONS

POLICIES_OVERLAP = "policies_overlap"
DESCRIPTION = "The log can tell what each policy would have earned: its propensities are true, and it overlaps with it."
MAX_REASONS = 5


@dg.asset(
    partitions_def=days,
    deps=[bandit_state, rated_interactions, dg.AssetDep(INTERACTIONS.name, partition_mapping=WINDOW)],
    check_specs=[day_check(POLICIES_OVERLAP, "ope_report", DESCRIPTION)],
    group_name="routing",
    kinds={"duckdb", "matplotlib"},
    owners=MODEL_TEAM,
)
def ope_report(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """What the log's agents, chosen in other ways, would have earned: uniformly, one always, greedily, or as learned.

    From answers whose arm was drawn with a logged propensity, with intervals that hold where rewards are rare; where
    the log cannot tell, the report gives the reason instead of a value.
    """
    day = context.partition_key
    require_input(context, home.lake, RATED_INTERACTIONS, day)
    connection = sql.connect(home.duckdb_memory_limit)
    register_choices(connection, home.lake, date.fromisoformat(day))
    shares = read_day_shares(connection, home.lake, date.fromisoformat(day))
    report = off_policy_report(connection, date.fromisoformat(day), home.router_file(), shares)
    folder = home.paths.reports(day)
    write_routing_report(report, folder)
    return dg.MaterializeResult(
        metadata={
            "dagster/uri": str(folder),
            "report": dg.MetadataValue.path(folder / "routing.html"),
            "headline": routing_headline(report),
            **dict(_values(report)),
        },
        check_results=[_policies_overlap(report)],
    )


def _values(report: OffPolicyReport) -> Iterator[tuple[str, Any]]:
    """A table per segment, and value, low and high of each policy as numbers, which the UI plots over days."""
    for segment in report.segments:
        prefix = f"{segment.segment}/" if len(report.segments) > 1 else ""
        yield f"{prefix}policies", dg.MetadataValue.md(markdown_table(values_table(segment)))
        logged = [("as logged", segment.logged)]
        for name, value in [*logged, *((policy.policy, policy.value) for policy in segment.policies)]:
            if value is not None:
                bounds = {"value": value.mean, "low": value.low, "high": value.high}
                yield from ((f"{prefix}{name} {bound}", number) for bound, number in bounds.items())


def _policies_overlap(report: OffPolicyReport) -> dg.AssetCheckResult:
    """Yellow if a policy has no value; its reasons are named."""
    reasons = [
        f"{policy.policy} in {segment.segment}: {policy.refusals[0].text}"
        for segment in report.segments
        for policy in segment.policies
        if policy.refusals and not segment.refusals
    ]
    reasons += [f"{segment.segment}: {refusal.text}" for segment in report.segments for refusal in segment.refusals]
    more = f" And {len(reasons) - MAX_REASONS} more, in the report." if len(reasons) > MAX_REASONS else ""
    return dg.AssetCheckResult(
        check_name=POLICIES_OVERLAP,
        passed=not reasons,
        severity=dg.AssetCheckSeverity.WARN,
        description=" ".join(reasons[:MAX_REASONS]) + more if reasons else None,
        metadata={"policies": sum(len(segment.policies) for segment in report.segments), "refused": len(reasons)},
    )
