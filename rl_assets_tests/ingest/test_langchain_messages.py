"""What LangChain logs in forms of its own: batches of one, completions, histories as texts."""

import pytest

from rl_assets.ingest.langchain_messages import history_messages
from rl_assets.ingest.logged_texts import read_input, read_output

USER = {"role": "user", "content": "Hi"}


@pytest.mark.parametrize(
    "given", [["Hi"], [["Hi"]], {"prompts": ["Hi"]}, {"messages": [["Hi"]]}, {"input": "Hi", "chat_history": ""}]
)
def test_a_batch_of_one_prompt_is_the_prompt(given):
    assert read_input(given, "input") == [USER]


@pytest.mark.parametrize(
    "returned",
    [
        {"generations": [[{"text": "Yes.", "generation_info": {"finish_reason": "stop"}}]], "llm_output": None},
        {"generations": [{"text": "Yes."}]},
        [[{"text": "Yes."}]],
        [[[{"role": "assistant", "content": "Yes."}]]],
    ],
)
def test_the_generations_of_a_batch_of_one_are_the_answer(returned):
    assert read_output(returned, "output", by_model=True).text == "Yes."


def test_a_history_that_was_written_as_a_text_is_turns_again():
    given = {"input": "And today?", "chat_history": "Human: Open on\nSundays?\nAI: No."}
    assert [(turn["role"], turn["content"]) for turn in read_input(given, "input")] == [
        ("user", "Open on\nSundays?"),
        ("assistant", "No."),
        ("user", "And today?"),
    ]
    assert history_messages("We spoke of shoes.") == [{"role": "user", "content": "We spoke of shoes."}]
