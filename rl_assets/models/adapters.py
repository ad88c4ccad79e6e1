"""Adapter folders: named by the hash of their inputs, whole once their manifest lies in them, found by kind and day."""

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rl_assets.core.files import sha256_file, sha256_json, write_json

WEIGHTS = "adapter_model.safetensors"
MANIFEST = "manifest.json"
CHECKPOINTS = "checkpoints"
# Raised when training code changes so that equal inputs give other weights.
TRAINING_VERSION = 1


@dataclass(frozen=True)
class Adapter:
    """A trained adapter; `trained` is False where it had existed already and nothing was trained."""

    kind: str
    folder: Path
    sha256: str
    inputs_hash: str
    base_sha256: str
    day: str
    manifest: dict[str, Any]
    trained: bool


@dataclass(frozen=True)
class AdapterInputs:
    """Everything that decides an adapter's weights. A dataset's day is not among it, its content is."""

    kind: str
    base_name: str
    base_sha256: str
    parent_sha256: str | None
    dataset_name: str
    dataset_sha256: str
    recipe_hash: str
    seed: int
    training_version: int
    reward_model_sha256: str | None = None

    @property
    def hash(self) -> str:
        """20 hex digits: the adapter folder's name."""
        return sha256_json(asdict(self))[:20]


def read_dataset_manifest(dataset: Path) -> dict[str, Any]:
    """The dataset's manifest; FileNotFoundError where it was never published or its publication was interrupted."""
    path = dataset / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"The dataset {dataset} has no {MANIFEST}, so it was not published: materialize it.")
    return json.loads(path.read_text(encoding="utf-8"))


def read_adapter(folder: Path) -> Adapter:
    """The whole adapter in `folder`; FileNotFoundError where training was interrupted, ValueError where altered."""
    if not is_whole(folder):
        raise FileNotFoundError(f"The adapter {folder} has no {MANIFEST}: its training was interrupted; run it again.")
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    found = sha256_file(folder / WEIGHTS)
    if found != manifest["sha256"]:
        raise ValueError(
            f"{folder / WEIGHTS} has sha256 {found}, its manifest says {manifest['sha256']}: the file was altered. "
            "Remove the folder and train again."
        )
    return Adapter(
        kind=manifest["kind"],
        folder=folder,
        sha256=found,
        inputs_hash=folder.name,
        base_sha256=manifest["base"]["sha256"],
        day=manifest["day"],
        manifest=manifest,
        trained=False,
    )


def is_whole(folder: Path) -> bool:
    """Whether training ended there: the manifest is written last."""
    return (folder / MANIFEST).is_file()


def existing_adapter(folder: Path, kind: str, day: str) -> Adapter | None:
    """The whole adapter of these inputs, if there is one, now also used for `day`."""
    if not is_whole(folder):
        return None
    adapter = replace(read_adapter(folder), day=day)
    point_day(folder.parent.parent, kind, day, adapter.inputs_hash)
    return adapter


def point_day(adapters: Path, kind: str, day: str, inputs_hash: str) -> None:
    """Record which adapter the day uses: adapters/<kind>/days/<day>.json."""
    write_json(_pointer(adapters, kind, day), {"inputs_hash": inputs_hash})


def newest_adapter(adapters: Path, kind: str, day: str) -> Adapter | None:
    """The adapter that `day` uses, or None where that day's asset has not ended."""
    pointer = _pointer(adapters, kind, day)
    if not pointer.is_file():
        return None
    inputs_hash = json.loads(pointer.read_text(encoding="utf-8"))["inputs_hash"]
    return replace(read_adapter(adapters / kind / inputs_hash), day=day)


def _pointer(adapters: Path, kind: str, day: str) -> Path:
    return adapters / kind / "days" / f"{day}.json"


def publish(folder: Path, manifest: dict[str, Any]) -> Adapter:
    """Make `folder` with its weights, configuration and card a whole adapter: manifest last, no checkpoints."""
    write_json(folder / MANIFEST, manifest | {"sha256": sha256_file(folder / WEIGHTS)})
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    point_day(folder.parent.parent, manifest["kind"], manifest["day"], folder.name)
    return replace(read_adapter(folder), trained=True)
