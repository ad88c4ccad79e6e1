"""One server with the base and two adapters, for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets_tests.support.embedded_server import EmbeddedServer, embedded_server

SFT, DPO = "product--sft-aaaaaaaaaaaa", "product--dpo-bbbbbbbbbbbb"


@pytest.fixture(scope="session")
def loaded_server(base: BaseModel, models: Path, parent: Adapter, candidate: Adapter) -> Iterator[EmbeddedServer]:
    with embedded_server(base, models / "adapters") as server:
        assert server.load(SFT, parent.folder).text == f"Success: LoRA adapter '{SFT}' added successfully."
        assert server.load(DPO, "dpo/bbbb").status_code == 200
        yield server


@pytest.fixture
def server(loaded_server: EmbeddedServer) -> Iterator[EmbeddedServer]:
    """The server, whose forward passes are counted from here on."""
    loaded_server.gate.slots.clear()
    yield loaded_server
    loaded_server.gate.open()
    while loaded_server.gate.permits.acquire(blocking=False):
        pass
