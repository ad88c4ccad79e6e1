"""Manifests of adapters that were not trained: complete records, whose values a test changes where they matter."""

from typing import Any

from rl_assets.models.adapters import AdapterManifest

DAY = "2026-10-14"


def sample_manifest(**changes: Any) -> AdapterManifest:
    """The manifest of an SFT adapter without checks, but for the changes."""
    content: dict[str, Any] = {
        "kind": "sft",
        "day": DAY,
        "sha256": "",
        "base": {"name": "none", "sha256": ""},
        "parent": None,
        "dataset": {"name": "sft_dataset", "day": DAY, "sha256": "d" * 64, "used": 80, "dropped": {}, "cut": 0},
        "recipe": {},
        "recipe_hash": "r" * 64,
        "seed": 0,
        "training_version": 1,
        "versions": {},
        "checks": {},
        "created_at": "2026-10-15T01:00:00+00:00",
        "steps": 3,
        "resumed_from_step": None,
        "tokens": 1000,
        "wall_s": 2.5,
        "device": "cpu, 2 threads",
        "peak_memory_bytes": 10**9,
        "loss_curve": [[1, 2.0, 1e-3], [2, 1.5, 1e-3], [3, 1.25, 1e-3]],
    }
    return AdapterManifest.model_validate(content | changes)
