"""What a user installs: SQL and the quickstart travel in the wheel, and are found without the repository."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The unpacked wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def run(installed: Path, script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=installed.parent,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_every_statement_is_found_in_the_installed_package(installed):
    script = "from rl_assets.core import sql; print(*sorted(map(str, sql.FOLDER.rglob('*.sql'))))"
    packaged = installed / "rl_assets" / "_sql"
    statements = [path.relative_to(REPOSITORY / "sql") for path in (REPOSITORY / "sql").rglob("*.sql")]
    assert run(installed, script).split() == sorted(str(packaged / name) for name in statements)


def test_the_quickstart_can_be_installed_from_the_package(installed, tmp_path):
    run(
        installed,
        f"from pathlib import Path; from rl_assets.quickstart.install import install; install(Path({str(tmp_path)!r}))",
    )
    assert len(list((tmp_path / "landing").rglob("*.jsonl.gz"))) > 100


def test_the_definitions_load_from_the_package(installed):
    script = "import rl_assets.definitions as d; print(*sorted(d.defs.resolve_asset_graph().get_all_asset_keys()))"
    assert run(installed, script) == run(REPOSITORY, script)
