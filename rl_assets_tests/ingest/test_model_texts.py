"""What models were asked and wrote, in the shapes of several tools, is read as it is written."""

import json

import pytest

from rl_assets_tests.support.logs import Row
from rl_assets_tests.support.model_lines import (
    ASKED,
    answer_of,
    event,
    helicone,
    langfuse,
    langsmith,
    read,
    span,
)

INPUT = {"llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "q?"}
CONVERSE = [{"reasoningContent": {"reasoningText": {"text": "Hm."}}}, {"text": "Answer."}]


def openinference(side: str, *parts: Row) -> Row:
    prefix = f"llm.{side}_messages.0.message"
    fields = {
        f"{prefix}.contents.{place}.message_content.{name}": value
        for place, part in enumerate(parts)
        for name, value in part.items()
    }
    return {f"{prefix}.role": "user" if side == "input" else "assistant", **fields}


REASONED = openinference("output", {"type": "reasoning", "text": "Hm."}, {"type": "text", "text": "Answer."})


@pytest.mark.parametrize(
    "line",
    [
        span({**INPUT, **REASONED}),
        helicone({"output": {"message": {"role": "assistant", "content": CONVERSE}}, "stopReason": "end_turn"}),
        langfuse({"output": {"message": {"role": "assistant", "content": CONVERSE}}}),
        langfuse({"role": "assistant", "content": CONVERSE}),
    ],
)
def test_what_a_model_thought_is_no_part_of_its_answer(line: tuple[str, Row]):
    assert answer_of(line) == "Answer."


def test_parts_of_openinference_are_in_order_and_pictures_stay_visible():
    parts = [{"type": "text", "text": f"p{place}"} for place in range(11)]
    output = {"llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": "Yes."}
    given, _, _ = read(span({**openinference("input", *parts), **output}))
    assert given == [("user", "p0\np1\np2\np3\np4\np5\np6\np7\np8\np9\np10")]
    shown = openinference("input", {"type": "image", "image.image.url": "a.png"}, {"type": "text", "text": "What?"})
    ((_, content),) = read(span({**shown, **output}))[0]
    assert content == '\ufffc{"image": {"url": "a.png"}, "type": "image"}\nWhat?'


STOPPED, CUT = {"finish_reason": "stop"}, {"finish_reason": "length"}


@pytest.mark.parametrize("kind", ["Generation", "GenerationChunk"])
@pytest.mark.parametrize("others", [[], [{"text": "B two.", "generation_info": CUT, "type": "Generation"}]])
def test_a_completion_of_langchain_is_its_first_text(kind: str, others: list[Row]):
    generations = [[{"text": "A one.", "generation_info": STOPPED, "type": kind}, *others]]
    prompts = {"prompts": ["q?"]}
    assert read(langsmith({"generations": generations}, prompts)) == ([("user", "q?")], "A one.", "stop")
    assert read(langfuse(generations, prompts)) == ([("user", "q?")], "A one.", "stop")


@pytest.mark.parametrize(
    "text",
    [
        '["red", "green"]',
        '["red"]',
        '[{"name": "red"}, {"name": "green"}]',
        '[{"text": "a", "id": 1}]',
        '{"answer": "Yes.", "confidence": 0.9}',
        '{"answer": "Yes."}',
        '{"answer": "Paris", "sources": ["a"], "id": 4}',
        '{"city": "Paris"}',
        '{"question": "Capital?", "choices": ["Paris", "Rome"]}',
        '{"question": "Capital?", "choices": [{"id": 1, "text": "Paris"}, {"id": 2, "text": "Rome"}]}',
        '{"candidates": [{"name": "Ann"}]}',
        '"Just do it."',
        "[3, 1, 2]",
    ],
)
def test_json_that_a_model_wrote_or_was_asked_stays_as_it_is(text: str):
    flat = {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": text}
    asked = {"llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": text}
    lines = [
        langsmith({"output": text}, {"input": text}),
        langfuse(text, text),
        langfuse(text, text, {"input": text, "output": text}),
        helicone({"model": "m", "response": text, "done": True}, {"model": "m", "prompt": text}),
        helicone({"choices": [{"text": text, "index": 0}]}, {"prompt": text}),
        span({**flat, "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": text}),
        span({**asked, "llm.output_messages.0.message.content": text}),
        span(
            {},
            event("gen_ai.content.prompt", gen_ai__prompt=text),
            event("gen_ai.content.completion", gen_ai__completion=text),
        ),
        ("sharegpt", {"conversations": [{"from": "human", "value": text}], "chosen": text, "rejected": "No."}),
    ]
    assert [read(line)[:2] for line in lines] == [([("user", text)], text)] * len(lines)


def test_an_object_with_a_list_of_choices_that_are_no_answers_is_json():
    quiz = {"question": "Capital?", "choices": ["Paris", "Rome"]}
    assert answer_of(langfuse(quiz)) == '{"question":"Capital?","choices":["Paris","Rome"]}'
    assert answer_of(langsmith(quiz)) == '{"choices": ["Paris", "Rome"], "question": "Capital?"}'
    assert answer_of(langsmith({"result": {"city": "Paris"}})) == '{"city": "Paris"}'


def test_a_message_or_response_that_is_json_in_a_text_is_read():
    message = {"role": "assistant", "content": "Yes."}
    answered = [message, {"choices": [{"message": message}]}, [message], {"text": "Yes.", "finishReason": "stop"}]
    for output in map(json.dumps, answered):
        assert answer_of(langfuse(output)) == "Yes."
        assert answer_of(span({"gen_ai.input.messages": ASKED, "gen_ai.output.messages": output})) == "Yes."
    chosen = {"conversations": [{"from": "human", "value": "q?"}], "chosen": json.dumps(message), "rejected": "No."}
    assert answer_of(("sharegpt", chosen)) == "Yes."
    asked = json.dumps({"input": json.dumps(ASKED)})
    assert read(langsmith({"output": "Yes."}, asked))[:2] == ([("user", "q?")], "Yes.")


@pytest.mark.parametrize(
    "line",
    [
        span(
            {
                "gen_ai.input.messages": ASKED,
                "gen_ai.output.messages": [
                    {"role": "assistant", "parts": [{"type": "text", "content": "First."}], **STOPPED},
                    {"role": "assistant", "parts": [{"type": "text", "content": "Second."}], **CUT},
                ],
            }
        ),
        span(
            {
                **INPUT,
                "llm.output_messages.0.message.role": "assistant",
                "llm.output_messages.0.message.content": "First.",
                "llm.output_messages.1.message.role": "assistant",
                "llm.output_messages.1.message.content": "Second.",
                "gen_ai.response.finish_reasons": ["stop", "length"],
            }
        ),
        langsmith(
            {
                "generations": [
                    [
                        {"text": "First.", "message": {"type": "ai", "content": "First."}, "generation_info": STOPPED},
                        {"text": "Second.", "message": {"type": "ai", "content": "Second."}, "generation_info": CUT},
                    ]
                ]
            }
        ),
        langfuse([{"role": "assistant", "content": "First.", **STOPPED}, {"role": "assistant", "content": "Second."}]),
    ],
)
def test_of_several_choices_the_first_is_the_answer(line: tuple[str, Row]):
    assert read(line) == ([("user", "q?")], "First.", "stop")


def test_of_a_conversation_the_last_message_is_the_answer_and_says_why_it_stopped():
    messages = [*ASKED, {"role": "assistant", "content": "Wait."}, {"role": "user", "content": "Well?"}]
    last = {"role": "assistant", "content": "Yes.", "response_metadata": CUT}
    said = [("user", "q?"), ("assistant", "Wait."), ("user", "Well?")]
    assert read(langsmith({"messages": [*messages, last]})) == (said, "Yes.", "length")
    assert read(langfuse({"messages": [*messages, last]}, messages)) == (said, "Yes.", "length")


def test_the_choice_of_the_lowest_index_is_the_answer_of_events():
    asked = event("gen_ai.user.message", content="q?")
    second = event("gen_ai.choice", index=1, message=json.dumps({"content": "Second."}), finish_reason="length")
    first = event("gen_ai.choice", index=0, message=json.dumps({"content": "First."}), finish_reason="stop")
    assert read(span({}, asked, second, first)) == ([("user", "q?")], "First.", "stop")
