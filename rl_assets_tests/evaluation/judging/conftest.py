"""Judges that ask a real server on this machine."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rl_assets.evaluation.judging.cache import ReplyCache
from rl_assets.evaluation.judging.gateway import Endpoint, Judge
from rl_assets_tests.evaluation.judging.server import Behaviour, Server, serving

SECRET = "sk-do-not-write-me-anywhere"
MakeJudge = Callable[..., tuple[Judge, Server]]


@pytest.fixture
def make_judge(tmp_path: Path) -> Iterator[MakeJudge]:
    """A judge of that behaviour with its server; all of a test share one cache."""
    with ExitStack() as stack:

        def make(behaviour: Behaviour, max_calls: int = 1000, **patience: Any) -> tuple[Judge, Server]:
            server = stack.enter_context(serving(behaviour))
            settings = {"timeout_s": 5.0, "retries": 2, "concurrency": 4} | patience
            endpoint = Endpoint(server.url, "tiny-judge", SECRET, **settings)
            return Judge(endpoint, ReplyCache(tmp_path / "cache"), max_calls, print), server

        yield make
