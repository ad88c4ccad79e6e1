"""What every test may use: an empty product, published samples, a barely trained tiny model, and judges."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from rl_assets.defs.shared.dagster_warnings import KNOWN
from rl_assets.lake.delta import Lake
from rl_assets.llm.cache import ReplyCache
from rl_assets.llm.client import Endpoint, Judge
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel, ensure_base_model
from rl_assets_tests.support.browser import running_chromium
from rl_assets_tests.support.evaluation_samples import BARELY_TRAINED, random_adapter
from rl_assets_tests.support.judge_server import SECRET, Behaviour, Server, serving
from rl_assets_tests.support.logs import Product
from rl_assets_tests.support.samples import unpack
from rl_assets_tests.support.suite import Together, position, read_migrations_once, skip_after_end

# A test that asks for one of these belongs to the second tier, whatever else it does.
NEEDS = {
    "training": {"base"},
    "server": {"s3_endpoint"},
    "postgres": {"postgres_server"},
    "browser": {"chromium"},
}


def pytest_configure(config: pytest.Config) -> None:
    """What users are spared of Dagster's warnings, tests are spared too: pytest would show them again."""
    for message in KNOWN:
        config.addinivalue_line("filterwarnings", f"ignore:{message}")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together | None:
    return Together(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: the collector of garbage need not look at them again and again.

    Torch takes each worker seconds to import, so modules of tests import it, and what imports it, inside of functions.
    """
    if "torch" in sys.modules:
        raise pytest.UsageError("a module of tests imports torch at its top, or a library that does: do so in the test")
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def migrations() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        read_migrations_once(monkeypatch)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for marker, fixtures in NEEDS.items():
            if fixtures & set(getattr(item, "fixturenames", ())):
                item.add_marker(marker)
    items.sort(key=lambda item: position(item.nodeid))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    skip_after_end(item.nodeid)


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


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance of its own."""
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser for the tests of one file: while it runs, its event loop keeps other tests from starting theirs."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluated-models")


@pytest.fixture(scope="session")
def base(models: Path) -> BaseModel:
    return ensure_base_model("tiny", models, print, BARELY_TRAINED)


@pytest.fixture(scope="session")
def parent(models: Path, base: BaseModel) -> Adapter:
    return random_adapter(base, models / "adapters" / "sft" / "aaaa", "sft", seed=1)


@pytest.fixture(scope="session")
def candidate(models: Path, base: BaseModel, parent: Adapter) -> Adapter:
    return random_adapter(base, models / "adapters" / "dpo" / "bbbb", "dpo", seed=2, parent=parent)


@pytest.fixture(scope="session")
def loaded(base: BaseModel):
    from rl_assets.models.switching import SwitchedModels

    found = SwitchedModels(base, None, print)
    return found.model, found.tokenizer


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
