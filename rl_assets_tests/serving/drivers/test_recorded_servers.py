"""Drivers against recorded forms of vLLM, SGLang and servers with fixed names: idempotent, and clear when refused."""

from pathlib import PurePosixPath

import pytest

from rl_assets.serving.config import Endpoint
from rl_assets.serving.drivers.make import make_driver
from rl_assets.serving.drivers.protocol import Driver, ServerError
from rl_assets_tests.support.recorded_servers import recorded
from rl_assets_tests.support.servers import free_port

NAME = "product--dpo-0f3a5c779e21"
FOLDER = PurePosixPath("/adapters/dpo/0f3a")


def driver(kind: str, url: str, **values: str) -> Driver:
    token = {"token_env": "MODELS_TOKEN"} if values else {}
    return make_driver(Endpoint(driver=kind, urls=[url], **token), url, values)


@pytest.mark.parametrize("kind", ["sglang", "vllm"])
def test_a_name_that_is_loaded_twice_is_loaded_once(kind: str):
    with recorded(kind) as server:
        driver(kind, server.url).load(NAME, FOLDER)
        driver(kind, f"{server.url}/v1/").load(NAME, FOLDER)
        assert server.calls == [("load", NAME)]
        assert server.loaded == {NAME: str(FOLDER)}
        assert driver(kind, server.url).names() == {"base", NAME}
        driver(kind, server.url).probe()


def test_sglang_forgets_an_adapter_once():
    with recorded("sglang", loaded={NAME: "/a"}) as server:
        for _ in range(2):
            driver("sglang", server.url).unload(NAME)
        assert server.calls == [("unload", NAME)]


def test_sglang_is_asked_for_an_adapter_by_base_and_name():
    with recorded("sglang", loaded={NAME: "/a"}) as server:
        assert driver("sglang", server.url).request_name(NAME) == f"base:{NAME}"
        assert driver("sglang", server.url).request_name("base") == "base"


@pytest.mark.parametrize("path", ["/server_info", "/get_server_info"])
def test_sglang_tells_what_it_was_started_with(path: str):
    with recorded("sglang", info_path=path) as server:
        limits = driver("sglang", server.url).limits()
    assert (limits.max_lora_rank, limits.target_modules, limits.can_load) == (32, {"q_proj", "v_proj"}, True)
    assert limits.base_model == "HuggingFaceTB/SmolLM2-135M-Instruct"


@pytest.mark.parametrize(("kind", "status"), [("sglang", 400), ("vllm", 500)])
def test_a_refused_adapter_is_reported_with_the_servers_words(kind: str, status: int):
    said = "LoRA rank 64 is greater than max_lora_rank 16."
    with recorded(kind, refuses=said) as server, pytest.raises(ServerError) as error:
        driver(kind, server.url).load(NAME, FOLDER)
    assert f"{server.url} did not load {NAME}: {status}, {said}" in str(error.value)
    assert "adapters_mount" in str(error.value)


def test_vllm_without_its_admin_routes_says_how_to_start_it():
    with recorded("vllm_fixed") as server:
        assert not driver("vllm", server.url).limits().can_load
        with pytest.raises(ServerError, match=r"404, .*start vLLM with VLLM_ALLOW_RUNTIME_LORA_UPDATING=1"):
            driver("vllm", server.url).load(NAME, FOLDER)


def test_vllm_with_its_admin_routes_can_load():
    with recorded("vllm") as server:
        assert driver("vllm", server.url).limits().can_load
        assert driver("vllm", server.url).limits().base_model == "SmolLM2"


def test_fixed_names_are_checked_and_never_loaded():
    with recorded("llama.cpp", loaded={NAME: "/a"}) as server:
        fixed = driver("static", server.url)
        fixed.probe()
        fixed.load(NAME, FOLDER)
        fixed.unload(NAME)
        assert fixed.names() == {"base", NAME}
        assert not fixed.limits().can_load
        with pytest.raises(ServerError, match=rf"has base, {NAME}, not another, and its names are fixed"):
            fixed.load("another", FOLDER)
        assert server.calls == []


@pytest.mark.parametrize("kind", ["sglang", "vllm", "embedded"])
def test_a_server_that_is_not_well_is_named(kind: str):
    with (
        recorded("vllm", healthy=False) as server,
        pytest.raises(ServerError, match=rf"{server.url}/health answered 503"),
    ):
        driver(kind, server.url).probe()


@pytest.mark.parametrize("kind", ["sglang", "vllm", "embedded", "static"])
def test_a_server_that_is_away_is_named_with_what_to_do(kind: str):
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ServerError, match=rf"{url} cannot be reached .*: start the server, or correct `urls`"):
        driver(kind, url).names()


def test_what_is_no_server_of_models_is_said_to_be_none():
    with recorded("llama.cpp") as server:
        with pytest.raises(ServerError, match="has neither /server_info nor /get_server_info"):
            driver("sglang", server.url).limits()
        with pytest.raises(ServerError, match=r"/v1/limits answered 404"):
            driver("embedded", server.url).limits()
    for url in ("file:///etc/passwd", "127.0.0.1:8000", "http://"):
        with pytest.raises(ServerError, match="is no address of a server"):
            driver("vllm", url)


def test_tokens_come_from_the_environment_and_are_in_no_message():
    with recorded("vllm", token="a secret of the server") as server:
        assert driver("vllm", server.url, MODELS_TOKEN="a secret of the server").names() == {"base"}
        with pytest.raises(ServerError, match="answered 401") as error:
            driver("vllm", server.url, MODELS_TOKEN="another secret").names()
        assert "secret" not in str(error.value)
    endpoint = Endpoint(driver="vllm", urls=[server.url], token_env="MODELS_TOKEN")
    with pytest.raises(ServerError, match="environment variable MODELS_TOKEN, which is not set"):
        make_driver(endpoint, server.url, {})
