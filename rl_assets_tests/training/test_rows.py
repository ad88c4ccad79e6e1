import math
from pathlib import Path

import pytest

from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import load_tokenizer
from rl_assets.recipes.recipe import Recipe
from rl_assets.training.data.audit import audit_end_of_turn
from rl_assets.training.data.rows import pair_rows, sft_rows
from rl_assets.training.errors import NotEnoughRows, UntrainableRows
from rl_assets.training.runner.checks import max_or_nan
from rl_assets_tests.support.training_samples import chat, dpo_row, publish, sft_row


@pytest.fixture(scope="module")
def tokenizer(base: BaseModel):
    return load_tokenizer(base)


@pytest.fixture
def tolerant(recipe: Recipe) -> Recipe:
    return recipe.model_copy(update={"min_rows_sft": 1, "min_rows_dpo": 1, "max_length": 40})


def test_only_the_recipes_segment_is_trained_on(tmp_path: Path, tolerant: Recipe, tokenizer):
    rows = [sft_row("Where is the valve?", "bin 2"), sft_row("What is 1 + 1?", "2", segment=None)]
    kept = sft_rows(publish(tmp_path / "d", "sft_dataset", rows), tolerant, tokenizer)
    assert [row["completion"][0]["content"] for row in kept.rows] == ["bin 2"]
    assert kept.counts() == {"used": 1, "dropped": {"of other segments": 1}, "cut": 0}


def test_a_row_over_max_length_is_dropped_and_counted(tmp_path: Path, tolerant: Recipe, tokenizer):
    rows = [sft_row("Where is the valve?", "bin 2"), sft_row("Where is the valve? " * 20, "bin 2")]
    kept = sft_rows(publish(tmp_path / "d", "sft_dataset", rows), tolerant, tokenizer)
    assert kept.counts() == {"used": 1, "dropped": {"too long": 1}, "cut": 0}


def test_cutting_leaves_out_the_oldest_turns_and_keeps_the_question(tmp_path: Path, tolerant: Recipe, tokenizer):
    long = sft_row("Where is the valve?", "bin 2")
    long["messages"] = chat("Where is the pump? " * 9, "rack 4") + long["messages"]
    data = publish(tmp_path / "d", "sft_dataset", [long, sft_row("valve " * 60, "bin 2")])
    kept = sft_rows(data, tolerant.model_copy(update={"on_overlong": "cut"}), tokenizer)
    assert [row["prompt"] for row in kept.rows] == [chat("Where is the valve?")]
    assert kept.counts() == {"used": 1, "dropped": {"too long": 1}, "cut": 1}


def test_pairs_with_equal_or_empty_sides_are_dropped_and_counted(tmp_path: Path, tolerant: Recipe, tokenizer):
    rows = [dpo_row("Price?", "2", "3"), dpo_row("Price?", "2", "2"), dpo_row("Price?", "2", " ")]
    kept = pair_rows(publish(tmp_path / "d", "dpo_dataset", rows), tolerant, tokenizer, 1)
    assert kept.counts() == {"used": 1, "dropped": {"with an empty answer": 1, "with equal sides": 1}, "cut": 0}


def test_too_few_rows_say_how_many_are_there_and_what_to_do(tmp_path: Path, recipe: Recipe, tokenizer):
    data = publish(tmp_path / "d", "sft_dataset", [sft_row("Where is the valve?", "bin 2")])
    with pytest.raises(NotEnoughRows, match=r"has 1 usable rows, training needs 20\. Wait for more") as raised:
        sft_rows(data, recipe, tokenizer)
    assert (raised.value.usable, raised.value.needed) == (1, 20)


def test_the_share_of_rows_that_train_their_end_of_turn_is_measured_and_below_1_refused():
    covered = audit_end_of_turn([[5, 6, 1], [7, 1]], frozenset({1}))
    assert (covered.passed, covered.value) == (True, 1.0)
    with pytest.raises(UntrainableRows, match=r"2 of 3 rows \(first: \[0, 2\]\)") as raised:
        audit_end_of_turn([[5, 6], [7, 1], []], frozenset({1}))
    assert raised.value.check is not None
    assert (raised.value.check.passed, raised.value.check.value) == (False, pytest.approx(1 / 3))


def test_no_rows_cover_nothing():
    with pytest.raises(UntrainableRows, match="0 of 0 rows"):
        audit_end_of_turn([], frozenset({1}))


def test_the_worst_value_is_nan_if_one_is():
    assert max_or_nan([0.0, 2.0, 1.0]) == 2.0
    assert math.isnan(max_or_nan([0.0, math.nan, 1.0]))
