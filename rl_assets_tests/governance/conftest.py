"""The product of `products.py`, built once and copied for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from rl_assets_tests.support import products
from rl_assets_tests.support.logs import Product


@pytest.fixture(scope="session")
def built_with_history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A home with both days landed and every dataset built, and the folder of the Dagster instance that saw it."""
    home, history = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("history")
    (home / "landing").mkdir()
    products.fill_landing(Product(home / "landing", products.lake(home)))
    with dg.DagsterInstance.local_temp(str(history)) as instance:
        products.build(home, instance)
    return home, history


@pytest.fixture(scope="session")
def built(built_with_history: tuple[Path, Path]) -> Path:
    """The built home. Not to be written to."""
    return built_with_history[0]


@pytest.fixture
def copied(built: Path, tmp_path: Path) -> Path:
    """A copy of the built home."""
    shutil.copytree(built, tmp_path / "copied")
    return tmp_path / "copied"


@pytest.fixture
def instance(built_with_history: tuple[Path, Path], tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A copy of the Dagster instance that saw the home being built."""
    shutil.copytree(built_with_history[1], tmp_path / "history")
    with dg.DagsterInstance.local_temp(str(tmp_path / "history")) as found:
        yield found
