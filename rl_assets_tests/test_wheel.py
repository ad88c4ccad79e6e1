"""What a user installs: SQL and the quickstart travel in the wheel, and are found without the repository."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rl_assets_tests.support.wheel import REPOSITORY, installed  # noqa: F401


def run(installed: Path, script: str) -> str:  # noqa: F811
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=installed.parent,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_every_statement_is_found_in_the_installed_package(installed):  # noqa: F811
    script = "from rl_assets.core import sql; print(*sorted(map(str, sql.FOLDER.rglob('*.sql'))))"
    packaged = installed / "rl_assets" / "_sql"
    statements = [path.relative_to(REPOSITORY / "sql") for path in (REPOSITORY / "sql").rglob("*.sql")]
    assert run(installed, script).split() == sorted(str(packaged / name) for name in statements)


def test_the_quickstart_can_be_installed_from_the_package(installed, tmp_path):  # noqa: F811
    run(
        installed,
        f"from pathlib import Path; from rl_assets.quickstart.install import install; install(Path({str(tmp_path)!r}))",
    )
    assert len(list((tmp_path / "landing").rglob("*.jsonl.gz"))) > 100


@pytest.mark.slow
def test_the_definitions_load_from_the_package(installed):  # noqa: F811
    script = "import rl_assets.definitions as d; print(*sorted(d.defs.resolve_asset_graph().get_all_asset_keys()))"
    assert run(installed, script) == run(REPOSITORY, script)
