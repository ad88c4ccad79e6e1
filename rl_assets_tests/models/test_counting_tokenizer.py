"""Tokens are counted without torch, before the base model is there, and as the trainers count them."""

import subprocess
import sys
from pathlib import Path

import pytest

from rl_assets.models.base_models import BaseModel
from rl_assets.models.counting_tokenizer import NoTokenizerError, counting_tokenizer
from rl_assets.models.loading import load_tokenizer
from rl_assets_tests.support.newcomer_nights import weightless_base

CHAT = [{"role": "user", "content": "Where is the Ümlaut?"}, {"role": "assistant", "content": "In bin 2, 14 €."}]
COUNT = (
    "import sys; from pathlib import Path; from rl_assets.models.counting_tokenizer import counting_tokenizer; "
    "counting_tokenizer('tiny', Path('nowhere')); print('torch' in sys.modules)"
)


def test_the_embedded_model_counts_the_same_before_and_after_it_is_built(tmp_path: Path):
    before = counting_tokenizer("tiny", tmp_path)
    weightless_base(tmp_path / "tiny")
    after = load_tokenizer(BaseModel("tiny", str(tmp_path / "tiny"), ""))
    for tokenizer in (counting_tokenizer("tiny", tmp_path), after):
        assert tokenizer.apply_chat_template(CHAT)["input_ids"] == before.apply_chat_template(CHAT)["input_ids"]


def test_counting_imports_no_torch():
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_base_that_has_not_been_fetched_yet_is_told_from_one_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(NoTokenizerError, match="'smollm2-135m' has not been fetched yet: materialize base_model"):
        counting_tokenizer("smollm2-135m", tmp_path)


def test_a_folder_without_a_tokenizer_is_named(tmp_path: Path):
    with pytest.raises(NoTokenizerError, match=r"the tokenizer of the base model .* cannot be read"):
        counting_tokenizer(str(tmp_path), tmp_path)
