"""Published documentation for fixtures that live as long as a module."""

from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def module_published() -> Path:
    """The published samples that lie beside the checkout on some machines."""
    folder = Path(__file__).parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here: these cases are read from published samples")
    return folder
