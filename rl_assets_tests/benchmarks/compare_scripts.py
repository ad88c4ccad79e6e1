"""Scripts of adapters against the adapters: `python -m rl_assets_tests.benchmarks.compare_scripts <home>/0`.

The folder is that of a seed that `compare_ways --home <home>` left. Each script trains its adapter again, in a Python
that cannot see this project; printed is the largest difference of its losses and of its weights.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rl_assets.models.adapters import Adapter, is_complete, read_adapter
from rl_assets.training.export.script import KINDS, training_script
from rl_assets_tests.benchmarks.invariants import weight_difference
from rl_assets_tests.support.training_scripts import run_script


def adapters(home: Path) -> Iterator[Adapter]:
    """All whole adapters of the kinds that scripts are for."""
    for kind in KINDS:
        yield from (read_adapter(path) for path in sorted((home / kind).iterdir()) if is_complete(path))


def compare(home: Path) -> None:
    """Print a line for each adapter."""
    found = list(adapters(home))
    by_weights = {adapter.sha256: adapter for adapter in found}
    for adapter in found:
        parent = by_weights[adapter.manifest.parent.sha256].folder if adapter.manifest.parent else None
        source = training_script(adapter, str(home / "models" / "tiny"), home / "data" / adapter.kind, parent)
        with tempfile.TemporaryDirectory() as folder:
            losses = run_script(source, Path(folder))
            weights = weight_difference(adapter, Path(folder) / "out")
        method, steps = adapter.manifest.method or adapter.kind, adapter.manifest.steps
        print(f"{method:20} {steps} steps: losses differ by {losses:.3g}, weights by {weights:.3g}", flush=True)


if __name__ == "__main__":
    compare(Path(sys.argv[1]).absolute())
