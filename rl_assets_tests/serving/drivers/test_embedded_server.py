"""The drivers of vLLM and of this project's own server against that server as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from rl_assets.core.files import sha256_text
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.serving.config import Endpoint
from rl_assets.serving.drivers.make import make_driver
from rl_assets.serving.drivers.protocol import Driver, ServerError
from rl_assets.serving.served_answers import ModelServer
from rl_assets_tests.support.servers import free_port, serving

pytestmark = [pytest.mark.server, pytest.mark.training]
COMMAND = [sys.executable, "-m", "rl_assets.serving.server"]
QUESTION = [{"role": "user", "content": "Which colour has the rotor?"}]


@pytest.fixture(scope="module")
def url(models: Path, base: BaseModel, candidate: Adapter, parent: Adapter) -> Iterator[str]:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [*COMMAND, "--base", base.path, "--port", str(port), "--max-loras", "2"]
    with serving(command, f"{address}/health", os.environ | {"RL_ASSETS_HOME": str(models)}):
        yield address


@pytest.fixture(params=["vllm", "embedded"])
def driver(request: pytest.FixtureRequest, url: str) -> Driver:
    return make_driver(Endpoint(driver=request.param, urls=[url]), url, {})


def test_adapters_are_loaded_once_asked_for_and_unloaded_once(driver: Driver, url: str, candidate: Adapter):
    driver.probe()
    assert driver.names() == {"base"}
    for _ in range(2):
        driver.load("candidate", PurePosixPath(candidate.folder))
    assert driver.names() == {"base", "candidate"}
    server = ModelServer(url, gives_ids=True)
    by_base, by_candidate = (server.answer(name, QUESTION, 8) for name in ("base", driver.request_name("candidate")))
    assert by_base.token_ids != by_candidate.token_ids
    assert by_candidate.prompt_ids == server.prompt_ids("candidate", QUESTION)
    assert by_candidate.tokens is not None and len(by_candidate.tokens) == len(by_candidate.token_ids or ())
    for _ in range(2):
        driver.unload("candidate")
    assert driver.names() == {"base"}
    with pytest.raises(ServerError, match="404"):
        server.answer("candidate", QUESTION, 8)


def test_a_refused_adapter_is_reported_with_the_servers_words(driver: Driver, url: str):
    with pytest.raises(ServerError, match=rf"{url} did not load stranger: 404, There is no adapter at /nowhere"):
        driver.load("stranger", PurePosixPath("/nowhere"))
    assert driver.names() == {"base"}


def test_limits_are_those_of_the_server_in_the_hashes_of_manifests(url: str, base: BaseModel):
    from rl_assets.models.loading import load_tokenizer

    limits = make_driver(Endpoint(urls=[url]), url, {}).limits()
    assert (limits.max_lora_rank, limits.base_sha256, limits.can_load) == (64, base.sha256, True)
    assert limits.chat_template_sha256 == sha256_text(load_tokenizer(base).chat_template)
    assert limits.target_modules == {
        *("q_proj", "k_proj", "v_proj", "o_proj"),
        *("gate_proj", "up_proj", "down_proj"),
    }
    plain = make_driver(Endpoint(driver="vllm", urls=[url]), url, {}).limits()
    assert (plain.max_lora_rank, plain.can_load) == (None, True)


def test_a_server_for_other_machines_needs_a_token(base: BaseModel):
    ended = subprocess.run([*COMMAND, "--host", "0.0.0.0"], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1
    assert "Whoever reaches 0.0.0.0 could load and unload adapters: set RL_ASSETS_SERVING_ADMIN_TOKEN" in ended.stderr
