"""The champion: one small file that names the adapter in use, those before it, and those rolled back.

The product has one, and so has each segment of which an adapter was promoted. A segment is given by its name; None is
the product.
"""

from datetime import date

from pydantic import BaseModel, ConfigDict, ValidationError

from rl_assets.core.files import write_json
from rl_assets.core.home import Home
from rl_assets.core.validation import problems
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.models.adapters import Adapter, read_adapter

KEPT = 20


class RolledBack(BaseModel):
    """A champion that a person rolled back; its weights are not promoted again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    adapter: str
    hash: str
    day: date
    reason: str


class Champion(BaseModel):
    """`adapter` is its folder in the home, `hash` the sha256 of its weights, `previous` the champion before it.

    `previous` is a chain of at most KEPT champions, and `rolled_back` the newest KEPT that were rolled back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    adapter: str
    hash: str
    day: date
    decision: Decision
    previous: "Champion | None" = None
    rolled_back: list[RolledBack] = []

    def history(self) -> list["Champion"]:
        """This champion and those before it, the newest first."""
        return [self, *(self.previous.history() if self.previous else [])]

    def rolled_back_reason(self, weights: str) -> str | None:
        """Why an adapter with these weights was rolled back; None if it never was."""
        return next((entry.reason for entry in self.rolled_back if entry.hash == weights), None)


def read_champion(home: Home, segment: str | None = None) -> Champion | None:
    """The champion, or None while there is none. Raises ValueError for a file that is not one."""
    path = home.champion(segment)
    if not path.is_file():
        return None
    try:
        return Champion.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(
            f"{path} is not a champion file: {problems(error)}. "
            "Restore it from a backup, or delete it to start without a champion."
        ) from error


def champion_in_use(home: Home, segment: str | None, day: str) -> Champion | None:
    """What answers on a day: the champion, or for a segment without one of its own that of the product.

    The product's counts from the day after its promotion, so it does not matter which of a night's decisions is first.
    """
    own = read_champion(home, segment)
    if own is not None or segment is None:
        return own
    product = read_champion(home)
    before = (entry for entry in product.history() if entry.day < date.fromisoformat(day)) if product else ()
    return next(iter(before), None)


def champion_adapter(home: Home, champion: Champion) -> Adapter:
    """The champion's adapter, its weights checked against the file. Raises ValueError if they differ."""
    adapter = read_adapter(home.folder / champion.adapter)
    if adapter.sha256 != champion.hash:
        raise ValueError(
            f"{home.folder / champion.adapter} holds weights {adapter.sha256[:12]}, but the champion file promoted "
            f"{champion.hash[:12]}: restore the folder, or delete the champion file to start without one"
        )
    return adapter


def promote(home: Home, decision: Decision, adapter: Adapter, segment: str | None = None) -> bool:
    """Make the adapter champion if the decision says so and its day is newer than the champion's: True.

    A backfill of old days therefore never demotes, and what was rolled back does not come back. Raises ValueError
    if the decision is about other weights.
    """
    if decision.candidate != adapter.sha256:
        raise ValueError(
            f"the decision is about {decision.candidate[:12]}, the adapter at {adapter.folder} "
            f"is {adapter.sha256[:12]}: decide again"
        )
    current = read_champion(home, segment)
    day = date.fromisoformat(decision.day)
    if decision.verdict != "PROMOTE" or (current is not None and day <= current.day):
        return False
    if current is not None and current.rolled_back_reason(adapter.sha256):
        return False
    entry = Champion(
        adapter=adapter.folder.resolve().relative_to(home.folder.resolve()).as_posix(),
        hash=adapter.sha256,
        day=day,
        decision=decision,
        previous=_shortened(current, KEPT - 1) if current else None,
        rolled_back=current.rolled_back if current else [],
    )
    _write(home, entry, segment)
    return True


def roll_back(home: Home, reason: str, segment: str | None = None) -> tuple[RolledBack, Champion]:
    """Point to the previous champion; returns what was rolled back, and the champion now.

    Raises ValueError if there is none before it, or the weights of the one before are not what was promoted.
    """
    current = read_champion(home, segment)
    if current is None or current.previous is None:
        raise ValueError(
            f"{home.champion(segment)} names no previous champion: nothing to roll back to. "
            "Delete the file to start without a champion."
        )
    champion_adapter(home, current.previous)
    removed = RolledBack(adapter=current.adapter, hash=current.hash, day=current.day, reason=reason)
    rolled_back = [removed, *(entry for entry in current.rolled_back if entry.hash != removed.hash)]
    entry = current.previous.model_copy(update={"rolled_back": rolled_back[:KEPT]})
    _write(home, entry, segment)
    return removed, entry


def _shortened(champion: Champion, length: int) -> Champion:
    """The champion with a chain of at most `length`; what was rolled back is kept with the newest alone."""
    before = _shortened(champion.previous, length - 1) if champion.previous and length > 1 else None
    return champion.model_copy(update={"previous": before, "rolled_back": []})


def _write(home: Home, champion: Champion, segment: str | None) -> None:
    write_json(home.champion(segment), champion.model_dump(mode="json"))
