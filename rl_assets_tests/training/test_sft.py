import json
import shutil
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from rl_assets.models.adapters import Adapter, newest_adapter, read_adapter
from rl_assets.models.base_models import BaseModel, ensure_base_model
from rl_assets.models.loading import WrongBaseModelError, load_base
from rl_assets.models.switching import SwitchedModels
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.training.errors import NotEnoughRows, TrainingDiverged, TrainingRefused
from rl_assets.training.job import TrainingJob
from rl_assets.training.runner.checks import adapter_size_check
from rl_assets.training.runner.run import open_run
from rl_assets.training.train import train
from rl_assets.training.trainers import sft
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
    assert (manifest.base.name, manifest.base.sha256) == ("tiny", base.sha256)
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
    with pytest.raises(TrainingDiverged, match=r"The loss is (nan|inf) at step \d+ of 12.* No checkpoint is kept\."):
        train(TrainingJob("sft", sft_data, DAY, base, wild, tmp_path), print)
    assert not list(tmp_path.rglob("manifest.json"))


def test_the_checkpoint_that_is_kept_is_the_last_of_finite_weights_and_the_next_run_resumes_from_it(
    sft_data: Path, base: BaseModel, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    every = adjusted(recipe, {"sft": {"save_steps": 1, "max_steps": 6}})
    job = TrainingJob("sft", sft_data, DAY, base, every, tmp_path)
    build = sft._trainer

    def exploding(*given: Any) -> Any:
        """A trainer whose fourth update gives weights of 1e30, and whose loss of the third is finite."""
        trainer = build(*given)
        step = trainer.training_step

        def training_step(model: Any, inputs: Any, *rest: Any) -> Any:
            if trainer.state.global_step == 3:
                trainer.optimizer.param_groups[0]["lr"] = 1e30
            return step(model, inputs, *rest)

        trainer.training_step = training_step
        return trainer

    with monkeypatch.context() as broken:
        broken.setattr(sft, "_trainer", exploding)
        with pytest.raises(TrainingDiverged, match=r"blown up after step 4: the largest is .* step 3, before that, is"):
            train(job, print)
    assert [path.name for path in tmp_path.glob("sft/*/checkpoints/checkpoint-*")] == ["checkpoint-3"]
    lines: list[str] = []
    assert train(job, lines.append).manifest.resumed_from_step == 3
    assert "resuming from step 3" in lines


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
    assert lines[:4] == ["---", 'base_model: "tiny"', 'license: "apache-2.0"', "library_name: peft"]
    config = json.loads((sft_adapter.folder / "adapter_config.json").read_text(encoding="utf-8"))
    assert (config["peft_type"], config["base_model_name_or_path"]) == ("LORA", "tiny")


def test_the_snippet_of_the_card_loads_the_adapter_and_answers(
    sft_adapter: Adapter, base: BaseModel, capsys: pytest.CaptureFixture[str]
):
    card = (sft_adapter.folder / "README.md").read_text(encoding="utf-8")
    snippet = card.partition("```python\n")[2].partition("```")[0]
    assert 'BASE, ADAPTER = "tiny", "."' in snippet
    there = f"BASE, ADAPTER = {base.path!r}, {str(sft_adapter.folder)!r}"
    scope: dict[str, Any] = {}
    exec(snippet.replace('BASE, ADAPTER = "tiny", "."', there).replace("=256", "=4"), scope)
    assert len(scope["output"][0]) <= scope["inputs"]["input_ids"].shape[1] + 4
    assert f"peft {version('peft')}" in card and base.sha256 in card


def test_a_base_in_a_folder_is_named_without_its_path_and_its_licence_is_not_guessed(
    sft_data: Path, base: BaseModel, recipe: Recipe, tmp_path: Path
):
    ours = ensure_base_model(str(shutil.copytree(base.path, tmp_path / "our-model")), tmp_path, print)
    one_step = adjusted(recipe, {"sft": {"max_steps": 1}})
    adapter = train(TrainingJob("sft", sft_data, DAY, ours, one_step, tmp_path / "adapters"), print)
    card = (adapter.folder / "README.md").read_text(encoding="utf-8")
    assert card.startswith('---\nbase_model: "our-model"\nlicense: "unknown"\n')
    assert "says under which licence it is" in card
    texts = [path.read_text(encoding="utf-8") for path in (adapter.folder / "adapter_config.json",)]
    assert not any(str(tmp_path) in text for text in [card, *texts])


def test_rows_longer_than_the_models_context_are_refused_before_training(
    sft_data: Path, base: BaseModel, recipe: Recipe, tmp_path: Path
):
    long = adjusted(recipe, {"max_length": 4096})
    with pytest.raises(TrainingRefused, match=r"max_length is 4096, and the base model tiny sees 2048 tokens at most"):
        train(TrainingJob("sft", sft_data, DAY, base, long, tmp_path), print)
    assert not any(tmp_path.iterdir())


def test_an_adapters_file_holds_what_its_recipe_trains_whatever_the_share_of_the_base(sft_adapter: Adapter):
    size = (sft_adapter.folder / "adapter_model.safetensors").stat().st_size
    check = sft_adapter.manifest.checks["adapter_size"]
    assert check.passed and check.value == size
    # r 4 x (inputs + outputs) of four attention and three feed-forward layers a block, in float32.
    per_block = 4 * 2 * 64 + 3 * (64 + 128)
    assert check.limit == 4 * 4 * per_block * 2
    assert not adapter_size_check(size * 200, int(check.limit)).passed
