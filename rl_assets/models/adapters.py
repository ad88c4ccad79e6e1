"""Adapter folders: named by the hash of their inputs, complete with their manifest, listed by kind and day.

The manifest is written and read here alone. Loading weights into memory is `models/loading.py`.
"""

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from rl_assets.core.files import sha256_file, sha256_json, write_json

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
MANIFEST = "manifest.json"
CHECKPOINTS = "checkpoints"
# Raised when training code changes so that equal inputs give other weights.
TRAINING_VERSION = 1
# The folder of reward models that check the product's one.
SECOND_REWARD_MODEL = "second_reward_model"

AdapterKind = Literal["sft", "dpo", "kto", "grpo", "ppo", "reward"]


class _Record(BaseModel):
    """A part of a manifest. Keys of other versions are ignored; losses may be no finite number."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")


class Check(_Record):
    """One thing that must hold for an adapter: the value that its own run gave, and the limit it is held to."""

    name: str
    passed: bool
    value: float
    limit: float
    what: str
    severity: Literal["error", "warn"]


class BaseReference(_Record):
    """The base model that an adapter belongs to; `source` is where it came from, if its folder says so."""

    name: str
    sha256: str
    license: str = "unknown"
    source: str | None = None


class AdapterReference(_Record):
    """The adapter that a training continued, or the reward model that scored its answers."""

    inputs_hash: str
    sha256: str


class DatasetReference(_Record):
    """The published dataset, how many of its rows were used, dropped by reason, and had old turns cut.

    `adapted` counts rows that were used although the chat template does not serve them as they are.
    """

    name: str
    day: str
    sha256: str
    used: int
    dropped: dict[str, int]
    cut: int
    adapted: dict[str, int] = {}


class TrainingMetrics(_Record):
    """Metrics of the training itself. `loss_curve` holds (step, loss, learning rate)."""

    steps: int
    resumed_from_step: int | None
    tokens: int
    wall_s: float
    device: str
    peak_memory_bytes: int
    loss_curve: list[tuple[int, float, float]]


class AdapterManifest(TrainingMetrics):
    """Where an adapter comes from, what its training measured, and which checks it passed.

    `sha256` is that of the weights, `chat_template_sha256` that of the template that rendered the rows, with the
    recipe's rules. The optional fields are those of single kinds and methods of training.
    """

    kind: AdapterKind
    day: str
    sha256: str
    base: BaseReference
    parent: AdapterReference | None
    reward_model: AdapterReference | None = None
    dataset: DatasetReference
    # Not a Recipe: what older versions of this project trained stays readable when recipe keys change.
    recipe: dict[str, Any]
    chat_template_sha256: str | None = None
    recipe_hash: str
    seed: int
    training_version: int
    versions: dict[str, str]
    checks: dict[str, Check]
    created_at: str
    preferences: dict[str, Any] | None = None
    label_weights: dict[str, float] | None = None
    held_out: dict[str, float] | None = None
    method: str | None = None
    logging_policy: str | None = None
    reward_funcs: list[str] = []
    # Of prompts held out, what the answers of policy and parent say of a reward that may have been gamed.
    gaming: dict[str, Any] | None = None
    # Of the rollouts: what each measured, the scale of a learned reward, and the last beta.
    ppo: dict[str, Any] | None = None

    @property
    def failed_checks(self) -> list[Check]:
        """The checks of severity "error" that it failed."""
        return [check for check in self.checks.values() if check.severity == "error" and not check.passed]


@dataclass(frozen=True)
class Adapter:
    """A trained adapter; `trained` is False if it existed already and nothing was trained."""

    kind: AdapterKind
    folder: Path
    sha256: str
    inputs_hash: str
    base_sha256: str
    day: str
    manifest: AdapterManifest
    trained: bool


@dataclass(frozen=True)
class AdapterInputs:
    """Everything that decides an adapter's weights. A dataset's day is not among it, its content is."""

    kind: AdapterKind
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


def read_manifest(folder: Path) -> AdapterManifest:
    """The manifest of the adapter in `folder`; FileNotFoundError if its training was interrupted."""
    if not is_complete(folder):
        raise FileNotFoundError(f"The adapter {folder} has no {MANIFEST}: its training was interrupted; run it again.")
    return AdapterManifest.model_validate_json((folder / MANIFEST).read_bytes())


def read_adapter(folder: Path) -> Adapter:
    """The adapter in `folder`; FileNotFoundError if its training was interrupted, ValueError if it was altered."""
    manifest = read_manifest(folder)
    weights = sha256_file(folder / WEIGHTS)
    if weights != manifest.sha256:
        raise ValueError(
            f"{folder / WEIGHTS} has sha256 {weights}, its manifest says {manifest.sha256}: the file was altered. "
            "Remove the folder and train again."
        )
    return Adapter(
        kind=manifest.kind,
        folder=folder,
        sha256=weights,
        inputs_hash=folder.name,
        base_sha256=manifest.base.sha256,
        day=manifest.day,
        manifest=manifest,
        trained=False,
    )


def is_complete(folder: Path) -> bool:
    """Whether training ended there: the manifest is written last."""
    return (folder / MANIFEST).is_file()


def existing_adapter(folder: Path, kind: str, day: str) -> Adapter | None:
    """The complete adapter of these inputs, if there is one, now also used for `day`."""
    if not is_complete(folder):
        return None
    adapter = replace(read_adapter(folder), day=day)
    point_day(folder.parent.parent, kind, day, adapter.inputs_hash)
    return adapter


def point_day(adapters: Path, kind: str, day: str, inputs_hash: str) -> None:
    """Record which adapter the day uses: adapters/<kind>/days/<day>.json."""
    write_json(_pointer(adapters, kind, day), {"inputs_hash": inputs_hash})


def newest_adapter(adapters: Path, kind: str, day: str) -> Adapter | None:
    """The adapter that `day` uses, or None while that day's asset has not ended."""
    pointer = _pointer(adapters, kind, day)
    if not pointer.is_file():
        return None
    inputs_hash = json.loads(pointer.read_text(encoding="utf-8"))["inputs_hash"]
    return replace(read_adapter(adapters / kind / inputs_hash), day=day)


def newest_adapter_before(adapters: Path, kind: str, day: str) -> Adapter | None:
    """The adapter that the latest day before `day` uses; None if there is none."""
    days = sorted(path.stem for path in (adapters / kind / "days").glob("*.json") if path.stem < day)
    return newest_adapter(adapters, kind, days[-1]) if days else None


def _pointer(adapters: Path, kind: str, day: str) -> Path:
    return adapters / kind / "days" / f"{day}.json"


def publish(folder: Path, manifest: AdapterManifest) -> Adapter:
    """Make `folder` with its weights, configuration and card a complete adapter: manifest last, no checkpoints.

    The hash of the weights is that of the file in `folder`, whatever `manifest` holds.
    """
    hashed = manifest.model_copy(update={"sha256": sha256_file(folder / WEIGHTS)})
    write_json(folder / MANIFEST, hashed.model_dump(mode="json", exclude_unset=True))
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    point_day(folder.parent.parent, hashed.kind, hashed.day, folder.name)
    return replace(read_adapter(folder), trained=True)
