"""Whether users like the previous champion better than today's: the bet on served conversations, turned round.

A promotion is right with a known probability, and products change. While the previous champion is served beside the
new one, their conversations are evidence of their own, whatever metric decides on new adapters.
"""

from datetime import date
from typing import Any

import pyarrow as pa

from rl_assets.evaluation.promotion.champion import Champion
from rl_assets.evaluation.promotion.nights import earlier_nights, evidence_rows, night_table, weigh_nights
from rl_assets.evaluation.schema.evidence import ClusterDifference, Evidence
from rl_assets.evaluation.schema.primary import Primary
from rl_assets.lake.delta import Lake

# Beside the kinds of adapters, which are the lineages of new ones.
LINEAGE = "previous"


def rollback_question(champion: Champion) -> Primary:
    """The epoch of the question: one champion against the one before it, by users."""
    return Primary(
        declared="served_reward",
        metric="served_reward",
        strength=None,
        day=champion.day.isoformat(),
        against=champion.hash,
        base="",
        judge=None,
        why="both are served",
        rungs=[],
    )


def previous_rows(
    day: date, champion: Champion | None, segment: str | None, found: list[ClusterDifference]
) -> list[dict[str, Any]]:
    """A night's conversations as rows of DECISION_EVIDENCE; none without a champion before this one."""
    if champion is None or champion.previous is None:
        return []
    models = champion.previous.hash, champion.hash
    return evidence_rows(day, rollback_question(champion), segment, LINEAGE, models, found)


def counted_before(lake: Lake, champion: Champion, segment: str | None, day: date) -> pa.Table:
    """The conversations that earlier nights counted."""
    return earlier_nights(lake, rollback_question(champion), segment, LINEAGE, day)


def previous_evidence(
    lake: Lake, champion: Champion, segment: str | None, day: date, found: list[ClusterDifference]
) -> Evidence:
    """The evidence that users like the previous champion better, tonight's conversations included."""
    nights = [counted_before(lake, champion, segment, day), night_table(day, found)]
    return weigh_nights(pa.concat_tables(nights), day, judged=False)


def regret(evidence: Evidence) -> str:
    """What the conversations say, as the reason of a rollback."""
    return (
        f"Users like the previous champion better: {evidence.mean or 0.0:+.3f} on {evidence.clusters:,} conversations, "
        f"evidence {evidence.value:,.3g} of {evidence.threshold:g}."
    )
