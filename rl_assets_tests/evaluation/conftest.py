"""One barely trained tiny model with two random adapters, shared by every test that needs a real one; and judges."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rl_assets.llm.cache import ReplyCache
from rl_assets.llm.client import Endpoint, Judge
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel, ensure_base_model
from rl_assets.models.tiny.build import TinySpec
from rl_assets_tests.support.evaluation_samples import random_adapter
from rl_assets_tests.support.judge_server import SECRET, Behaviour, Server, serving


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluated-models")


@pytest.fixture(scope="session")
def base(models: Path) -> BaseModel:
    spec = TinySpec(hidden=32, intermediate=64, layers=1, heads=2, steps=12, batch=8, warmup_steps=2)
    return ensure_base_model("tiny", models, print, spec)


@pytest.fixture(scope="session")
def parent(models: Path, base: BaseModel) -> Adapter:
    return random_adapter(base, models / "adapters" / "sft" / "aaaa", "sft", seed=1)


@pytest.fixture(scope="session")
def candidate(models: Path, base: BaseModel, parent: Adapter) -> Adapter:
    return random_adapter(base, models / "adapters" / "dpo" / "bbbb", "dpo", seed=2, parent=parent)


@pytest.fixture(scope="session")
def loaded(base: BaseModel):
    from rl_assets.models.loading import load_for_inference

    return load_for_inference(base, None)


@pytest.fixture
def make_judge(tmp_path: Path) -> Iterator[Callable[..., tuple[Judge, Server]]]:
    """A judge that asks a real server of that behaviour, and the server; all of a test share one cache."""
    with ExitStack() as stack:

        def make(behaviour: Behaviour, max_calls: int = 1000, **patience: Any) -> tuple[Judge, Server]:
            server = stack.enter_context(serving(behaviour))
            settings = {"timeout_s": 5.0, "retries": 2, "concurrency": 4} | patience
            endpoint = Endpoint(server.url, "tiny-judge", SECRET, **settings)
            return Judge(endpoint, ReplyCache(tmp_path / "cache"), max_calls, print), server

        yield make
