"""Adapters that learned from the erased: weights cannot forget, so they are named and marked."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from rl_assets.core.files import write_json
from rl_assets.core.home import Home
from rl_assets.datasets.ledger import HOLDS
from rl_assets.evaluation.promotion.champion import read_champion
from rl_assets.governance.folders import HeldRows
from rl_assets.models.adapters import MANIFEST, AdapterManifest, read_manifest

MARK = "erased.json"
Why = Literal["rows", "perhaps", "parent"]


@dataclass(frozen=True)
class TaintedAdapter:
    """`why`: it learned from `rows` rows of the erased; or perhaps, since its dataset has been rebuilt since then; or
    it goes on from an adapter that did.
    """

    folder: str
    segment: str | None
    kind: str
    day: str
    dataset: str
    rows: int
    why: Why
    sha256: str


def tainted_adapters(home: Home, held: Sequence[HeldRows], first_day: date | None) -> list[TaintedAdapter]:
    """Every adapter of `home` that learned from the rows `held`, or goes on from one that did, by folder.

    `first_day` is when the first of the erased landed: a dataset of an earlier day cannot have held it.
    """
    manifests = {path.parent: read_manifest(path.parent) for path in sorted(home.adapters().glob(f"**/{MANIFEST}"))}
    known = {(one.name, one.sha256): one for one in held}
    tainted = {
        folder: found
        for folder, manifest in manifests.items()
        if (found := _own(home, folder, manifest, known, first_day))
    }
    while children := {
        folder: _tainted(home, folder, manifest, 0, "parent")
        for folder, manifest in manifests.items()
        if folder not in tainted and _parents(manifest) & {found.sha256 for found in tainted.values()}
    }:
        tainted |= children
    return [tainted[folder] for folder in sorted(tainted)]


def mark(home: Home, adapters: Iterable[TaintedAdapter], erasure: str) -> None:
    """Leave a note in each adapter's folder; what an earlier erasure found there stays."""
    for adapter in adapters:
        path = home.folder / adapter.folder / MARK
        before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
        write_json(path, [*before, {"erasure": erasure, **asdict(adapter)}])


def champion_is_among(home: Home, adapters: Iterable[TaintedAdapter]) -> bool:
    """Whether the adapter in use is one of them."""
    champion = read_champion(home)
    return champion is not None and champion.hash in {adapter.sha256 for adapter in adapters}


def _own(
    home: Home, folder: Path, manifest: AdapterManifest, held: dict[tuple[str, str], HeldRows], first_day: date | None
) -> TaintedAdapter | None:
    used = manifest.dataset
    dataset = held.get((used.name, used.sha256))
    if dataset is not None:
        return _tainted(home, folder, manifest, dataset.learned_from, "rows") if dataset.learned_from else None
    may_have_held = used.name in HOLDS and first_day is not None and first_day <= date.fromisoformat(used.day)
    return _tainted(home, folder, manifest, 0, "perhaps") if may_have_held else None


def _tainted(home: Home, folder: Path, manifest: AdapterManifest, rows: int, why: Why) -> TaintedAdapter:
    place, used = folder.relative_to(home.folder), manifest.dataset
    # adapters/<kind>/<hash>, or adapters/<segment>/<kind>/<hash>
    segment = place.parts[1] if len(place.parts) == 4 else None
    return TaintedAdapter(place.as_posix(), segment, manifest.kind, manifest.day, used.name, rows, why, manifest.sha256)


def _parents(manifest: AdapterManifest) -> set[str]:
    return {reference.sha256 for reference in (manifest.parent, manifest.reward_model) if reference}
