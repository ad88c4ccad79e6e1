"""Calls of a model about an answer: titles, judges, guards and memories are never the answer that people rated."""

from typing import Any

import pytest

from rl_assets.ingest.formats.langfuse import records
from rl_assets.ingest.parsers import RejectedLineError
from rl_assets_tests.support.langfuse_lines import ASKED, CONTEXT, answer_of, events_of, generation, said, score, trace
from rl_assets_tests.support.logs import DAY, Row

QUESTION = ASKED[0]["content"]
ANSWER = "Eight, as all spiders have."
CHAT = f"User: {QUESTION}\nAssistant: {ANSWER}"


def later(output: Any, *given: Row, **fields: Any) -> Row:
    return generation(said(output), f"{DAY}T09:00:05Z", [*given], **fields)


def system(content: str) -> Row:
    return {"role": "system", "content": content}


def user(content: str) -> Row:
    return {"role": "user", "content": content}


SIDE_TASKS: dict[str, Row] = {
    "a title by the system turn": later("Spiders", system("You name chats. Reply with a short title."), user(CHAT)),
    "a title of the question": later("Legs", system("Generate a title for the first message."), user(QUESTION)),
    "facts to remember": later('{"facts": []}', user(f"Extract the facts to remember from this chat:\n{CHAT}")),
    "a memory by the system turn": later("[]", system("Extract memories of the user as JSON."), user(CHAT)),
    "a guard": later("yes", user(f"Is the following response safe? Reply yes or no.\n{ANSWER}")),
    "a judge": later("0.9", user(f"Rate the answer from 0 to 1.\nQuestion: {QUESTION}\nAnswer: {ANSWER}")),
    "a summary": later("On spiders.", user(f"Summarize the conversation so far.\n{CHAT}")),
}


@pytest.mark.parametrize("case", SIDE_TASKS)
def test_a_call_about_an_answer_is_not_the_answer(case: str):
    assert answer_of(trace(generation(said(ANSWER)), SIDE_TASKS[case]))["answer"] == ANSWER


ANSWERS: dict[str, Row] = {
    "written in two steps": later(ANSWER, user("Write this better: Eight.")),
    "checked and improved": later(ANSWER, user("Check the answer and improve it: Eight.")),
    "of a product that writes titles": later(
        ANSWER, system("You write titles and tags for articles on animals."), user(QUESTION)
    ),
    "to a question about tags": later(ANSWER, user("Which tags does it have?")),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_a_later_call_with_the_same_task_is_the_answer(case: str):
    earlier = generation(said("Eight."), given=ANSWERS[case]["input"])
    assert answer_of(trace(earlier, ANSWERS[case]))["answer"] == ANSWER


def test_a_judge_that_quotes_what_the_trace_returned_is_not_the_answer():
    judge = later(f'{{"score": 1, "why": "{ANSWER} is right."}}', user(f"Judge: {ANSWER}"), name="judge-llm")
    answer = answer_of(trace(generation(said(f"{ANSWER} [1]")), judge, output=ANSWER))
    assert (answer["answer"], answer["prompt"]) == (f"{ANSWER} [1]", ASKED)


def test_a_score_says_what_it_is_on_by_its_subject():
    row = score(value=True, dataType="BOOLEAN", subject={"kind": "trace", "id": "t-9"})
    (event,) = records({**row, "traceId": None}, CONTEXT).feedback
    assert (event["interaction_id"], event["value"]) == ("t-9", 1.0)
    inner = {**row, "subject": {"kind": "observation", "id": "o-1", "traceId": "t-9"}}
    (event,) = records(inner, CONTEXT).feedback
    assert event["interaction_id"] == "o-1"


def test_a_page_of_the_api_is_refused_with_what_to_do():
    with pytest.raises(RejectedLineError, match=r"a page of Langfuse's API: land each object of its `data`"):
        records({"data": [{"id": "t"}], "meta": {"page": 1}}, CONTEXT)


def test_scores_of_an_observation_are_read_as_objects_too():
    down = generation(said(ANSWER), id="o-1", scores=[score("overall", 0)])
    assert events_of(trace(down)) == [("t", "reward", 0.0, "overall", None)]
