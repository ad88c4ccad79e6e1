"""Several candidates on one night: each is decided by itself, then corrected for having had several tries."""

from collections.abc import Sequence

from rl_assets.evaluation.schema.decision import Decision
from rl_assets.metrics.statistics import holm

ALPHA = 0.05


def select(decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions on candidates of one day with at most one PROMOTE left, in their order.

    A PROMOTE whose difference is not significant after Holm's correction over all measured candidates becomes HOLD;
    of several that are, the one with the largest difference stays, and the others HOLD for it. Raises ValueError
    for decisions of several days, or against different models.
    """
    if len({(decision.day, decision.against) for decision in decisions}) > 1:
        raise ValueError("decisions of different days or opponents cannot be corrected together")
    p_values = {
        row: found.difference.p
        for row, found in enumerate(decisions)
        if found.difference is not None and found.difference.p is not None
    }
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    corrected = [_corrected(found, adjusted.get(row)) for row, found in enumerate(decisions)]
    promoted = [
        (found.difference.mean, -row)
        for row, found in enumerate(corrected)
        if _promotes(found) and found.difference is not None
    ]
    if not promoted:
        return corrected
    best = -max(promoted)[1]
    reason = f"{decisions[best].candidate[:12]} is better still."
    return [_held(found, reason) if _promotes(found) and row != best else found for row, found in enumerate(corrected)]


def _promotes(decision: Decision) -> bool:
    return decision.verdict == "PROMOTE"


def _corrected(decision: Decision, p: float | None) -> Decision:
    if decision.verdict != "PROMOTE" or p is None or p < ALPHA:
        return decision
    return _held(decision, f"Among the candidates of this day the difference is not significant: p = {p:.3f} (Holm).")


def _held(decision: Decision, reason: str) -> Decision:
    return decision.model_copy(update={"verdict": "HOLD", "reasons": [*decision.reasons, reason]})
