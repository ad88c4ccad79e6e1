"""What every test may use: an empty product in a folder of its own."""

from pathlib import Path

import pytest

from rl_assets.lake.delta import Lake
from rl_assets_tests.support.logs import Product
from rl_assets_tests.support.samples import unpack


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with an empty landing folder."""
    (tmp_path / "home" / "landing").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def product(home: Path) -> Product:
    return Product(home / "landing", Lake(str(home / "lake")))


@pytest.fixture(scope="session")
def published_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published samples, each in the folder of its name; to be read only."""
    return unpack(tmp_path_factory.mktemp("published"))
