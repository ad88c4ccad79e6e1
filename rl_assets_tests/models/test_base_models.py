from pathlib import Path

import pytest

from rl_assets.models.base_models import BaseModel, content_hash, ensure_base_model
from rl_assets.models.loading import load_tokenizer
from rl_assets.models.tiny.pretraining import END, inputs_hash
from rl_assets_tests.support.evaluation_samples import BARELY_TRAINED
from rl_assets_tests.support.training_samples import chat


def test_an_existing_tiny_model_is_not_trained_again(base: BaseModel):
    lines: list[str] = []
    again = ensure_base_model("tiny", Path(base.path).parent, lines.append, BARELY_TRAINED)
    assert again == base
    assert "nothing was trained" in lines[0]


def test_the_same_inputs_give_the_same_model_and_a_seed_another(base: BaseModel, tmp_path: Path):
    assert ensure_base_model("tiny", tmp_path, print, BARELY_TRAINED).sha256 == base.sha256
    assert inputs_hash(BARELY_TRAINED) != inputs_hash(type(BARELY_TRAINED)(seed=1))


def test_a_folder_is_a_base_model_and_its_hash_sees_every_weight(base: BaseModel):
    assert ensure_base_model(base.path, Path("unused"), print).sha256 == base.sha256


def test_a_folder_without_safetensors_is_refused(tmp_path: Path):
    for name in ("config.json", "tokenizer_config.json", "pytorch_model.bin"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"no \*\.safetensors: pickled weights are never loaded"):
        ensure_base_model(str(tmp_path), tmp_path, print)


def test_the_hash_of_a_model_ignores_its_manifest(tmp_path: Path):
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    before = content_hash(tmp_path)
    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")
    assert content_hash(tmp_path) == before


def test_the_chat_template_marks_the_answer_and_its_end_alone(base: BaseModel):
    tokenizer = load_tokenizer(base)
    encoded = tokenizer.apply_chat_template(
        chat("Where is the valve?", "bin 2"), return_dict=True, return_assistant_tokens_mask=True
    )
    marked = [token for token, mask in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True) if mask]
    assert tokenizer.decode(marked) == "bin 2" + END


def test_any_text_survives_the_tokenizer(base: BaseModel):
    tokenizer = load_tokenizer(base)
    text = '{"answer": "łódź 🧭 \t", "n": 0}\n'
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
