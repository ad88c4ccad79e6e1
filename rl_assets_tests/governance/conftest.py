"""The product of `products.py`, built once and copied for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from rl_assets_tests.support import products
from rl_assets_tests.support.logs import Product
from rl_assets_tests.support.suite import copy_history


@pytest.fixture(scope="session")
def built_with_history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dg.DagsterInstance]]:
    """A home with both days landed and every dataset built, and the Dagster instance that saw it."""
    home = tmp_path_factory.mktemp("built")
    (home / "landing").mkdir()
    products.fill_landing(Product(home / "landing", products.lake(home)))
    with dg.DagsterInstance.ephemeral() as instance:
        products.build(home, instance)
        yield home, instance


@pytest.fixture(scope="session")
def built(built_with_history: tuple[Path, dg.DagsterInstance]) -> Path:
    """The built home. Not to be written to."""
    return built_with_history[0]


@pytest.fixture
def copied(built: Path, tmp_path: Path) -> Path:
    """A copy of the built home."""
    shutil.copytree(built, tmp_path / "copied")
    return tmp_path / "copied"


@pytest.fixture
def instance(built_with_history: tuple[Path, dg.DagsterInstance]) -> Iterator[dg.DagsterInstance]:
    """A copy of the Dagster instance that saw the home being built."""
    with dg.DagsterInstance.ephemeral() as found:
        copy_history(built_with_history[1], found)
        yield found
