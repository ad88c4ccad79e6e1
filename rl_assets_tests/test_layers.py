"""The import contract of pyproject.toml holds, and refuses what it is there to refuse."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
LINT = Path(sys.executable).with_name("lint-imports")


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The contract and the package's code, in a folder where lines can be planted."""
    folder = tmp_path_factory.mktemp("layers")
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    for module in (REPOSITORY / "rl_assets").rglob("*.py"):
        target = folder / module.relative_to(REPOSITORY)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(module, target)
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [LINT, "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_package_keeps_the_contract(copy):
    done = lint(copy)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("line", "planted_in", "broken"),
    [
        ("from rl_assets.evaluation.schema import results", "rl_assets/core/planted.py", "points down"),
        ("from rl_assets.training.data import rows", "rl_assets/datasets/planted.py", "on its own row"),
        ("import dagster", "rl_assets/training/planted.py", "know Dagster"),
        ("", "rl_assets/unplaced/__init__.py", "points down"),
    ],
    ids=["upward", "sideways", "dagster", "a folder without a layer"],
)
def test_a_planted_line_is_refused(copy, line, planted_in, broken):
    planted = copy / planted_in
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(line + "\n", encoding="utf-8")
    try:
        done = lint(copy)
    finally:
        planted.unlink()
    assert done.returncode == 1, done.stdout
    assert any(broken in verdict for verdict in done.stdout.splitlines() if verdict.endswith("BROKEN")), done.stdout
