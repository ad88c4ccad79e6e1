"""A loss that is no number stops training and names the rows of its batch."""

from pathlib import Path
from typing import Any

import pytest

from rl_assets.models.base_models import BaseModel
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.training.errors import TrainingDiverged
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train_in_this_process
from rl_assets.training.trainers import sft
from rl_assets_tests.support.training_samples import DAY, publish, sft_row


@pytest.mark.parametrize("padding_free", [False, True])
def test_the_rows_of_the_batch_are_named_and_nothing_is_published(
    padding_free: bool, base: BaseModel, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rows = [sft_row(f"Where is part {number}?", "bin 2") for number in range(24)]
    for number, row in enumerate(rows):
        row["metadata"]["interaction_id"] = f"answer-{number}"
    data = publish(tmp_path / "data", "sft_dataset", rows)
    build = sft._trainer

    def broken(*given: Any) -> Any:
        """A trainer whose loss is NaN for the one row whose question names part 13."""
        trainer = build(*given)
        marked = trainer.train_dataset[13]["input_ids"]
        step = trainer.training_step

        def training_step(model: Any, inputs: Any, *rest: Any) -> Any:
            hit = _text(marked) in _text(inputs["input_ids"].flatten().tolist())
            loss = step(model, inputs, *rest)
            return loss * float("nan") if hit else loss

        trainer.training_step = training_step
        return trainer

    monkeypatch.setattr(sft, "_trainer", broken)
    stage = {"gradient_accumulation_steps": 4, "max_steps": 3, "padding_free": padding_free}
    alone = adjusted(recipe, {"sft": stage})
    with pytest.raises(TrainingDiverged, match=r"The loss is nan at step \d of 3, in a batch of the rows") as raised:
        train_in_this_process(TrainingJob("sft", data, DAY, base, alone, tmp_path / "adapters"), print)
    named = [word.strip(",:") for word in str(raised.value).split() if word.startswith("answer-")]
    assert "answer-13" in named and len(named) == 2
    assert not list((tmp_path / "adapters").glob("*/*/manifest.json"))


def _text(tokens: list[int]) -> str:
    return " ".join(map(str, tokens))
