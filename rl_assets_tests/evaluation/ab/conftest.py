"""An empty log."""

import pytest

from rl_assets_tests.evaluation.ab.log import Log


@pytest.fixture
def log() -> Log:
    return Log()
