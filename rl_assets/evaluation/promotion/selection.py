"""One of several decisions of a night: at most one adapter is promoted."""

from collections.abc import Sequence

from rl_assets.evaluation.schema.decision import Decision


def select(decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions on several adapters with at most one PROMOTE left, in their order: that with the most evidence.

    Raises ValueError for decisions of several days, or against different models.
    """
    if len({(decision.day, decision.against) for decision in decisions}) > 1:
        raise ValueError("decisions of different days or opponents cannot be compared")
    promoted = [
        (decision.evidence.value, -row)
        for row, decision in enumerate(decisions)
        if decision.verdict == "PROMOTE" and decision.evidence is not None
    ]
    if not promoted:
        return list(decisions)
    best = -max(promoted)[1]
    reason = f"{decisions[best].candidate[:12]} is better still."
    return [
        _held(decision, reason) if decision.verdict == "PROMOTE" and row != best else decision
        for row, decision in enumerate(decisions)
    ]


def _held(decision: Decision, reason: str) -> Decision:
    return decision.model_copy(update={"verdict": "HOLD", "reasons": [*decision.reasons, reason]})
