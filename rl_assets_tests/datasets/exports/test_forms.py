"""Rows of each dataset in each form, as the tools' documentation describes them."""

import pytest

from rl_assets.datasets.exports.forms import FORMS, forms_of
from rl_assets.datasets.exports.rows import CannotExportError
from rl_assets_tests.support.dataset_tables import message

SYSTEM, USER, ANSWER = message("system", "Be brief."), message("user", "3 times 7?"), message("assistant", "21")
SURE, YES, NO = message("user", "Sure?"), message("assistant", "Yes."), message("assistant", "No.")
LONG = [SYSTEM, USER, ANSWER, SURE]
METADATA = {"segment": "sums", "category": None, "reward_source": "human", "scorer": "verifier"}
GROUP = [{"text": "A: 21", "reward": 1.0}, {"text": "A: 22", "reward": 0.0}]
DATASETS = ("sft_dataset", "dpo_dataset", "reward_dataset", "kto_dataset", "grpo_dataset")


def row(dataset: str, prompt: list[dict]) -> dict:
    fields = {
        "sft_dataset": {"messages": [*prompt, YES]},
        "kto_dataset": {"prompt": prompt, "completion": [YES], "label": False},
        "grpo_dataset": {"prompt": prompt, "responses": GROUP},
    }.get(dataset, {"prompt": prompt, "chosen": [YES], "rejected": [NO]})
    return {**fields, "metadata": METADATA}


def converted(form: str, dataset: str, prompt: list[dict]) -> dict:
    return FORMS[form].convert[dataset](row(dataset, prompt))


PAIR_FORMS = ["sharegpt", "alpaca", "orpo", "bradley_terry", "openai", "argilla"]


def test_every_dataset_has_forms():
    assert {dataset: forms_of(dataset) for dataset in DATASETS} == {
        "sft_dataset": ["prompt_completion", "instruction", "sharegpt", "alpaca", "openai", "argilla"],
        "dpo_dataset": PAIR_FORMS,
        "reward_dataset": PAIR_FORMS,
        "kto_dataset": ["sharegpt", "alpaca", "kto", "argilla"],
        "grpo_dataset": ["verifiable", "openai", "argilla"],
    }


CONTEXT = [
    {"from": "system", "value": "Be brief.", "train": False},
    {"from": "human", "value": "3 times 7?", "train": False},
    {"from": "gpt", "value": "21", "train": False},
    {"from": "human", "value": "Sure?", "train": False},
]
LAST = {"from": "gpt", "value": "Yes.", "train": True}


def test_sharegpt_keeps_all_turns_and_says_which_answer_was_rated():
    assert converted("sharegpt", "sft_dataset", LONG) == {"conversations": [*CONTEXT, LAST]}
    assert converted("sharegpt", "kto_dataset", LONG) == {"conversations": [*CONTEXT, LAST], "label": False}
    assert converted("sharegpt", "dpo_dataset", LONG) == {
        "conversations": CONTEXT,
        "chosen": {"from": "gpt", "value": "Yes."},
        "rejected": {"from": "gpt", "value": "No."},
    }


def test_alpaca_has_the_system_turn_in_a_column_of_its_own():
    question = {"instruction": "3 times 7?", "input": "", "system": "Be brief."}
    assert converted("alpaca", "sft_dataset", [SYSTEM, USER]) == {**question, "output": "Yes."}
    assert converted("alpaca", "kto_dataset", [SYSTEM, USER]) == {**question, "output": "Yes.", "label": False}
    assert converted("alpaca", "reward_dataset", [USER]) == {
        **question,
        "system": "",
        "chosen": "Yes.",
        "rejected": "No.",
    }


@pytest.mark.parametrize(
    ("chosen", "rejected", "written"),
    [
        ("The right answer is Paris.\n", " It is London", ["The right answer is Paris.", "It is London"]),
        ("Yes.", "No.", ["Yes.", "No."]),
        ("helpful", "It is London", "has an answer that chat templates write before answers"),
        ("It is London", "user", "has an answer that chat templates write before answers"),
        ("7", "It is London", "has an answer that chat templates write before answers"),
        ("Paris ", "Paris", "has answers that differ in outer whitespace alone"),
    ],
)
def test_sharegpt_writes_pairs_whose_answers_are_found_in_a_chat(chosen, rejected, written):
    pair = row("dpo_dataset", LONG) | {"chosen": [message("assistant", chosen)]}
    pair |= {"rejected": [message("assistant", rejected)]}
    if isinstance(written, str):
        with pytest.raises(CannotExportError, match=written):
            FORMS["sharegpt"].convert["dpo_dataset"](pair)
    else:
        found = FORMS["sharegpt"].convert["dpo_dataset"](pair)
        assert [found[side]["value"] for side in ("chosen", "rejected")] == written


def test_forms_of_axolotl_hold_one_question():
    assert converted("orpo", "dpo_dataset", [SYSTEM, USER]) == {
        "system": "Be brief.",
        "chosen": [USER, YES],
        "rejected": [USER, NO],
    }
    assert converted("kto", "kto_dataset", [USER]) == {
        "system": "",
        "instruction": "3 times 7?",
        "completion": "Yes.",
        "label": False,
    }
    assert converted("bradley_terry", "reward_dataset", [USER]) == {
        "system": "",
        "input": "3 times 7?",
        "chosen": "Yes.",
        "rejected": "No.",
    }


@pytest.mark.parametrize(
    ("form", "dataset"),
    [
        *(("alpaca", dataset) for dataset in DATASETS[:4]),
        *((form, "dpo_dataset") for form in ("orpo", "bradley_terry")),
        ("kto", "kto_dataset"),
    ],
)
def test_a_form_of_one_question_drops_a_conversation(form, dataset):
    with pytest.raises(CannotExportError, match="has several turns"):
        converted(form, dataset, LONG)


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ([USER, message("tool", "21")], "neither the user's nor the assistant's"),
        ([USER, SYSTEM], "neither the user's nor the assistant's"),
        ([USER, USER], "do not alternate"),
        ([ANSWER, USER], "do not alternate"),
        ([SYSTEM], "do not alternate"),
        ([], "do not alternate"),
    ],
)
@pytest.mark.parametrize("form", ["sharegpt", "openai", "alpaca"])
def test_turns_that_the_tools_would_skip_or_misread_are_dropped(form, prompt, reason):
    with pytest.raises(CannotExportError, match=reason):
        converted(form, "sft_dataset", prompt)


def test_hosted_fine_tuning_trains_on_the_rated_answer_only():
    assert converted("openai", "sft_dataset", LONG) == {"messages": [SYSTEM, USER, {**ANSWER, "weight": 0}, SURE, YES]}
    assert converted("openai", "dpo_dataset", LONG) == {
        "input": {"messages": LONG, "tools": [], "parallel_tool_calls": True},
        "preferred_output": [YES],
        "non_preferred_output": [NO],
    }
    assert converted("openai", "grpo_dataset", [USER]) == {"messages": [USER], "reference_answer": "21"}


def test_argilla_has_what_is_known_as_a_suggestion():
    rated = converted("argilla", "kto_dataset", LONG)
    assert (rated["fields"], rated["metadata"]) == (
        {"prompt": LONG, "answer": "Yes."},
        {"segment": "sums", "reward_source": "human"},
    )
    assert rated["suggestions"] == {"verdict": {"value": "bad", "score": None, "agent": "rl_assets"}}
    assert converted("argilla", "sft_dataset", LONG)["suggestions"]["verdict"]["value"] == "good"
    assert converted("argilla", "grpo_dataset", [USER])["suggestions"]["best"]["value"] == "answer_1"
    assert rated["id"] != converted("argilla", "kto_dataset", [USER])["id"]


def test_the_order_of_a_pair_for_review_does_not_tell_which_was_better():
    first = FORMS["argilla"].convert["dpo_dataset"]
    suggested = set()
    for number in range(20):
        pair = {**row("dpo_dataset", [USER]), "chosen": [message("assistant", f"Yes {number}")]}
        record = first(pair)
        better = record["suggestions"]["better"]["value"]
        assert record["fields"][better] == f"Yes {number}"
        suggested.add(better)
    assert suggested == {"answer_1", "answer_2"}


def test_a_group_without_one_best_answer_has_no_suggestion():
    group = {**row("grpo_dataset", [USER]), "responses": [{"text": "a", "reward": 1.0}, {"text": "b", "reward": 1.0}]}
    assert FORMS["argilla"].convert["grpo_dataset"](group)["suggestions"] == {}
    large = {**group, "responses": [{"text": str(number), "reward": float(number)} for number in range(11)]}
    with pytest.raises(CannotExportError, match="more than 10 answers"):
        FORMS["argilla"].convert["grpo_dataset"](large)


@pytest.mark.parametrize("dataset", DATASETS)
def test_argillas_settings_name_every_field_and_suggestion_of_a_record(dataset):
    settings, record = FORMS["argilla"].settings(dataset), converted("argilla", dataset, [USER])
    required = {field["name"] for field in settings["fields"] if field["required"]}
    assert required <= set(record["fields"]) <= {field["name"] for field in settings["fields"]}
    labels = {
        question["name"]: {option["value"] for option in question["settings"].get("options", [])}
        for question in settings["questions"]
    }
    assert all(suggestion["value"] in labels[name] for name, suggestion in record["suggestions"].items())
    assert set(record["metadata"]) <= {each["name"] for each in settings["metadata"]}
