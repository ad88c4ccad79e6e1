"""What a base model's folder says of it: context, width, licence, source, and a name without a path."""

import json
from pathlib import Path
from typing import Any

import pytest

from rl_assets.models.base_facts import BaseFacts, facts_by_name, facts_in, public_name


def folder_with(folder: Path, config: dict[str, Any], card: str = "", **manifest: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    if card:
        (folder / "README.md").write_text(card, encoding="utf-8")
    if manifest:
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("config", "context", "width"),
    [
        ({"max_position_embeddings": 8192, "hidden_size": 576}, 8192, 576),
        ({"n_positions": 1024, "n_embd": 768}, 1024, 768),
        ({"text_config": {"max_position_embeddings": 4096, "hidden_size": 2048}}, 4096, 2048),
        ({"max_position_embeddings": 32768, "rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, 131072, None),
        ({"max_position_embeddings": 32768, "rope_parameters": {"rope_type": "default"}}, 32768, None),
        ({}, None, None),
    ],
)
def test_context_and_width_are_read_under_the_names_of_every_architecture(
    config: dict[str, Any], context: int | None, width: int | None, tmp_path: Path
):
    facts = facts_in(folder_with(tmp_path / "model", config))
    assert (facts.context, facts.hidden_size) == (context, width)


@pytest.mark.parametrize(
    ("card", "config", "manifest", "expected"),
    [
        ("", {}, {"license": "apache-2.0", "source": "PyPI"}, ("apache-2.0", "PyPI")),
        ("---\nlicense: mit\ntags: [a]\n---\n# A model\n", {}, {}, ("mit", None)),
        ("# A model without a header\n", {"license": "llama3"}, {}, ("llama3", None)),
        ("---\nlicense: [\n---\n", {}, {}, ("unknown", None)),
        ("", {}, {}, ("unknown", None)),
    ],
)
def test_the_licence_is_that_of_the_manifest_the_card_or_the_configuration(
    card: str, config: dict[str, Any], manifest: dict[str, str], expected: tuple[str, str | None], tmp_path: Path
):
    facts = facts_in(folder_with(tmp_path / "model", config, card, **manifest))
    assert (facts.license, facts.source) == expected


def test_a_base_is_known_before_it_was_built_only_if_it_is_the_embedded_one(tmp_path: Path):
    assert facts_by_name("tiny", tmp_path) == BaseFacts(2048, 128, "apache-2.0", None)
    assert facts_by_name("someone/a-model", tmp_path) is None
    folder_with(tmp_path / "ours", {"max_position_embeddings": 99})
    known = facts_by_name("ours", tmp_path)
    assert known is not None and known.context == 99


def test_a_name_holds_no_path_of_this_machine(tmp_path: Path):
    folder = folder_with(tmp_path / "our-model", {})
    names = [str(folder), "someone/a-model", "tiny", "/gone/our-model", "./models/our-model", "models/here/our-model"]
    assert [*map(public_name, names)] == [
        "our-model",
        "someone/a-model",
        "tiny",
        "our-model",
        "our-model",
        "our-model",
    ]
