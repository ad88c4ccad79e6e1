"""The evidence of the night and the promotion decision, which sets the champion. Both read what the report wrote.

The functions are for the product (segment None) and for each declared segment; the assets here are the product's.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from rl_assets.core.home import Home
from rl_assets.defs.evaluation.reports import eval_report
from rl_assets.defs.evaluation.review import review_queue
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import BACKFILL, day_check, days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import PublishedDay, Results, publish_days, table_asset
from rl_assets.evaluation.promotion.champion import champion_in_use, promote, read_champion, roll_back
from rl_assets.evaluation.promotion.decide import decide
from rl_assets.evaluation.promotion.nights import (
    earlier_nights,
    evidence_rows,
    night_table,
    publish_night,
    weigh_nights,
)
from rl_assets.evaluation.promotion.previous import previous_evidence, previous_rows, regret
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.promotion.selection import select
from rl_assets.evaluation.report.escaping import markdown_text
from rl_assets.evaluation.report.files import read_report, write_decision
from rl_assets.evaluation.review.labels import (
    Label,
    Row,
    landed_labels,
    newest_of_each,
    rows_of_epoch,
    shown_pairs,
    split_labels,
)
from rl_assets.evaluation.review.people import people_of
from rl_assets.evaluation.run.differences import read_differences
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.evaluation.schema.evidence import FALSE_PROMOTIONS, THRESHOLD, Evidence
from rl_assets.evaluation.schema.report import EvalReport, Role
from rl_assets.models.adapters import Adapter, read_adapter
from rl_assets.tables.decision_evidence import DECISION_EVIDENCE
from rl_assets.tables.records import FEEDBACK

YEAR = timedelta(days=365)
# The product and the segments write parts of one table, one at a time.
EVIDENCE_POOL = "decision_evidence"
LABELS_NAME_SHOWN_PAIRS = "labels_name_shown_pairs"
CHAMPION_IS_LIKED = "users_like_the_champion"
MAX_NAMED = 5


@table_asset(DECISION_EVIDENCE, deps=[eval_report], group="reports", kind="huggingface", pool=EVIDENCE_POOL)
def decision_evidence(context: dg.AssetExecutionContext, home: HomeResource) -> Results:
    """What each held-out cluster of prompts said of the adapter under decision, kept for the decisions of later nights.

    A night replaces its own rows. A run of a backfill keeps none: it looks at days that have been decided. Segments
    publish rows of their own into the same table.
    """
    yield from publish_evidence(context, home, None)


def publish_evidence(context: dg.AssetExecutionContext, home: HomeResource, segment: str | None) -> Results:
    """Publish what the report of each day of the run found, in place of what the same report found before."""

    def publish(day: str) -> PublishedDay:
        folder = home.paths.reports(day, segment)
        report, rows = read_report(folder), _rows_of_night(home.paths, day, segment)
        if BACKFILL in context.run.tags:
            asset = context.asset_key.to_user_string()
            context.log.info(f"a backfill keeps no evidence: materialize {asset} of the day alone for that")
            return PublishedDay("backfill", {"rows": "a backfill keeps none"})
        published = publish_night(home.lake, date.fromisoformat(day), segment, rows)
        return PublishedDay.of_table(published, epoch=report.primary.epoch, metric=report.primary.metric or "none")

    yield from publish_days(context, publish)


def _rows_of_night(paths: Home, day: str, segment: str | None) -> list[dict[str, Any]]:
    """Rows of DECISION_EVIDENCE for every role that may be promoted."""
    folder = paths.reports(day, segment)
    report, rows = read_report(folder), list[dict[str, Any]]()
    differences = read_differences(folder)
    previous = differences.pop("champion", [])
    rows += previous_rows(date.fromisoformat(day), read_champion(paths, segment), segment, previous)
    for role, found in differences.items():
        models = report.models[role].sha256, report.primary.against
        lineage = report.models[role].kind
        rows += evidence_rows(date.fromisoformat(day), report.primary, segment, lineage, models, found)
    return rows


def labels_check_spec(asset: str) -> dg.AssetCheckSpec:
    """The check of the labels that landed on the day of a decision."""
    states = "Every human label that landed on the day names a pair of the review queue, with the answers shown."
    return day_check(LABELS_NAME_SHOWN_PAIRS, asset, states)


def users_check_spec(asset: str) -> dg.AssetCheckSpec:
    """The check of a champion by the conversations of users who met it or the one before it."""
    return day_check(CHAMPION_IS_LIKED, asset, "Users do not like the previous champion better than today's.")


class PromotionConfig(dg.Config, PromotionRules):
    """When a candidate may replace the champion. With `parent_may_win` its parent adapter is a second candidate. With
    `auto_rollback` the previous champion is restored where users like it better; else a check asks for that."""

    parent_may_win: bool = False
    auto_rollback: bool = False


@dg.asset(
    partitions_def=days,
    deps=[eval_report, decision_evidence, review_queue, FEEDBACK.name],
    check_specs=[labels_check_spec("promotion_decision"), users_check_spec("promotion_decision")],
    group_name="reports",
    kinds={"json"},
    owners=MODEL_TEAM,
)
def promotion_decision(
    context: dg.AssetExecutionContext, home: HomeResource, config: PromotionConfig
) -> dg.MaterializeResult:
    """PROMOTE, CANARY, REJECT, HOLD or INSUFFICIENT, with reasons, by the evidence of all nights of the epoch.

    A promoted adapter of a newer day is the champion. A run of a backfill decides too, and leaves the champion alone.
    """
    return decide_night(context, home, config, None)


def decide_night(
    context: dg.AssetExecutionContext, home: HomeResource, config: PromotionConfig, segment: str | None
) -> dg.MaterializeResult:
    """Decide on the report of the day, write the decision next to it, and promote what it says."""
    day, paths = context.partition_key, home.paths
    report, champion = read_report(paths.reports(day, segment)), champion_in_use(paths, segment, day)
    roles: list[Role] = [report.decided]
    if config.parent_may_win and "parent" in report.models:
        roles.append("parent")
    threshold = THRESHOLD * len(roles)
    evidence = {role: evidence_of(home, report, segment, role, threshold, config.own_clusters) for role in roles}
    labels, strangers = labels_of(home, report, segment)
    people = {report.decided: people_of(*labels, threshold=threshold)} if labels[0] else {}
    decided = [decide(report, champion, config, evidence[role], role, people.get(role)) for role in roles]
    decisions = dict(zip(roles, select(decided), strict=True))
    role = next((role for role, decision in decisions.items() if decision.verdict == "PROMOTE"), roles[0])
    decision, kind = decisions[role], report.models[role].kind
    write_decision(report, decision, paths.reports(day, segment))
    for reason in decision.reasons:
        context.log.info(f"{decision.verdict}: {reason}")
    if of_backfill := BACKFILL in context.run.tags:
        asset = context.asset_key.to_user_string()
        context.log.info(f"a backfill promotes nothing: materialize {asset} of {day} alone for that")
    liked = liked_check(context, home, segment, config.auto_rollback and not of_backfill)
    may_promote = not of_backfill and (liked.passed or not config.auto_rollback)
    promoted = may_promote and promote(paths, decision, _adapter(paths, report, segment, role), segment)
    return dg.MaterializeResult(
        metadata=decision_metadata(decision, kind, promoted) | promotions_of_the_year(paths, day, segment),
        check_results=[labels_check(strangers), liked],
    )


def liked_check(
    context: dg.AssetExecutionContext, home: HomeResource, segment: str | None, may_roll_back: bool
) -> dg.AssetCheckResult:
    """Yellow if users like the previous champion better; then it is restored, if that is allowed."""
    day, champion = context.partition_key, read_champion(home.paths, segment)
    found = read_differences(home.paths.reports(day, segment)).get("champion", [])
    if champion is None or champion.previous is None or champion.day.isoformat() >= day:
        return dg.AssetCheckResult(check_name=CHAMPION_IS_LIKED, passed=True)
    evidence = previous_evidence(home.lake, champion, segment, date.fromisoformat(day), found)
    sentence = regret(evidence) if evidence.better else None
    if sentence and may_roll_back:
        removed, now = roll_back(home.paths, sentence, segment)
        context.log.warning(f"{removed.adapter} is rolled back; the champion is {now.adapter} of {now.day}. {sentence}")
    return dg.AssetCheckResult(
        check_name=CHAMPION_IS_LIKED,
        passed=sentence is None,
        severity=dg.AssetCheckSeverity.WARN,
        description=sentence
        and f"{sentence} {'It was restored.' if may_roll_back else 'Run rollback_champion with this as the reason.'}",
        metadata={"evidence": evidence.value, "conversations": evidence.clusters},
    )


def evidence_of(
    home: HomeResource, report: EvalReport, segment: str | None, role: Role, threshold: float, own_clusters: int
) -> Evidence:
    """Tonight's clusters, by the report, on top of those that the epoch's earlier nights recorded."""
    day, primary = date.fromisoformat(report.day), report.primary
    tonight = read_differences(home.paths.reports(report.day, segment)).get(role, [])
    earlier = earlier_nights(home.lake, primary, segment, report.models[role].kind, day)
    nights = pa.concat_tables([earlier, night_table(day, tonight)])
    return weigh_nights(nights, day, primary.metric == "judged_win_rate", threshold, own_clusters)


def labels_of(
    home: HomeResource, report: EvalReport, segment: str | None
) -> tuple[tuple[list[dict[str, Any]], list[Label]], list[Row]]:
    """The epoch's pairs with labels that landed by the report's day, and that day's labels of no pair ever shown."""
    day, lineage = date.fromisoformat(report.day), report.models[report.decided].kind
    rows = rows_of_epoch(home.lake, report.primary, segment, lineage, day)
    drawn = {row["pair_id"]: row for row in rows if row["drawn"]}
    events = landed_labels(home.lake, min([day, *(row["day"] for row in rows)]), day)
    labels, others = split_labels(newest_of_each(events), drawn)
    today = [event for event in others if event["day"] == day]
    shown = shown_pairs(home.lake, (event["interaction_id"] for event in today)) if today else {}
    return (rows, labels), split_labels(today, shown)[1]


def labels_check(strangers: Sequence[Row]) -> dg.AssetCheckResult:
    """Yellow if a label names a pair that was never shown, or answers that were not those of the pair."""
    names = sorted({event["interaction_id"] for event in strangers})
    return dg.AssetCheckResult(
        check_name=LABELS_NAME_SHOWN_PAIRS,
        passed=not names,
        severity=dg.AssetCheckSeverity.WARN,
        description=None
        if not names
        else f"{len(strangers)} labels are not counted: their pairs were never shown to people, or not with these "
        "answers. Label lines of review_queue.jsonl as they are, and change the verdict and the user_id alone. "
        f"The first: {', '.join(names[:MAX_NAMED])}",
        metadata={"not_counted": len(strangers)},
    )


def _adapter(paths: Home, report: EvalReport, segment: str | None, role: Role) -> Adapter:
    model = report.models[role]
    return read_adapter(paths.adapters(segment) / model.kind / str(model.inputs_hash))


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
        **({"people": decision.people.sentence(), "labels": decision.people.labels} if decision.people else {}),
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


def promotions_of_the_year(paths: Home, day: str, segment: str | None) -> dict[str, Any]:
    """How many champions the last year had, and how many of them may be no better: at most one epoch in twenty."""
    champion, today = read_champion(paths, segment), date.fromisoformat(day)
    history = champion.history() if champion else []
    promotions = sum(today - YEAR < entry.day <= today for entry in history)
    return {
        "promotions_of_the_year": promotions,
        "expected_false_promotions": f"at most {FALSE_PROMOTIONS * (promotions + 1):.2f}",
    }
