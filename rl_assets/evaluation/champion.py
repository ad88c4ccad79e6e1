"""The champion: one small file that names the adapter in use, and the one before it."""

from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from rl_assets.evaluation.decision import Decision
from rl_assets.files import write_json
from rl_assets.training.adapters import Adapter, read_adapter

CHAMPION_FILE = "champion.json"


class Champion(BaseModel):
    """`adapter` is its folder in the home, `hash` the sha256 of its weights, `previous` one level deep."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    adapter: str
    hash: str
    day: date
    decision: Decision
    previous: "Champion | None" = None


def read_champion(home: Path) -> Champion | None:
    """The champion, or None while there is none. Raises ValueError for a file that is not one."""
    path = home / CHAMPION_FILE
    if not path.is_file():
        return None
    try:
        return Champion.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ValueError(
            f"{path} is not a champion file: {where}: {first['msg']}. "
            "Restore it from a backup, or delete it to start without a champion."
        ) from error


def champion_adapter(home: Path, champion: Champion) -> Adapter:
    """The champion's adapter, its weights checked against the file. Raises ValueError if they differ."""
    adapter = read_adapter(home / champion.adapter)
    if adapter.sha256 != champion.hash:
        raise ValueError(
            f"{home / champion.adapter} holds weights {adapter.sha256[:12]}, but {CHAMPION_FILE} promoted "
            f"{champion.hash[:12]}: restore the folder, or delete the champion file to start without one"
        )
    return adapter


def promote(home: Path, decision: Decision, adapter: Adapter) -> bool:
    """Make the adapter champion if the decision says so and its day is newer than the champion's: True.

    A backfill of old days therefore never demotes. Raises ValueError if the decision is about other weights.
    """
    if decision.candidate != adapter.sha256:
        raise ValueError(
            f"the decision is about {decision.candidate[:12]}, the adapter at {adapter.folder} "
            f"is {adapter.sha256[:12]}: decide again"
        )
    current = read_champion(home)
    day = date.fromisoformat(decision.day)
    if decision.verdict != "PROMOTE" or (current is not None and day <= current.day):
        return False
    entry = Champion(
        adapter=adapter.folder.resolve().relative_to(home.resolve()).as_posix(),
        hash=adapter.sha256,
        day=day,
        decision=decision,
        previous=current.model_copy(update={"previous": None}) if current else None,
    )
    write_json(home / CHAMPION_FILE, entry.model_dump(mode="json"))
    return True
