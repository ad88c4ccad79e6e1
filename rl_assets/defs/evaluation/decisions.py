"""The evidence of the night and the promotion decision, which sets the champion. Both read what `eval_report` wrote."""

from datetime import date, timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from rl_assets.core.home import Home
from rl_assets.defs.evaluation.reports import eval_report
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import BACKFILL, days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import PublishedDay, Results, publish_days, table_asset
from rl_assets.evaluation.promotion.champion import promote, read_champion
from rl_assets.evaluation.promotion.decide import decide, select
from rl_assets.evaluation.promotion.nights import earlier_nights, evidence_rows, weigh_nights
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.report.escaping import markdown_text
from rl_assets.evaluation.report.files import read_report, write_decision
from rl_assets.evaluation.run.differences import Differences, read_differences
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.evaluation.schema.evidence import FALSE_PROMOTIONS, THRESHOLD, Evidence
from rl_assets.evaluation.schema.report import EvalReport, Role
from rl_assets.models.adapters import Adapter, read_adapter
from rl_assets.tables.decision_evidence import DECISION_EVIDENCE

YEAR = timedelta(days=365)


@table_asset(DECISION_EVIDENCE, deps=[eval_report], group="reports", kind="huggingface")
def decision_evidence(context: dg.AssetExecutionContext, home: HomeResource) -> Results:
    """What each held-out cluster of prompts said of the adapter under decision, kept for the decisions of later nights.

    A night replaces its own rows. A run of a backfill keeps none: it looks at days that have been decided.
    """

    def publish(day: str) -> PublishedDay:
        folder = home.paths.reports(day)
        report, found = read_report(folder), read_differences(folder)
        if BACKFILL in context.run.tags:
            context.log.info("a backfill keeps no evidence: materialize decision_evidence of the day alone for that")
            return PublishedDay("backfill", {"rows": "a backfill keeps none"})
        rows = [row for role in found for row in _rows(report, role, found)]
        table = pa.Table.from_pylist(rows, schema=DECISION_EVIDENCE.schema)
        published = home.lake.publish(DECISION_EVIDENCE, date.fromisoformat(day), table.to_reader())
        return PublishedDay.of_table(published, epoch=report.primary.epoch, metric=report.primary.metric or "none")

    yield from publish_days(context, publish)


def _rows(report: EvalReport, role: Role, found: Differences) -> list[dict[str, Any]]:
    models = report.models[role].sha256, report.primary.against
    lineage = report.models[role].kind
    return evidence_rows(date.fromisoformat(report.day), report.primary, report.segment, lineage, models, found[role])


class PromotionConfig(dg.Config, PromotionRules):
    """When a candidate may replace the champion. With `parent_may_win` its parent adapter is a second candidate."""

    parent_may_win: bool = False


@dg.asset(
    partitions_def=days, deps=[eval_report, decision_evidence], group_name="reports", kinds={"json"}, owners=MODEL_TEAM
)
def promotion_decision(
    context: dg.AssetExecutionContext, home: HomeResource, config: PromotionConfig
) -> dg.MaterializeResult:
    """PROMOTE, CANARY, REJECT, HOLD or INSUFFICIENT, with reasons, by the evidence of all nights of the epoch.

    A promoted adapter of a newer day is the champion. A run of a backfill decides too, and leaves the champion alone.
    """
    day, paths = context.partition_key, home.paths
    report, champion = read_report(paths.reports(day)), read_champion(paths)
    roles: list[Role] = [report.decided]
    if config.parent_may_win and "parent" in report.models:
        roles.append("parent")
    evidence = {role: evidence_of(home, report, role, THRESHOLD * len(roles)) for role in roles}
    decided = [decide(report, champion, config, evidence[role], role) for role in roles]
    decisions = dict(zip(roles, select(decided), strict=True))
    role = next((role for role, decision in decisions.items() if decision.verdict == "PROMOTE"), roles[0])
    decision, kind = decisions[role], report.models[role].kind
    write_decision(report, decision, paths.reports(day))
    for reason in decision.reasons:
        context.log.info(f"{decision.verdict}: {reason}")
    if of_backfill := BACKFILL in context.run.tags:
        context.log.info(f"a backfill promotes nothing: materialize promotion_decision of {day} alone for that")
    promoted = not of_backfill and promote(paths, decision, _adapter(paths, report, role))
    return dg.MaterializeResult(
        metadata=decision_metadata(decision, kind, promoted) | promotions_of_the_year(paths, day)
    )


def evidence_of(home: HomeResource, report: EvalReport, role: Role, threshold: float) -> Evidence:
    """Tonight's clusters, by the report, on top of those that the epoch's earlier nights recorded."""
    day, primary, lineage = date.fromisoformat(report.day), report.primary, report.models[role].kind
    nights = earlier_nights(home.lake, primary, report.segment, lineage, day)
    nights[day] = read_differences(home.paths.reports(report.day)).get(role, [])
    return weigh_nights(nights, primary.metric == "judged_win_rate", threshold)


def _adapter(paths: Home, report: EvalReport, role: Role) -> Adapter:
    model = report.models[role]
    return read_adapter(paths.adapters() / model.kind / str(model.inputs_hash))


def decision_metadata(decision: Decision, kind: str, promoted: bool) -> dict[str, Any]:
    """The verdict with its reasons, and the evidence, which plots over nights."""
    guardrails = "\n".join(f"- {guardrail.sentence()}" for guardrail in decision.guardrails)
    return {
        "verdict": decision.verdict,
        "adapter": kind,
        "candidate": decision.candidate,
        "role": decision.role,
        "reasons": dg.MetadataValue.md("\n".join(f"- {markdown_text(reason)}" for reason in decision.reasons)),
        "guardrails": dg.MetadataValue.md(guardrails or "none"),
        "champion_changed": promoted,
        **_evidence_metadata(decision.evidence),
    }


def _evidence_metadata(evidence: Evidence | None) -> dict[str, Any]:
    if evidence is None:
        return {}
    return {
        "evidence": evidence.value,
        "evidence_against": evidence.opposite,
        "evidence_needed": evidence.threshold,
        "clusters": evidence.clusters,
        "nights": evidence.nights,
    }


def promotions_of_the_year(paths: Home, day: str) -> dict[str, Any]:
    """How many champions the last year had, and how many of them may be no better: at most one epoch in twenty."""
    champion, today = read_champion(paths), date.fromisoformat(day)
    history = champion.history() if champion else []
    promotions = sum(today - YEAR < entry.day <= today for entry in history)
    return {
        "promotions_of_the_year": promotions,
        "expected_false_promotions": f"at most {FALSE_PROMOTIONS * (promotions + 1):.2f}",
    }
