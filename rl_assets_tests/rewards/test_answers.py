import pytest

from rl_assets.rewards.answers import brevity, exact_answer, json_format, task_success
from rl_assets.rewards.named import reward_functions

REFERENCE = '{"answer": "red", "image": "none"}'


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


@pytest.mark.parametrize(
    ("text", "reference", "form", "exact"),
    [
        ('{"answer": "red", "image": "none"}', REFERENCE, 1.0, 1.0),
        (' {"image":"none","answer":"red"}\n', REFERENCE, 1.0, 1.0),
        ('{"answer": "blue", "image": "none"}', REFERENCE, 1.0, 0.0),
        ('{"answer": "red"}', REFERENCE, 0.0, 0.0),
        ('["answer", "image"]', REFERENCE, 0.0, 0.0),
        ("red", REFERENCE, 0.0, 0.0),
        ("", REFERENCE, 0.0, 0.0),
        ("[" * 100_000, REFERENCE, 0.0, 0.0),
        ("[1, 2]", "[1,2]", 1.0, 1.0),
        ("red ", "red", None, 1.0),
        ("42", "42", None, 1.0),
        ("red", "", None, None),
    ],
)
def test_an_answer_is_rewarded_for_its_form_and_for_being_right(text, reference, form, exact):
    given = {"prompts": [said("?")], "completions": [said(text)], "reference": [reference]}
    assert json_format(**given) == [form]
    assert exact_answer(**given) == [exact]


@pytest.mark.parametrize(
    ("text", "reference", "reward"),
    [
        ("9 + 9 = 18\nA: 18", "The sum is 18.\n#### 18", 1.0),
        ("So the answer is 18.0.", "#### 18", 1.0),
        ("9 + 8 = 17\nA: 17", "The sum is 18.\n#### 18", 0.0),
        ("I do not know.", "#### 18", 0.0),
        ("18", "She has 18 eggs left.", None),
        ("18", "", None),
    ],
)
def test_a_worked_solution_is_rewarded_for_its_number_as_in_evaluation(text, reference, reward):
    assert task_success(prompts=[said("?")], completions=[said(text)], reference=[reference]) == [reward]


def test_brevity_falls_from_the_references_length_to_twice_it():
    answers = ["abcd", "abcdef", "abcdefgh", "abcdefghijkl", ""]
    rewards = brevity([None] * 5, [said(answer) for answer in answers], ["wxyz"] * 5)
    assert rewards == [1.0, 0.5, 0.0, 0.0, 1.0]


def test_rewards_are_found_by_name_and_a_learned_one_sees_the_whole_conversation():
    rule, learned = reward_functions(["exact_answer", "reward_model"], lambda talks: [float(len(t)) for t in talks])
    assert rule is exact_answer
    assert learned([said("?")], [said("!")], reference=["!"]) == [2.0]


@pytest.mark.parametrize(("name", "message"), [("exact", "json_format, exact_answer"), ("reward_model", "materialize")])
def test_a_reward_that_is_not_there_is_refused(name: str, message: str):
    with pytest.raises(ValueError, match=message):
        reward_functions([name], None)
