"""The metric that decides, kept while an epoch lasts: one file a segment, written before any model answers.

An epoch is the time of one champion with one metric. A metric that was exchanged because another one looks better
would decide nothing, so a declared metric replaces that of an epoch only with a reason, which is recorded.
"""

from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from rl_assets.core.files import write_json
from rl_assets.core.validation import problems
from rl_assets.evaluation.schema.primary import Primary


def read_primary(path: Path) -> Primary | None:
    """The recorded choice, or None while there is none. Raises ValueError for a file that is none."""
    if not path.is_file():
        return None
    try:
        return Primary.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(
            f"{path} is no record of a metric: {problems(error)}. Restore it, or delete it to choose the metric anew."
        ) from error


def same_epoch(recorded: Primary | None, chosen: Primary) -> bool:
    """Whether the epoch of the recorded choice goes on: the same rows, champion and base, and where a judge or a reward
    model decides, the same judge with the same rubric, or the same reward model; and until served conversations
    decide, or another adapter is served or none."""
    return (
        recorded is not None
        and recorded.metric is not None
        and (recorded.against, recorded.base, recorded.rows) == (chosen.against, chosen.base, chosen.rows)
        and (recorded.metric != "judged_win_rate" or (recorded.judge, recorded.rubric) == (chosen.judge, chosen.rubric))
        and (recorded.metric != "reward_score" or recorded.reward_model == chosen.reward_model)
        and (recorded.metric != "served_reward" or recorded.canary == chosen.canary)
        and not _users_take_over(recorded, chosen)
    )


def _users_take_over(recorded: Primary, chosen: Primary) -> bool:
    """Whether users decide from now on: a metric that could ask for a canary alone has had what it asked for.

    This rests on how many conversations were rated, never on how, so it is no choice between results.
    """
    return recorded.strength != "PROMOTE" and recorded.metric != chosen.metric == "served_reward"


def primary_of_epoch(path: Path, choose: Callable[[], Primary], reason: str | None, keep: bool) -> Primary:
    """The metric of the running epoch; a new epoch takes what `choose` gives, and keeps it in the file.

    With `keep` False nothing is written, as for a backfill. Raises ValueError if another metric is declared in an
    epoch that has begun, and no reason is given.
    """
    recorded, chosen = read_primary(path), choose()
    if recorded is not None and same_epoch(recorded, chosen):
        if chosen.declared in ("auto", recorded.metric):
            kept = with_todays_judge(recorded, chosen)
            return _keep(path, kept, keep and recorded.day <= chosen.day and kept != recorded)
        if not reason:
            raise ValueError(
                f"Since {recorded.day} {recorded.metric} decides against this champion, and the recipe now declares "
                f"{chosen.declared}. Say why in `primary_reason`, or leave the metric until the next promotion."
            )
        chosen = chosen.model_copy(update={"switched": reason})
    return _keep(path, chosen, keep and (recorded is None or recorded.day <= chosen.day))


def with_todays_judge(recorded: Primary, chosen: Primary) -> Primary:
    """The choice of the epoch, with what its judge may lead to by all that people have said so far.

    A judge that was not validated when the epoch began may promote once it is, and one that lost what it had may not.
    """
    rung = next((rung for rung in chosen.rungs if rung.metric == recorded.metric == "judged_win_rate"), None)
    if rung is None:
        return recorded
    strength = rung.strength if rung.qualifies else None
    rungs = [rung if rung.metric == old.metric else old for old in recorded.rungs]
    return recorded.model_copy(update={"strength": strength, "why": rung.basis, "rungs": rungs})


def _keep(path: Path, primary: Primary, write: bool) -> Primary:
    if write:
        write_json(path, primary.model_dump(mode="json"))
    return primary
