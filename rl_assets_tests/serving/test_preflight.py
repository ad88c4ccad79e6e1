"""What is refused before a server is asked for anything."""

import re
from dataclasses import replace

import pytest

from rl_assets.core.home import Home
from rl_assets.models.adapters import WEIGHTS
from rl_assets.models.base_models import BaseModel
from rl_assets.serving.drivers.protocol import Limits
from rl_assets.serving.preflight import Templates, lora_ranks, refusals
from rl_assets_tests.support.served_homes import BASE_SHA256, TEMPLATE_SHA256, write_adapter

BASE = BaseModel("tiny", "/models/tiny", BASE_SHA256)
TEMPLATES = Templates("d" * 64, TEMPLATE_SHA256)
LIMITS = Limits(8, frozenset({"q_proj", "v_proj"}), "tiny", BASE_SHA256, "d" * 64)


@pytest.fixture
def paths(tmp_path) -> Home:
    return Home(tmp_path)


def test_an_adapter_within_all_limits_is_not_refused(paths):
    adapter = write_adapter(paths, "good", rank=8)
    assert lora_ranks(adapter.folder / WEIGHTS) == {"q_proj": 8, "v_proj": 8}
    assert refusals(adapter, BASE, TEMPLATES, LIMITS) == []
    assert refusals(adapter, BASE, TEMPLATES, Limits()) == []


@pytest.mark.parametrize(
    ("config", "limits", "sentence"),
    [
        ({"rank": 16}, {}, "It has rank 16, and the server accepts at most 8"),
        ({"use_dora": True}, {}, "It is a DoRA adapter"),
        ({"modules_to_save": ["lm_head"]}, {}, r"It trains whole layers \(lm_head, `modules_to_save`\)"),
        (
            {},
            {"target_modules": frozenset({"q_proj"})},
            "It changes v_proj, and the server lets adapters change q_proj",
        ),
        ({}, {"base_sha256": "e" * 64}, "hash bbbbbbbbbbbb, and the server's base model tiny has eeeeeeeeeeee"),
        ({}, {"chat_template_sha256": "f" * 64}, "hash cccccccccccc, and the server renders one of ffffffffffff"),
        ({"kind": "reward"}, {}, "It is a reward model"),
    ],
)
def test_what_a_server_would_not_serve_is_refused_with_a_sentence(paths, config, limits, sentence):
    adapter = write_adapter(paths, "bad", **config)
    (found,) = refusals(adapter, BASE, TEMPLATES, replace(LIMITS, **limits))
    assert re.search(sentence, found), found


def test_weights_that_were_altered_or_are_not_those_promoted_are_refused(paths):
    adapter = write_adapter(paths, "altered")
    (other,) = refusals(replace(adapter, sha256="a" * 64), BASE, TEMPLATES, LIMITS)
    assert "the promotion says aaaaaaaaaaaa" in other
    with (adapter.folder / WEIGHTS).open("ab") as file:
        file.write(b"more")
    (altered,) = refusals(adapter, BASE, TEMPLATES, LIMITS)
    assert "and its manifest says" in altered


def test_a_base_model_of_this_machine_that_is_not_the_adapters_is_refused(paths):
    adapter = write_adapter(paths, "other")
    (found,) = refusals(adapter, replace(BASE, sha256="e" * 64), TEMPLATES, LIMITS)
    assert "set RL_ASSETS_BASE_MODEL to the adapter's own base model" in found


def test_a_template_that_is_no_longer_that_of_the_training_is_refused(paths):
    adapter = write_adapter(paths, "older")
    (found,) = refusals(adapter, BASE, replace(TEMPLATES, of_adapter="e" * 64), LIMITS)
    assert "trained with a chat template of hash cccccccccccc, and the base model here has one of eeeeeeeeeeee" in found


def test_a_folder_without_weights_is_refused(paths):
    adapter = write_adapter(paths, "empty")
    (adapter.folder / WEIGHTS).unlink()
    (found,) = refusals(adapter, BASE, TEMPLATES, LIMITS)
    assert "lacks adapter_model.safetensors" in found
