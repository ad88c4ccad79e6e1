"""Manifests of datasets that were not built: complete records, whose values a test changes where they matter."""

from pathlib import Path
from typing import Any

from rl_assets.tables.dataset_manifest import DatasetManifest


def write_dataset_manifest(folder: Path, rows: dict[str, int], **changes: Any) -> DatasetManifest:
    """Publish `folder` (`.../<name>/<day>`) with so many rows by split; its hash is not that of any rows."""
    content: dict[str, Any] = {
        "name": folder.parent.name,
        "day": folder.name,
        "rows": rows,
        "sha256": "d" * 64,
        "inputs": {},
        "builder_version": "test",
        "configuration": {},
        "candidates": sum(rows.values()),
        "selected": sum(rows.values()),
        "dropped": {},
        "metrics": {},
        "answer_outcomes": {},
        "tokens": {},
        "checks": {},
    }
    manifest = DatasetManifest(**content | changes)
    manifest.write(folder)
    return manifest
