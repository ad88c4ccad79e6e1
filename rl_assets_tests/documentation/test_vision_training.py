"""An adapter of a vision-language model, trained for real on a tiny one with random weights, on a CPU."""

import io

import pytest
from PIL import Image

from rl_assets.datasets.folder import Dataset
from rl_assets.documentation.questions import SEGMENT
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel, ensure_base_model
from rl_assets.models.tiny.pretraining import TinySpec
from rl_assets.models.vision import NotAVisionModelError, load_processor, load_vision_model
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.recipes.stages import LoraRecipe, SftRecipe
from rl_assets.training.data.vision_rows import fitting_rows, read_vision_rows
from rl_assets.training.errors import NotEnoughRows
from rl_assets.training.export.script import training_script
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets_tests.support.documentation_sites import picture
from rl_assets_tests.support.tiny_vlm import build_tiny_vlm
from rl_assets_tests.support.vision_home import DAY, guide_with_pictures, publish

RECIPE = Recipe(
    name="few_steps",
    segment=SEGMENT,
    max_length=400,
    min_rows_sft=8,
    lora=LoraRecipe(r=16, lora_alpha=32, lora_dropout=0.0),
    sft=SftRecipe(learning_rate=2e-2, effective_batch_size=8, max_steps=30, save_steps=30),
)


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Dataset:
    return publish(guide_with_pictures(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="module")
def base(tmp_path_factory, published) -> BaseModel:
    import pyarrow.parquet as pq

    rows = pq.read_table(published.folder / "train.parquet", columns=["messages"]).to_pylist()
    texts = [part["text"] for row in rows for turn in row["messages"] for part in turn["content"] if part["text"]]
    folder = build_tiny_vlm(tmp_path_factory.mktemp("models") / "tiny-vlm", texts)
    return ensure_base_model(str(folder), folder.parent, print)


@pytest.fixture(scope="module")
def adapter(published, base, tmp_path_factory) -> Adapter:
    return train(TrainingJob("vision", published.folder, DAY, base, RECIPE, tmp_path_factory.mktemp("adapters")), print)


def test_an_adapter_trains_on_pictures_and_its_loss_falls(adapter, published):
    manifest = adapter.manifest
    assert adapter.trained and manifest.steps == 30
    assert manifest.dataset.used == published.rows["train"]
    first, last = manifest.loss_curve[0][1], manifest.loss_curve[-1][1]
    assert last < first / 2
    assert all(check.passed for check in manifest.checks.values()), manifest.checks


def merged_model(base: BaseModel, adapter: Adapter):
    """(model, processor) ready to answer, the adapter merged."""
    from peft import PeftModel

    model = PeftModel.from_pretrained(load_vision_model(base, RECIPE), str(adapter.folder)).merge_and_unload()
    return model.eval(), load_processor(base)


def logits(model, processor, question: str, image: Image.Image):
    import torch

    parts = [{"type": "image"}, {"type": "text", "text": question}]
    prompt = processor.apply_chat_template([{"role": "user", "content": parts}], add_generation_prompt=True)
    batch = processor(images=[image], text=[prompt], return_tensors="pt")
    with torch.no_grad():
        return model(**batch).logits


def test_the_adapter_lies_in_safetensors_and_reloads_with_equal_logits(adapter, base):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText

    assert (adapter.folder / "adapter_model.safetensors").is_file() and not list(adapter.folder.glob("*.bin"))
    merged, processor = merged_model(base, adapter)
    plain = load_vision_model(base, RECIPE).eval()
    separate = PeftModel.from_pretrained(AutoModelForImageTextToText.from_pretrained(base.path), adapter.folder).eval()
    image = Image.open(io.BytesIO(picture(seed=5)))
    found = [logits(model, processor, "What does this picture show?", image) for model in (merged, separate, plain)]
    assert torch.allclose(found[0], found[1], atol=1e-4)
    assert not torch.allclose(found[0], found[2], atol=1e-2)


def test_the_picture_reaches_the_model(adapter, base):
    import torch

    model, processor = merged_model(base, adapter)
    black, white = (Image.new("RGB", (32, 32), colour) for colour in ("black", "white"))
    assert not torch.allclose(logits(model, processor, "What?", black), logits(model, processor, "What?", white))


def test_only_the_answers_train_and_their_end_of_turn_does(published, base):
    processor = load_processor(base)
    rows, trained = fitting_rows(read_vision_rows(published.folder, RECIPE), published.folder, RECIPE, processor)
    said = [processor.tokenizer.decode(tokens) for tokens in trained]
    answers = [row["completion"][0]["content"] for row in rows.rows]
    assert all(answer in text and text.endswith("<|end|>") for answer, text in zip(answers, said, strict=True))
    assert not any(row["prompt"][0]["content"] in text for row, text in zip(rows.rows, said, strict=True))


def test_unchanged_pictures_train_nothing(adapter, published, base):
    adapters = adapter.folder.parent.parent
    again = train(TrainingJob("vision", published.folder, "2026-11-21", base, RECIPE, adapters), print)
    assert (again.trained, again.sha256) == (False, adapter.sha256)


def test_rows_that_are_too_long_are_dropped_and_too_few_train_nothing(published, base, tmp_path):
    with pytest.raises(NotEnoughRows, match="too long"):
        train(TrainingJob("vision", published.folder, DAY, base, adjusted(RECIPE, {"max_length": 40}), tmp_path), print)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_model_without_eyes_is_refused(published, tmp_path):
    spec = TinySpec(hidden=32, intermediate=64, layers=1, heads=2, steps=1, batch=2)
    text_model = ensure_base_model("tiny", tmp_path / "models", print, spec)
    with pytest.raises(NotAVisionModelError, match="no image processor"):
        train(TrainingJob("vision", published.folder, DAY, text_model, RECIPE, tmp_path / "adapters"), print)


def test_no_script_is_written_for_an_adapter_that_saw_pictures(adapter, published, base):
    with pytest.raises(ValueError, match="trained on images"):
        training_script(adapter, base.path, published.folder, None)
