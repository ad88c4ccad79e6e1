"""Adapters that learned from the erased: weights cannot forget, so these are reported and marked."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from rl_assets.core.files import write_json
from rl_assets.core.home import Home
from rl_assets.datasets.ledger import HOLDS
from rl_assets.evaluation.promotion.champion import read_champion
from rl_assets.governance.dataset_folders import HeldRows
from rl_assets.models.adapters import MANIFEST, AdapterManifest, read_manifest

MARK = "erased.json"
Reason = Literal["rows", "possibly", "parent"]
Datasets = dict[tuple[str, str], HeldRows]


class AffectedAdapter(BaseModel):
    """An adapter that learned from the erased.

    `reason`: it learned from `rows` rows of the erased; or possibly, since its dataset has been rebuilt since then; or
    it continues from an adapter that did.
    """

    model_config = ConfigDict(frozen=True)

    folder: str
    segment: str | None
    kind: str
    day: str
    dataset: str
    rows: int
    reason: Reason
    sha256: str


def affected_adapters(home: Home, held: Sequence[HeldRows], first_day: date | None) -> list[AffectedAdapter]:
    """Every adapter of `home` that learned from the rows `held`, or continues from one that did, by folder.

    `first_day` is when the first of the erased landed: a dataset of an earlier day cannot have held it.
    """
    manifests = {path.parent: read_manifest(path.parent) for path in sorted(home.adapters().glob(f"**/{MANIFEST}"))}
    datasets = {(dataset.name, dataset.sha256): dataset for dataset in held}
    affected = {
        folder: adapter
        for folder, manifest in manifests.items()
        if (adapter := _affected_by_dataset(home, folder, manifest, datasets, first_day))
    }
    while children := {
        folder: _affected(home, folder, manifest, 0, "parent")
        for folder, manifest in manifests.items()
        if folder not in affected and _parents(manifest) & {adapter.sha256 for adapter in affected.values()}
    }:
        affected |= children
    return [affected[folder] for folder in sorted(affected)]


def mark_adapters(home: Home, adapters: Iterable[AffectedAdapter], erasure: str) -> None:
    """Write a note into each adapter's folder; notes of earlier erasures stay."""
    for adapter in adapters:
        path = home.folder / adapter.folder / MARK
        earlier = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
        write_json(path, [*earlier, {"erasure": erasure, **adapter.model_dump()}])


def champion_is_affected(home: Home, adapters: Iterable[AffectedAdapter]) -> bool:
    """Whether an adapter in use, of the product or of a segment, is one of `adapters`."""
    champions = (read_champion(home, segment) for segment in (None, *home.segments_with_champion()))
    in_use = {champion.hash for champion in champions if champion}
    return not in_use.isdisjoint(adapter.sha256 for adapter in adapters)


def _affected_by_dataset(
    home: Home, folder: Path, manifest: AdapterManifest, datasets: Datasets, first_day: date | None
) -> AffectedAdapter | None:
    used = manifest.dataset
    dataset = datasets.get((used.name, used.sha256))
    if dataset is not None:
        return _affected(home, folder, manifest, dataset.learned_from, "rows") if dataset.learned_from else None
    may_have_held = used.name in HOLDS and first_day is not None and first_day <= date.fromisoformat(used.day)
    return _affected(home, folder, manifest, 0, "possibly") if may_have_held else None


def _affected(home: Home, folder: Path, manifest: AdapterManifest, rows: int, reason: Reason) -> AffectedAdapter:
    path, used = folder.relative_to(home.folder), manifest.dataset
    # adapters/<kind>/<hash>, or adapters/<segment>/<kind>/<hash>
    segment = path.parts[1] if len(path.parts) == 4 else None
    return AffectedAdapter(
        folder=path.as_posix(),
        segment=segment,
        kind=manifest.kind,
        day=manifest.day,
        dataset=used.name,
        rows=rows,
        reason=reason,
        sha256=manifest.sha256,
    )


def _parents(manifest: AdapterManifest) -> set[str]:
    return {reference.sha256 for reference in (manifest.parent, manifest.reward_model) if reference}
