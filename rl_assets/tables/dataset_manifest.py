"""The manifest of a published dataset: what its folder holds, what it was built from, and what the checks observed."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from rl_assets.core.files import write_json

MANIFEST = "manifest.json"


class CheckResult(BaseModel):
    """The observed value of a check and whether it lies in range."""

    model_config = ConfigDict(frozen=True)

    passed: bool
    observed: float


class DatasetManifest(BaseModel):
    """Written last into a dataset's folder: a folder without one was interrupted.

    `candidates = selected + sum(dropped)`. `rows` is counted by split; `inputs` holds content hashes by table and day;
    `sources` counts the rows by whose rewards or scores they hold.
    `answer_outcomes` counts the answers of the window by `selected` or the reason why the dataset holds none of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    day: str
    rows: dict[str, int]
    sha256: str
    inputs: dict[str, dict[str, str]]
    builder_version: str
    configuration: dict[str, Any]
    candidates: int
    selected: int
    dropped: dict[str, int]
    metrics: dict[str, int | float | None]
    answer_outcomes: dict[str, int]
    tokens: dict[str, int | float | None]
    checks: dict[str, CheckResult]
    sources: dict[str, int] = {}
    erased_rows: int = 0

    def write(self, folder: Path) -> None:
        write_json(folder / MANIFEST, self.model_dump(mode="json"))


def require_manifest(folder: Path) -> DatasetManifest:
    """The manifest of the dataset published in `folder`; FileNotFoundError if there is none."""
    manifest = read_manifest(folder)
    if manifest is None:
        raise FileNotFoundError(
            f"there is no dataset in {folder}: materialize {folder.parent.name} of {folder.name} first"
        )
    return manifest


def read_manifest(folder: Path) -> DatasetManifest | None:
    """The manifest of the dataset published in `folder`, or None if there is none."""
    path = folder / MANIFEST
    return DatasetManifest(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None
