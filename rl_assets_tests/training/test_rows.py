from pathlib import Path

import pytest

from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import load_tokenizer
from rl_assets.recipes.recipe import Recipe
from rl_assets.training.data.audit import audit_trained_tokens
from rl_assets.training.data.rows import NotEnoughRows, UntrainableRows, pair_rows, sft_rows
from rl_assets_tests.support.training_samples import chat, dpo_row, publish, sft_row


@pytest.fixture(scope="module")
def tokenizer(base: BaseModel):
    return load_tokenizer(base)


@pytest.fixture
def tolerant(recipe: Recipe) -> Recipe:
    return recipe.model_copy(update={"min_rows_sft": 1, "min_rows_dpo": 1, "max_length": 40})


def test_only_the_recipes_segment_is_trained_on(tmp_path: Path, tolerant: Recipe, tokenizer):
    rows = [sft_row("Where is the valve?", "bin 2"), sft_row("What is 1 + 1?", "2", segment=None)]
    taken = sft_rows(publish(tmp_path / "d", "sft_dataset", rows), tolerant, tokenizer)
    assert [row["completion"][0]["content"] for row in taken.rows] == ["bin 2"]
    assert taken.counts() == {"used": 1, "dropped": {"of other segments": 1}, "cut": 0}


def test_a_row_over_max_length_is_dropped_and_counted(tmp_path: Path, tolerant: Recipe, tokenizer):
    rows = [sft_row("Where is the valve?", "bin 2"), sft_row("Where is the valve? " * 20, "bin 2")]
    taken = sft_rows(publish(tmp_path / "d", "sft_dataset", rows), tolerant, tokenizer)
    assert taken.counts() == {"used": 1, "dropped": {"too long": 1}, "cut": 0}


def test_cutting_leaves_out_the_oldest_turns_and_keeps_the_question(tmp_path: Path, tolerant: Recipe, tokenizer):
    long = sft_row("Where is the valve?", "bin 2")
    long["messages"] = chat("Where is the pump? " * 9, "rack 4") + long["messages"]
    data = publish(tmp_path / "d", "sft_dataset", [long, sft_row("valve " * 60, "bin 2")])
    taken = sft_rows(data, tolerant.model_copy(update={"on_overlong": "cut"}), tokenizer)
    assert [row["prompt"] for row in taken.rows] == [chat("Where is the valve?")]
    assert taken.counts() == {"used": 1, "dropped": {"too long": 1}, "cut": 1}


def test_pairs_with_equal_or_empty_sides_are_dropped_and_counted(tmp_path: Path, tolerant: Recipe, tokenizer):
    rows = [dpo_row("Price?", "2", "3"), dpo_row("Price?", "2", "2"), dpo_row("Price?", "2", " ")]
    taken = pair_rows(publish(tmp_path / "d", "dpo_dataset", rows), tolerant, tokenizer, 1)
    assert taken.counts() == {"used": 1, "dropped": {"with an empty answer": 1, "with equal sides": 1}, "cut": 0}


def test_too_few_rows_say_how_many_are_there_and_what_to_do(tmp_path: Path, recipe: Recipe, tokenizer):
    data = publish(tmp_path / "d", "sft_dataset", [sft_row("Where is the valve?", "bin 2")])
    with pytest.raises(NotEnoughRows, match="has 1 usable rows, training needs 20: wait for more") as raised:
        sft_rows(data, recipe, tokenizer)
    assert (raised.value.found, raised.value.needed) == (1, 20)


def test_a_row_that_does_not_train_its_end_of_turn_is_refused():
    assert audit_trained_tokens([[5, 6, 1], [7, 1]], frozenset({1})) == 2
    with pytest.raises(UntrainableRows, match=r"2 of 3 rows \(first: \[0, 2\]\)"):
        audit_trained_tokens([[5, 6], [7, 1], []], frozenset({1}))
