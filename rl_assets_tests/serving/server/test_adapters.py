"""Loading and unloading over HTTP: in use, twice, broken, from elsewhere, without the token."""

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rl_assets.core.files import sha256_file, write_json
from rl_assets.models.adapters import CONFIG, MANIFEST, WEIGHTS, Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets_tests.serving.server.conftest import DPO, SFT
from rl_assets_tests.support.embedded_server import EmbeddedServer, embedded_server, wait_until


@pytest.fixture
def changed(models: Path, candidate: Adapter, request: pytest.FixtureRequest) -> Iterator[Callable[..., Path]]:
    """A copy of an adapter below the root, with changes to its manifest and its configuration."""

    def change(manifest: dict[str, Any] | None = None, config: dict[str, Any] | None = None) -> Path:
        folder = models / "adapters" / "changed" / request.node.name.replace("/", "_")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(candidate.folder, folder)
        for name, changes in ((MANIFEST, manifest), (CONFIG, config)):
            content = json.loads((folder / name).read_text(encoding="utf-8"))
            write_json(folder / name, content | (changes or {}))
        return folder

    yield change
    shutil.rmtree(models / "adapters" / "changed", ignore_errors=True)


def refusal(answer: httpx2.Response, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    return answer.json()["error"]["message"]


def test_an_adapter_in_use_answers_to_its_end_after_it_was_unloaded(server: EmbeddedServer, parent: Adapter):
    assert server.load("leaving", parent.folder).status_code == 200
    alone = server.tokens("leaving")
    slot = server.app.state.service.named("leaving").slot
    server.gate.held = True
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.tokens, "leaving")
        server.gate.wait_for_pass()
        server.gate.release(2)
        assert server.unload("leaving").text == "Success: LoRA adapter 'leaving' removed successfully."
        assert "does not exist" in refusal(server.ask("leaving"), 404)
        assert slot in server.model._adapted.peft_config
        server.gate.open()
        assert answer.result() == alone == server.tokens(SFT)
    wait_until(lambda: slot not in server.model._adapted.peft_config)
    assert refusal(server.unload("leaving"), 404) == "The lora adapter 'leaving' cannot be found."
    # The same name with other weights is another adapter: nothing of the former is left.
    assert server.load("leaving", "dpo/bbbb").status_code == 200
    assert server.tokens("leaving") == server.tokens(DPO) != alone
    server.unload("leaving")


def test_a_server_whose_adapters_were_all_unloaded_serves_the_base_and_the_next_ones(
    server: EmbeddedServer, base: BaseModel, models: Path, parent: Adapter, candidate: Adapter
):
    expected = {model: server.tokens(model) for model in ("base", SFT, DPO)}
    with embedded_server(base, models / "adapters") as other:
        for name, adapter in ((SFT, parent), (DPO, candidate)):
            assert other.load(name, adapter.folder).status_code == 200
            assert [other.tokens(name), other.tokens("base")] == [expected[name], expected["base"]]
            assert other.unload(name).status_code == 200
            assert other.tokens("base") == expected["base"]


def test_a_name_that_is_loaded_is_not_loaded_again(server: EmbeddedServer, parent: Adapter):
    assert "has already been loaded" in refusal(server.load(DPO, parent.folder))
    assert "has already been loaded" in refusal(server.load("base", parent.folder))
    assert refusal(server.unload("base"), 404) == "The lora adapter 'base' cannot be found."
    assert refusal(server.load("", "")) == "Both 'lora_name' and 'lora_path' must be provided."
    assert "up to 200 printable ones" in refusal(server.load("a\nb", parent.folder))


def test_models_are_listed_with_the_base_as_parent(server: EmbeddedServer):
    cards = httpx2.get(f"{server.url}/v1/models", timeout=60).json()["data"]
    assert [(card["id"], card["parent"]) for card in cards][:3] == [("base", None), (SFT, "base"), (DPO, "base")]


@pytest.mark.parametrize(
    "path", ["../adapters-of-others", "/etc", "sft/../../..", "", "x" * 5000, "a\0b", "nothing/here"]
)
def test_paths_outside_or_without_an_adapter_are_refused(server: EmbeddedServer, path: str):
    assert server.load("stranger", path).status_code in (400, 404)
    assert server.ask("stranger").status_code == 404


def test_links_out_of_the_root_are_not_followed(
    server: EmbeddedServer, models: Path, tmp_path: Path, candidate: Adapter, changed: Callable[..., Path]
):
    outside = tmp_path / "elsewhere"
    shutil.copytree(candidate.folder, outside)
    (models / "adapters" / "link").symlink_to(outside)
    assert "is not below" in refusal(server.load("stranger", "link"))
    (models / "adapters" / "link").unlink()
    folder = changed()
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).symlink_to(outside / WEIGHTS)
    assert "is a link" in refusal(server.load("stranger", folder))


@pytest.mark.parametrize(
    ("manifest", "config", "said"),
    [
        ({"kind": "reward"}, {}, "is a reward model"),
        ({"base": {"name": "other", "sha256": "f" * 64}}, {}, "was trained on a base with hash ffffffffffff"),
        ({"sha256": "f" * 64}, {}, "the file was altered"),
        ({"kind": "unheard-of"}, {}, "is no manifest of an adapter"),
        ({"chat_template_sha256": "f" * 64}, {}, "was trained with a chat template of hash ffffffffffff"),
        ({}, {"use_dora": True}, "sets use_dora"),
        ({}, {"modules_to_save": ["lm_head"]}, "sets modules_to_save"),
        ({}, {"bias": "all"}, "sets bias"),
        ({}, {"alora_invocation_tokens": [1]}, "sets alora_invocation_tokens"),
        ({}, {"init_lora_weights": "pissa"}, "was initialised by 'pissa', which changes the base"),
        ({}, {"peft_type": "IA3"}, "is of type 'IA3'"),
        ({}, {"r": 1000}, "has rank 1000, above this server's limit of 64"),
        ({}, {"rank_pattern": {"q_proj": 65}}, "has rank 65"),
        ({}, {"r": "8"}, "names the rank '8'"),
        ({}, {"r": 2}, "does not fit the base"),
        ({}, {"target_modules": ["nothing"]}, "does not fit the base"),
        ({}, {"target_modules": ["q_proj"]}, "weights are missing or unknown"),
        ({}, {"target_modules": "("}, "does not fit the base"),
        ({}, {"lora_alpha": "much"}, "does not fit the base"),
    ],
)
def test_an_adapter_that_does_not_belong_here_is_refused_and_changes_nothing(
    server: EmbeddedServer,
    changed: Callable[..., Path],
    manifest: dict[str, Any],
    config: dict[str, Any],
    said: str,
):
    before = [server.tokens(model) for model in ("base", DPO)]
    loaded = set(server.model._adapted.peft_config)
    assert said in refusal(server.load("stranger", changed(manifest, config)))
    assert server.ask("stranger").status_code == 404
    assert set(server.model._adapted.peft_config) == loaded
    assert [server.tokens(model) for model in ("base", DPO)] == before


def test_weights_that_are_no_safetensors_are_refused(server: EmbeddedServer, changed: Callable[..., Path]):
    folder = changed()
    (folder / WEIGHTS).write_bytes(b"\xff" * 1000)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    write_json(folder / MANIFEST, manifest | {"sha256": sha256_file(folder / WEIGHTS)})
    assert "does not fit the base" in refusal(server.load("stranger", folder))
    (folder / WEIGHTS).rename(folder / "adapter_model.bin")
    assert "which are no safetensors" in refusal(server.load("stranger", folder), 404)
    (folder / CONFIG).write_text("[1", encoding="utf-8")


def test_as_many_adapters_are_held_as_the_server_was_started_for(
    base: BaseModel, models: Path, parent: Adapter, candidate: Adapter
):
    token = "a-token-of-sixteen-characters"
    with embedded_server(base, models / "adapters", max_loras=1, admin_token=token) as small:
        assert "RL_ASSETS_SERVING_ADMIN_TOKEN" in refusal(small.load("first", parent.folder), 401)

        def load(name: str, adapter: Adapter, given: str = token) -> httpx2.Response:
            body = {"lora_name": name, "lora_path": str(adapter.folder)}
            headers = {"authorization": f"Bearer {given}"}
            return httpx2.post(f"{small.url}/v1/load_lora_adapter", json=body, headers=headers, timeout=60)

        assert load("first", parent, "wrong").status_code == 401
        assert load("first", parent).status_code == 200
        assert "1 adapters are loaded" in refusal(load("second", candidate))
        assert small.tokens("base") and small.tokens("first")
