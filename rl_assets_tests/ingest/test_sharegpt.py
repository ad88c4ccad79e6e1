"""Conversations in the form of ShareGPT."""

from typing import Any

from rl_assets_tests.support.logs import Product, Row
from rl_assets_tests.support.vendor_lines import land

SYSTEM, QUESTION, ANSWER = "Be brief.", "How long is half a second?", "500 ms."
ASKED = [("user", QUESTION)]


def said(*turns: tuple[str, Any]) -> list[Row]:
    return [{"from": speaker, "value": value} for speaker, value in turns]


def talk(name: str, *turns: tuple[str, Any], **fields: Any) -> Row:
    return {"id": name, "conversations": said(*turns), **fields}


def test_conversations_of_every_shape_give_their_prompt_and_answer(product: Product):
    lines = [
        talk("s1", ("human", QUESTION), ("gpt", ANSWER)),
        talk("s2", ("user", QUESTION), ("chatgpt", ANSWER), model="gpt-4o", category="time"),
        talk("s3", ("system", SYSTEM), ("human", QUESTION), ("assistant", ANSWER)),
        talk("s4", ("human", QUESTION), ("gpt", ANSWER), system=SYSTEM, tools="[]"),
        talk("s5", ("human", "Time?"), ("function_call", "{}"), ("observation", "12:00"), ("gpt", "Noon.")),
        {"id": "s6", "conversation": [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}]},
        {"id": 7, "messages": said(("human", QUESTION), ("bing", ANSWER))},
        talk("s8", ("human", "Hi."), ("gpt", "Hello."), ("human", QUESTION), ("gpt", ANSWER)),
        {"conversations": said(("human", "No id."), ("gpt", "None."))},
    ]
    landed = land(product, "sharegpt", lines)
    answers = landed.answers()
    nameless = next(name for name in answers if len(name) == 64)
    assert answers.pop(nameless) == ([("user", "No id.")], "None.")
    assert answers == {
        "s1": (ASKED, ANSWER),
        "s2": (ASKED, ANSWER),
        "s3": ([("system", SYSTEM), *ASKED], ANSWER),
        "s4": ([("system", SYSTEM), *ASKED], ANSWER),
        "s5": ([("user", "Time?"), ("assistant", "{}"), ("tool", "12:00")], "Noon."),
        "s6": (ASKED, ANSWER),
        "7": (ASKED, ANSWER),
        "s8": ([("user", "Hi."), ("assistant", "Hello."), *ASKED], ANSWER),
    }
    assert (landed.rows, landed.rejects, landed.feedback) == (9, [], [])


def test_pairs_are_preferences_and_labels_are_thumbs(product: Product):
    pair = {"chosen": {"from": "gpt", "value": ANSWER}, "rejected": {"from": "gpt", "value": "Half of one."}}
    lines = [
        talk("p1", ("human", QUESTION), **pair),
        talk("p2", ("human", QUESTION), chosen=ANSWER, rejected="No."),
        talk("k1", ("human", QUESTION), ("gpt", ANSWER), label=True),
        talk("k2", ("human", QUESTION), ("gpt", "No."), kto_tag=False),
    ]
    landed = land(product, "sharegpt", lines)
    pairs = {row["interaction_id"]: (row["preferred"], row["rejected"]) for row in landed.feedback if row["preferred"]}
    assert pairs == {"p1": (ANSWER, "Half of one."), "p2": (ANSWER, "No.")}
    assert landed.answers()["p1"] == (ASKED, ANSWER)
    assert landed.events("k1") == [("thumbs", 1.0, "overall", "human", None)]
    assert landed.events("k2") == [("thumbs", 0.0, "overall", "human", None)]


def test_each_fault_of_a_line_is_named(product: Product):
    lines = [
        talk("f1", ("human", QUESTION)),
        talk("f2", ("gpt", ANSWER)),
        talk("f3", ("robot", QUESTION), ("gpt", ANSWER)),
        talk("f4", ("human", 7), ("gpt", ANSWER)),
        {"id": "f5", "instruction": "Write.", "output": "Written."},
        talk("f6", ("human", QUESTION), ("gpt", ANSWER), label="yes"),
        talk("f7", ("human", QUESTION), chosen=ANSWER),
        {"id": "f8", "conversations": {"from": "human"}},
    ]
    assert land(product, "sharegpt", lines).rejects == [
        ("missing_field", "an answer: conversations end with a turn of the user"),
        ("missing_field", "a prompt: conversations hold one answer alone"),
        ("wrong_type", "conversations[0] of the role 'robot' is an object with role, content"),
        ("wrong_type", "conversations[0] of the role 'human' is an object with role, content"),
        ("missing_field", "conversations in an object with id, instruction, output"),
        ("wrong_type", "label is a text"),
        ("missing_field", "rejected"),
        ("wrong_type", "conversations is an object with from"),
    ]
