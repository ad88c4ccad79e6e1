"""Every expectation holds of good rows and fails of rows that are broken in its way, with the bad row as a sample."""

from copy import deepcopy

import pytest

from rl_assets.datasets.audit import audit
from rl_assets.datasets.suites import DPO, GRPO, KTO, SFT
from rl_assets_tests.support.dataset_tables import UNACCOUNTED, Row, connected, good_rows, message

SUITES = {"sft_dataset": SFT, "dpo_dataset": DPO, "kto_dataset": KTO, "grpo_dataset": GRPO}
ALTERNATE = "prompts_alternate_and_end_with_user"
MESSAGES = "messages_alternate_and_end_with_assistant"


def put(*path, value):
    """A change that puts a value at a path of the first row."""

    def change(rows: list[Row]) -> None:
        target = rows[0]
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value

    return change


def everywhere(*path, value):
    def change(rows: list[Row]) -> None:
        for i in range(len(rows)):
            put(*path, value=value)(rows[i:])

    return change


def other_split(rows: list[Row]) -> None:
    rows[0]["split"] = "test" if rows[0]["split"] == "train" else "train"


def same_prompt_in_another_split(rows: list[Row]) -> None:
    """The first row's prompt in the first row of another split, whose keys still say that it is another prompt."""
    other = next(row for row in rows if row["split"] != rows[0]["split"])
    field = "prompt" if "prompt" in other else "messages"
    put(field, 0, "content", value=rows[0][field][0]["content"])([other])


def synthetic_held_out(rows: list[Row]) -> None:
    """The first row is held out, and a panel's."""
    rows[0]["split"] = "test"
    put("metadata", source_of(rows), value="synthetic")(rows)


def all_synthetic(rows: list[Row]) -> None:
    everywhere("metadata", source_of(rows), value="synthetic")(rows)


def source_of(rows: list[Row]) -> str:
    return "scorer" if "responses" in rows[0] else "reward_source"


def again(rows: list[Row]) -> None:
    rows.append(deepcopy(rows[0]))


def only(count: int):
    def change(rows: list[Row]) -> None:
        del rows[count:]

    return change


def lose_an_answer(rows: list[Row]) -> None:
    """Of one answer it is said both that it stands in a row and why it does not."""
    rows[-1]["prompt_key"] = UNACCOUNTED


def in_variants(*path):
    """The same answer everywhere but for its last word."""

    def change(rows: list[Row]) -> None:
        said = " ".join(f"word{place}" for place in range(40))
        for number in range(len(rows)):
            put(*path, value=f"{said} end{number}")(rows[number:])

    return change


LONG_ROWS = "few_rows_are_long"
USER, SYSTEM, ANSWER = message("user", "q"), message("system", "s"), message("assistant", "a")
SPLIT = [
    ("splits_follow_prompt_keys", other_split),
    ("splits_follow_prompt_keys", put("metadata", "prompt_key", value="x")),
    ("splits_follow_prompt_keys", put("metadata", "cluster_key", value=None)),
    ("no_prompt_is_near_another_split", same_prompt_in_another_split),
]
LONG = "word " * 2000
BALANCE = ("no_category_dominates", everywhere("metadata", "category", value="only one"))
LOST = ("every_answer_is_accounted_for", lose_an_answer)
SYNTHETIC = [
    ("held_out_rows_are_not_synthetic", synthetic_held_out),
    ("synthetic_rows_are_a_minority", all_synthetic),
]
ANY = [*SPLIT, *SYNTHETIC, BALANCE, LOST, ("at_least_100_rows", only(99)), ("at_least_100_rows", only(0))]
PROMPT = [
    (ALTERNATE, put("prompt", value=[USER, ANSWER])),
    (ALTERNATE, put("prompt", value=[USER, USER])),
    (ALTERNATE, put("prompt", value=[USER, SYSTEM, USER])),
    (ALTERNATE, put("prompt", value=[message("robot", "q")])),
    (ALTERNATE, put("prompt", value=[message("user", " \n")])),
    (ALTERNATE, put("prompt", value=[message("user", None)])),
    (ALTERNATE, put("prompt", value=[])),
    (ALTERNATE, put("prompt", value=None)),
    ("texts_hold_no_replacement_characters", put("prompt", 0, "content", value="caf\ufffd")),
    ("no_personal_data_is_left", put("prompt", 0, "content", value="Write to joe@shop.org")),
]
BROKEN = {
    "sft_dataset": [
        ("few_answers_are_nearly_alike", in_variants("messages", 1, "content")),
        *ANY,
        (MESSAGES, put("messages", value=[USER])),
        (MESSAGES, put("messages", value=[ANSWER])),
        (MESSAGES, put("messages", value=[USER, ANSWER, ANSWER])),
        (MESSAGES, put("messages", value=[USER, message(None, "x"), ANSWER])),
        (MESSAGES, put("messages", value=[])),
        (MESSAGES, put("messages", value=None)),
        ("no_message_is_empty", put("messages", 1, "content", value="\t\n")),
        ("no_message_is_empty", put("messages", 0, "content", value=None)),
        ("prompts_are_unique", again),
        ("rewards_are_shares", put("metadata", "reward", value=1.1)),
        ("rewards_are_shares", put("metadata", "reward", value=None)),
        ("texts_hold_no_replacement_characters", put("messages", 0, "content", value="caf\ufffd")),
        ("no_personal_data_is_left", put("messages", 1, "content", value="My card is 4111 1111 1111 1111")),
        (LONG_ROWS, everywhere("messages", 1, "content", value=LONG)),
        ("no_agent_repeats_itself", everywhere("messages", 1, "content", value="You are right!")),
        ("no_agent_dominates", everywhere("metadata", "agent", value="only one")),
    ],
    "dpo_dataset": [
        *ANY,
        *PROMPT,
        (LONG_ROWS, everywhere("rejected", 0, "content", value=LONG)),
        ("sides_are_one_answer", put("chosen", value=[USER])),
        ("sides_are_one_answer", put("rejected", value=[ANSWER, ANSWER])),
        ("sides_are_one_answer", put("chosen", 0, "content", value=" ")),
        ("sides_are_one_answer", put("rejected", value=[])),
        ("sides_differ", put("rejected", 0, "content", value="good answer 0\n")),
        ("pairs_are_unique", again),
        ("chosen_is_rated_higher", put("metadata", "margin", value=0.0)),
        ("chosen_is_rated_higher", put("metadata", "margin", value=None)),
        (
            "longer_is_not_simply_better",
            everywhere("chosen", 0, "content", value="a very much longer answer than that"),
        ),
    ],
    "kto_dataset": [
        *ANY,
        *PROMPT,
        (LONG_ROWS, everywhere("completion", 0, "content", value=LONG)),
        ("completions_are_one_answer", put("completion", value=[USER])),
        ("completions_are_one_answer", put("completion", 0, "content", value=" ")),
        ("every_row_has_a_label", put("label", value=None)),
        ("answers_are_unique", again),
        ("rewards_are_shares", put("metadata", "reward", value=-0.1)),
        ("both_labels_are_there", everywhere("label", value=True)),
        ("few_answers_are_nearly_alike", in_variants("completion", 0, "content")),
    ],
    "grpo_dataset": [
        (LONG_ROWS, everywhere("responses", 0, "text", value=LONG)),
        *ANY,
        *PROMPT,
        ("groups_have_two_answers", put("responses", value=[{"text": "one", "reward": 1.0}])),
        ("answers_of_a_group_differ", put("responses", 1, "text", value="answer 0")),
        ("groups_carry_signal", put("metadata", "sd", value=0.0)),
        ("rewards_are_shares", put("responses", 0, "reward", value=1.5)),
        ("rewards_are_shares", put("responses", 0, "reward", value=None)),
        ("few_answers_are_nearly_alike", in_variants("responses", 0, "text")),
    ],
}
CASES = [(dataset, *case) for dataset, cases in BROKEN.items() for case in cases]


def test_there_is_a_broken_row_for_every_expectation():
    for name, suite in SUITES.items():
        assert {case[0] for case in BROKEN[name]} == {item.name for item in suite}


@pytest.mark.parametrize("name", SUITES)
def test_good_rows_pass(name):
    findings = audit(connected(good_rows(name), name), SUITES[name])
    assert [finding.passed for finding in findings] == [True] * len(SUITES[name])


@pytest.mark.parametrize(("name", "expectation", "change"), CASES, ids=[f"{n}-{e}" for n, e, _ in CASES])
def test_rows_broken_in_one_way_fail_the_expectation_about_it(name, expectation, change):
    rows = good_rows(name)
    change(rows)
    item = next(item for item in SUITES[name] if item.name == expectation)
    finding = audit(connected(rows, name), [item])[0]
    assert not finding.passed
    assert finding.blocks == item.blocking
    if item.bad_row:
        assert finding.samples[0]["prompt_key"] == rows[0]["prompt_key"]
        assert len(finding.samples) <= 20


@pytest.mark.parametrize("column", ["category", "agent"])
def test_rows_that_name_no_category_or_agent_have_none_that_dominates(column):
    rows = good_rows("sft_dataset")
    everywhere("metadata", column, value=None)(rows)
    items = [item for item in SFT if item.name in ("no_category_dominates", "no_agent_dominates")]
    assert all(finding.passed for finding in audit(connected(rows, "sft_dataset"), items))


@pytest.mark.parametrize(
    "text", ["question 1", "Question 1!", "one two three four five six seven eight nine ten eleven"]
)
def test_a_held_out_prompt_that_is_nearly_one_of_training_is_found_whatever_its_key(text):
    rows = good_rows("sft_dataset")
    train, test = (next(row for row in rows if row["split"] == split) for split in ("train", "test"))
    train["messages"][0]["content"] = "question 1" if "1" in text else f"{text} twelve"
    test["messages"][0]["content"] = text
    finding = next(
        finding
        for finding in audit(connected(rows, "sft_dataset"), SFT)
        if finding.expectation.name == "no_prompt_is_near_another_split"
    )
    assert finding.blocks and any(row["messages"] == test["messages"] for row in finding.samples)
