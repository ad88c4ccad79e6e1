from pathlib import Path

import pytest

from rl_assets.evaluation.run.inputs import contaminated_prompts, held_out_answers, held_out_pairs, with_rejected
from rl_assets_tests.support.evaluation_folders import dataset, dpo_row, sft_row


def test_only_good_answers_of_the_segment_become_references(tmp_path: Path):
    rows = [
        sft_row("a", "Colour of the rotor?", "grey"),
        sft_row("b", "Colour of the valve?", "red", reward=0.8),
        sft_row("c", "Write a haiku.", "leaves fall", segment="haiku"),
        sft_row("d", "Anything?", "yes", segment=None),
    ]
    folder = dataset(tmp_path / "sft_dataset", test=rows)
    assert [item.references for item in held_out_answers(folder, "parts")] == [("grey",)]
    assert len(held_out_answers(folder, None)) == 3
    assert len(held_out_answers(folder, None, min_reference_reward=0.8)) == 4


def test_several_good_answers_to_one_prompt_are_one_item(tmp_path: Path):
    rows = [sft_row("a", "Colour of the rotor?", text) for text in ("grey", "It is grey.", "grey")]
    (item,) = held_out_answers(dataset(tmp_path / "sft_dataset", test=rows), "parts")
    assert item.references == ("It is grey.", "grey")
    assert item.prompt == ({"role": "user", "content": "Colour of the rotor?"},)
    assert item.cluster == "a"


def test_the_order_of_rows_does_not_change_the_items(tmp_path: Path):
    rows = [sft_row(f"k{i}", f"Question {i}?", f"answer {i}") for i in range(9)]
    pairs = [dpo_row(f"k{i}", f"Question {i}?", "good", "bad") for i in range(9)]
    first = (
        dataset(tmp_path / "a" / "sft_dataset", test=rows),
        dataset(tmp_path / "a" / "dpo_dataset", test=pairs),
    )
    other = (
        dataset(tmp_path / "b" / "sft_dataset", test=rows[::-1]),
        dataset(tmp_path / "b" / "dpo_dataset", test=pairs[::-1]),
    )
    assert held_out_answers(first[0], None) == held_out_answers(other[0], None)
    assert held_out_pairs(first[1], None) == held_out_pairs(other[1], None)


def test_a_key_in_a_test_split_and_in_a_training_split_of_either_dataset_leaks(tmp_path: Path):
    sft = dataset(
        tmp_path / "sft_dataset",
        train=[sft_row("t", "Train?", "yes"), sft_row("p", "Pair?", "yes")],
        validation=[sft_row("v", "Validation?", "yes")],
        test=[sft_row("x", "Test?", "yes"), sft_row("v", "Validation?", "yes")],
    )
    dpo = dataset(tmp_path / "dpo_dataset", test=[dpo_row("p", "Pair?", "yes", "no")])
    assert contaminated_prompts((sft, dpo)) == ["p", "v"]


def test_a_near_duplicate_of_a_training_prompt_leaks(tmp_path: Path):
    train = [sft_row("t", "What colour is the rotor?", "grey", cluster_key="rotor")]
    test = [sft_row("x", "What colour is the rotor, please?", "grey", cluster_key="rotor"), sft_row("y", "Why?", "so")]
    sft = dataset(tmp_path / "sft_dataset", train=train, test=test)
    assert contaminated_prompts((sft,)) == ["x"]


def test_a_prompt_that_named_its_cluster_leaks_although_it_has_none_itself(tmp_path: Path):
    train = [sft_row("rotor", "What colour is the rotor?", "grey", cluster_key=None)]
    sft = dataset(tmp_path / "sft_dataset", train=train, test=[sft_row("x", "Rotor?", "grey", cluster_key="rotor")])
    assert contaminated_prompts((sft,)) == ["x"]


def test_training_splits_of_further_datasets_are_looked_into(tmp_path: Path):
    sft = dataset(tmp_path / "sft_dataset", test=[sft_row("x", "Test?", "yes")])
    grpo = dataset(tmp_path / "grpo_dataset", train=[dpo_row("x", "Test?", "yes", "no")])
    assert contaminated_prompts((sft,), (grpo,)) == ["x"]


def test_rejected_answers_come_from_pairs_of_the_same_prompt_and_are_no_references(tmp_path: Path):
    sft = dataset(tmp_path / "sft_dataset", test=[sft_row("a", "A?", "grey"), sft_row("b", "B?", "red")])
    pairs = [dpo_row("a", "A?", "grey", "blue"), dpo_row("a", "A?", "blue", "grey"), dpo_row("c", "C?", "x", "y")]
    dpo = dataset(tmp_path / "dpo_dataset", test=pairs)
    items = with_rejected(held_out_answers(sft, None), held_out_pairs(dpo, None))
    assert {item.cluster: item.rejected for item in items} == {"a": ("blue",), "b": ()}


def test_splits_that_share_no_key_leak_nothing(tmp_path: Path):
    sft = dataset(tmp_path / "sft_dataset", test=[sft_row("x", "Test?", "yes")])
    dpo = dataset(tmp_path / "dpo_dataset", test=[dpo_row("x", "Test?", "yes", "no")])
    assert contaminated_prompts((sft, dpo)) == []


def test_a_missing_split_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"no test split at .*materialize"):
        held_out_answers(tmp_path / "sft_dataset", None)
