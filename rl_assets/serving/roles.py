"""Which adapters fill the roles of a segment: its champion, the champion before it, and the canary beside it.

The files that the evaluation wrote say so; no weights are read here. That they are what was promoted is checked before
a server is given them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from rl_assets.core.home import Home
from rl_assets.core.validation import problems
from rl_assets.evaluation.promotion.champion import Champion, read_champion
from rl_assets.evaluation.report.files import read_report
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.models.adapters import Adapter, read_manifest
from rl_assets.serving.names import content_name

DAY_PATTERN = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"


@dataclass(frozen=True)
class ServedAdapter:
    """An adapter and the name under which servers know it."""

    name: str
    adapter: Adapter


@dataclass(frozen=True)
class SegmentRoles:
    """The adapters of a segment by role; `notes` say in a sentence what was dropped and why."""

    champion: ServedAdapter | None = None
    canary: ServedAdapter | None = None
    previous: ServedAdapter | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def filled(self) -> dict[str, ServedAdapter]:
        """The roles that an adapter fills."""
        every = {"champion": self.champion, "canary": self.canary, "previous": self.previous}
        return {role: served for role, served in every.items() if served is not None}


def read_roles(home: Home, segment: str | None = None) -> SegmentRoles:
    """The roles of a segment, or of the product. A segment without a champion of its own has the product's.

    FileNotFoundError if the champion's folder is gone; ValueError for a champion or decision file that cannot be read.
    """
    owner = segment if segment and read_champion(home, segment) else None
    champion = read_champion(home, owner)
    canary, canary_notes = _canary_or_note(home, segment, champion)
    if champion is None:
        return SegmentRoles(canary=canary, notes=canary_notes)
    leading = _served(home.folder / champion.adapter, champion.hash, owner)
    previous, notes = _previous(home, champion, leading, owner)
    return SegmentRoles(leading, canary, previous, canary_notes + notes)


def _served(folder: Path, sha256: str, segment: str | None) -> ServedAdapter:
    """The adapter that a file names by folder and hash; its weights are not read."""
    manifest = read_manifest(folder)
    adapter = Adapter(
        kind=manifest.kind,
        folder=folder,
        sha256=sha256,
        inputs_hash=folder.name,
        base_sha256=manifest.base.sha256,
        day=manifest.day,
        manifest=manifest,
        trained=False,
    )
    return ServedAdapter(content_name(adapter, segment), adapter)


def _previous(
    home: Home, champion: Champion, leading: ServedAdapter, segment: str | None
) -> tuple[ServedAdapter | None, tuple[str, ...]]:
    """The champion before this one, unless it cannot be served beside it."""
    entry = champion.previous
    if entry is None or entry.hash == champion.hash:
        return None, ()
    try:
        previous = _served(home.folder / entry.adapter, entry.hash, segment)
    except FileNotFoundError:
        return None, (f"The previous champion {entry.adapter} is not served: its folder is gone.",)
    if previous.adapter.base_sha256 != leading.adapter.base_sha256:
        return None, (f"The previous champion {entry.adapter} is not served: it belongs to another base model.",)
    return previous, ()


def _canary_or_note(
    home: Home, segment: str | None, champion: Champion | None
) -> tuple[ServedAdapter | None, tuple[str, ...]]:
    """The canary, unless its folder or report is gone, which keeps no champion from being served."""
    try:
        return _canary(home, segment, champion), ()
    except FileNotFoundError as error:
        return None, (f"The canary is not served: {error}",)


def _canary(home: Home, segment: str | None, champion: Champion | None) -> ServedAdapter | None:
    """The adapter for which the newest CANARY asks, unless something later settled it.

    That is a promotion of the same day or later, a rejection of the same weights, or a rollback of them.
    """
    rejected: set[str] = set()
    for decision, folder in _decisions(home, segment):
        if champion and decision.day <= champion.day.isoformat():
            return None
        if decision.verdict == "REJECT":
            rejected.add(decision.candidate)
        if decision.verdict == "CANARY":
            settled = champion and (
                champion.hash == decision.candidate or champion.rolled_back_reason(decision.candidate)
            )
            return None if settled or decision.candidate in rejected else _of_report(home, segment, decision, folder)
    return None


def _decisions(home: Home, segment: str | None) -> Iterator[tuple[Decision, Path]]:
    """Decisions on the segment with the folders of their reports, the newest first."""
    for day in sorted((path.name for path in home.reports().glob(DAY_PATTERN)), reverse=True):
        folder = home.reports(day, segment)
        file = folder / "decision.json"
        if not file.is_file():
            continue
        try:
            yield Decision.model_validate_json(file.read_bytes()), folder
        except ValidationError as error:
            raise ValueError(
                f"{file} is no decision of this version: {problems(error)}. Materialize the decision of that day again."
            ) from error


def _of_report(home: Home, segment: str | None, decision: Decision, folder: Path) -> ServedAdapter:
    """The adapter that the decision is about, which its report names by kind and inputs."""
    model = read_report(folder).models.get(decision.role)
    if model is None or model.sha256 != decision.candidate:
        raise ValueError(
            f"{folder / 'decision.json'} asks for a canary of {decision.candidate[:12]}, which its report does not "
            "have: materialize the decision of that day again."
        )
    return _served(home.adapters(segment) / model.kind / str(model.inputs_hash), model.sha256, segment)
