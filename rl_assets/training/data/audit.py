"""The audit of what will be trained on: every row must train its end of turn, or the model never learns to stop."""

from collections.abc import Iterable, Sequence

from rl_assets.models.adapters import Check
from rl_assets.training.errors import UntrainableRows


def audit_end_of_turn(trained: Iterable[Sequence[int]], end_of_turn: frozenset[int]) -> Check:
    """The measured share of rows whose loss covers their end of turn; UntrainableRows, with the check, below 1.

    `trained` holds the token ids that enter the loss, one sequence per row.
    """
    covered = [bool(end_of_turn.intersection(tokens)) for tokens in trained]
    share = sum(covered) / len(covered) if covered else 0.0
    check = Check(
        name="end_of_turn_is_trained",
        passed=share == 1.0,
        value=share,
        limit=1.0,
        what=f"share of {len(covered)} rows whose loss covers the end of turn",
        severity="error",
    )
    if check.passed:
        return check
    missing = [number for number, is_covered in enumerate(covered) if not is_covered]
    raise UntrainableRows(
        f"{len(missing)} of {len(covered)} rows (first: {missing[:5]}) train no end-of-turn token "
        f"{sorted(end_of_turn)}: the model would never learn to stop. Use a tokenizer whose chat template ends a turn "
        "with its eos token.",
        check,
    )


def trained_tokens(labels: Iterable[Sequence[int]]) -> Iterable[list[int]]:
    """The token ids of each row that enter the loss: labels below 0 do not."""
    return ([token for token in row if token >= 0] for row in labels)
