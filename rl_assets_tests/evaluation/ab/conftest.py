"""An empty log."""

import pytest

from rl_assets_tests.support.ab_log import Log


@pytest.fixture
def log() -> Log:
    return Log()
