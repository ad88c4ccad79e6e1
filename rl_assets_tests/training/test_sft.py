import json
from dataclasses import replace
from pathlib import Path

import pytest

from rl_assets.models.adapters import Adapter, BaseReference, newest_adapter, read_adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import WrongBaseModelError, load_base
from rl_assets.models.switching import SwitchedModels
from rl_assets.recipes.recipe import Recipe
from rl_assets.training.errors import NotEnoughRows, TrainingDiverged
from rl_assets.training.job import TrainingJob
from rl_assets.training.runner.run import open_run
from rl_assets.training.train import train
from rl_assets_tests.support.training_samples import DAY, chat, parts_rows, publish


def test_the_adapter_folder_holds_weights_configuration_card_and_manifest_alone(sft_adapter: Adapter):
    assert sorted(path.name for path in sft_adapter.folder.iterdir()) == [
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "manifest.json",
    ]
    assert sft_adapter.trained
    assert all(check.passed for check in sft_adapter.manifest.checks.values())


def test_the_manifest_tells_where_the_adapter_comes_from(sft_adapter: Adapter, base: BaseModel, recipe: Recipe):
    manifest = sft_adapter.manifest
    assert manifest.base == BaseReference(name="tiny", sha256=base.sha256)
    assert (manifest.steps, len(manifest.loss_curve)) == (12, 12)
    assert manifest.dataset.used == len(parts_rows()["sft"][::30])
    assert manifest.recipe == recipe.model_dump(mode="json")
    assert min(manifest.tokens, manifest.wall_s, manifest.peak_memory_bytes) > 0


def test_unchanged_data_on_a_new_day_trains_nothing_and_the_day_finds_its_adapter(
    sft_adapter: Adapter, base: BaseModel, recipe: Recipe, home: Path, tmp_path: Path
):
    next_day = publish(tmp_path / "next", "sft_dataset", parts_rows()["sft"][::30], day="2026-10-15")
    lines: list[str] = []
    again = train(TrainingJob("sft", next_day, "2026-10-15", base, recipe, home / "adapters"), lines.append)
    assert (again.trained, again.sha256, again.folder) == (False, sft_adapter.sha256, sft_adapter.folder)
    assert "nothing was trained" in lines[-1]
    found = newest_adapter(home / "adapters", "sft", "2026-10-15")
    assert found is not None
    assert (found.folder, found.day) == (sft_adapter.folder, "2026-10-15")
    assert newest_adapter(home / "adapters", "sft", "2026-10-16") is None


def test_other_data_or_another_recipe_trains_another_adapter(sft_data: Path, sft_adapter: Adapter, recipe: Recipe):
    base = BaseModel("tiny", "unused", sft_adapter.base_sha256)
    job = TrainingJob("sft", sft_data, DAY, base, recipe, sft_adapter.folder.parent.parent)
    other_recipe = replace(job, recipe=recipe.model_copy(update={"seed": 1}))
    other_base = replace(job, base=replace(base, sha256="0" * 64))
    same, *others = (open_run(one, print).folder for one in (job, other_recipe, other_base))
    assert same == sft_adapter.folder
    assert len({same, *others}) == 3


def test_a_small_segment_trains_nothing_and_leaves_no_folder(tmp_path: Path, base: BaseModel, recipe: Recipe):
    few = publish(tmp_path / "few", "sft_dataset", parts_rows()["sft"][:5])
    with pytest.raises(NotEnoughRows, match="5 usable rows"):
        train(TrainingJob("sft", few, DAY, base, recipe, tmp_path / "adapters"), print)
    assert not (tmp_path / "adapters").exists()


def test_a_loss_that_is_no_number_ends_the_run_without_an_adapter(
    sft_data: Path, base: BaseModel, recipe: Recipe, tmp_path: Path
):
    wild = recipe.model_copy(update={"sft": recipe.sft.model_copy(update={"learning_rate": 1e30})})
    with pytest.raises(TrainingDiverged, match=r"The loss is (nan|inf) at step \d+ of 12"):
        train(TrainingJob("sft", sft_data, DAY, base, wild, tmp_path), print)
    assert not list(tmp_path.rglob("manifest.json"))


def test_a_dataset_without_manifest_is_refused(tmp_path: Path, base: BaseModel, recipe: Recipe):
    with pytest.raises(FileNotFoundError, match="there is no dataset in"):
        train(TrainingJob("sft", tmp_path, DAY, base, recipe, tmp_path / "adapters"), print)


def test_the_merged_model_answers_as_the_adapter_does_and_not_as_its_base(sft_adapter: Adapter, base: BaseModel):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    loaded, plain = SwitchedModels(base, None, print), load_base(base, None, print)
    merged, tokenizer = loaded.as_served(sft_adapter), loaded.tokenizer
    adapted = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base.path), sft_adapter.folder).eval()
    ids = tokenizer.apply_chat_template(
        chat("Where is the valve?"), add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    with torch.no_grad():
        logits = [model(**ids).logits for model in (merged, adapted, plain)]
    assert torch.allclose(logits[0], logits[1], atol=1e-4)
    assert not torch.allclose(logits[0], logits[2], atol=1e-2)


def test_another_bases_adapter_is_refused(sft_adapter: Adapter, base: BaseModel):
    with pytest.raises(WrongBaseModelError, match="use its own base model"):
        SwitchedModels(replace(base, sha256="f" * 64), None, print).switch_to(sft_adapter)


def test_an_interrupted_or_altered_adapter_is_refused(sft_adapter: Adapter, tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="interrupted"):
        read_adapter(tmp_path)
    for path in sft_adapter.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ValueError, match="the file was altered"):
        read_adapter(tmp_path)


def test_the_model_card_opens_with_the_hubs_header(sft_adapter: Adapter):
    lines = (sft_adapter.folder / "README.md").read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["---", 'base_model: "tiny"', "library_name: peft"]
    config = json.loads((sft_adapter.folder / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["peft_type"] == "LORA"
