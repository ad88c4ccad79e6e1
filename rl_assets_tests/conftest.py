"""What every test may use: an empty product in a folder of its own."""

from pathlib import Path

import pytest

from rl_assets.lake.delta import Lake
from rl_assets_tests.support.logs import Product


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with an empty landing folder."""
    (tmp_path / "home" / "landing").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def product(home: Path) -> Product:
    return Product(home / "landing", Lake(str(home / "lake")))


@pytest.fixture
def published_data() -> Path:
    """The published samples that lie beside the checkout on some machines."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here: these cases are read from published samples")
    return folder
