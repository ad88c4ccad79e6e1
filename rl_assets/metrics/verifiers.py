"""Verifiers: whether an answer solves its task, by rule. A verifier parses the answer and never runs it."""

from collections.abc import Sequence
from typing import Any, Literal

from rl_assets.metrics.final_number import are_worked_solutions, same_number
from rl_assets.metrics.structured import follows_schema
from rl_assets.metrics.text import exact_match

Verifier = Literal["exact", "numeric", "json_schema"]


def solves(answer: str, references: Sequence[str], verifier: Verifier, schema: dict[str, Any] | None) -> float:
    """1.0 if the answer passes: it equals a reference, ends with a reference's number, or follows the schema."""
    if verifier == "json_schema":
        return float(follows_schema(answer, schema or {}))
    if verifier == "numeric":
        return float(any(same_number(answer, reference) for reference in references))
    return exact_match(answer, references)


def inferred(references: Sequence[str]) -> Verifier | None:
    """ "numeric" if every reference is a worked solution that ends with a marked number, else None."""
    return "numeric" if are_worked_solutions(references) else None
