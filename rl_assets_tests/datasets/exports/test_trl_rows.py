"""Rows as prompt and completion, instruction and output, prompt and answer."""

import pytest

from rl_assets.datasets.exports.rows import CannotExportError
from rl_assets.datasets.exports.trl_rows import instruction, prompt_completion, verifiable
from rl_assets_tests.support.dataset_tables import message

USER, ANSWER = message("user", "How much is 3 times 7?"), message("assistant", "21")


def solved(*answers: tuple[str, float], scorer: str = "verifier") -> dict:
    responses = [{"text": text, "reward": reward} for text, reward in answers]
    return {"prompt": [USER], "responses": responses, "metadata": {"scorer": scorer}}


def test_prompt_and_completion_are_the_conversation_and_its_last_answer():
    turns = [message("system", "Be brief."), USER, ANSWER, message("user", "Sure?"), message("assistant", "Yes.")]
    assert prompt_completion({"messages": turns}) == {"prompt": turns[:4], "completion": turns[4:]}


def test_an_instruction_is_the_question_or_the_system_turn_with_the_question_as_input():
    asked = {"instruction": "How much is 3 times 7?", "input": "", "output": "21"}
    assert instruction({"messages": [USER, ANSWER]}) == asked
    guided = {"instruction": "Be brief.", "input": "How much is 3 times 7?", "output": "21"}
    assert instruction({"messages": [message("system", "Be brief."), USER, ANSWER]}) == guided


def test_an_instruction_has_no_place_for_several_turns():
    with pytest.raises(CannotExportError, match="several turns"):
        instruction({"messages": [USER, ANSWER, USER, ANSWER]})


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([("3 * 7 = 21\nA: 21", 1.0), ("3 * 7 = 22\nA: 22", 0.0)], "21"),
        ([("A lot.\nA: 1,250.00", 1.0), ("So it is.\nA: $1250", 1.0)], "1250"),
        ([('{"image": "part-8.png"}', 1.0), ("shelf 4", 0.0)], '{"image": "part-8.png"}'),
    ],
)
def test_a_verifiable_answer_is_what_all_right_answers_say(answers, said):
    assert verifiable(solved(*answers)) == {"prompt": [USER], "answer": said}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (solved(("A: 21", 1.0), scorer="judge"), "was not scored by a verifier"),
        (solved(("A: 20", 0.0), ("A: 22", 0.5)), "has no right answer"),
        (solved(("A: 21", 1.0), ("A: 22", 1.0)), "has right answers that do not agree"),
        (solved(("yes", 1.0), ("yes, sure", 1.0)), "has right answers that do not agree"),
    ],
)
def test_a_group_without_one_right_answer_is_dropped_for_its_reason(row, reason):
    with pytest.raises(CannotExportError, match=reason):
        verifiable(row)


@pytest.mark.slow
def test_trl_reads_prompts_as_conversations():
    from trl.data_utils import is_conversational

    assert is_conversational(prompt_completion({"messages": [USER, ANSWER]}))
    assert is_conversational(verifiable(solved(("21", 1.0))))
