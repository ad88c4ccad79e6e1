"""Answers that ended at their limit of tokens say so in every format that logs why a model stopped."""

from typing import Any

import pytest

from rl_assets_tests.support.logs import DAY, Product, Row
from rl_assets_tests.support.vendor_lines import Landed, land, land_together

ASKED = [{"role": "user", "content": "What is in it?"}]
CUT = "First of all, and"


def completion(reason: str = "length") -> Row:
    return {"id": "a", "choices": [{"message": {"role": "assistant", "content": CUT}, "finish_reason": reason}]}


def helicone(response: Row) -> Row:
    about = {"request_id": "a", "request_created_at": f"{DAY}T10:00:00Z", "response_status": 200}
    return {**about, "request_body": {"messages": ASKED}, "response_body": response}


def langsmith(outputs: Row) -> Row:
    about = {"id": "a", "name": "chat", "run_type": "llm", "start_time": f"{DAY}T10:00:00Z"}
    return {**about, "inputs": {"messages": ASKED}, "outputs": outputs}


def span(attributes: dict[str, Any]) -> Row:
    given = {"gen_ai.input.messages": ASKED, "gen_ai.output.messages": [{"role": "assistant", "content": CUT}]}
    own = {"traceId": "b" * 32, "spanId": "c" * 16, "startTimeUnixNano": "1790848800000000000"}
    return {**own, "attributes": {**given, **attributes}}


GEMINI = {"content": {"role": "model", "parts": [{"text": CUT}]}, "finishReason": "MAX_TOKENS"}
MESSAGE = {"type": "ai", "content": CUT, "response_metadata": {"stop_reason": "max_tokens"}}
CUT_LINES: dict[str, tuple[str, Row]] = {
    "openai_chat": ("openai_chat", {**completion(), "messages": ASKED}),
    "openpipe": ("openpipe", {"input": {"messages": ASKED}, "output": completion(), "tags": {}}),
    "helicone of OpenAI": ("helicone", helicone(completion())),
    "helicone of Anthropic": (
        "helicone",
        helicone({"role": "assistant", "content": [{"type": "text", "text": CUT}], "stop_reason": "max_tokens"}),
    ),
    "helicone of Gemini": ("helicone", helicone({"candidates": [GEMINI]})),
    "langsmith of OpenAI": ("langsmith", langsmith(completion())),
    "langsmith of generations": (
        "langsmith",
        langsmith({"generations": [[{"text": CUT, "generation_info": {"finish_reason": "length"}}]]}),
    ),
    "langsmith of messages": ("langsmith", langsmith({"generations": [[{"message": MESSAGE}]]})),
    "otel_genai": ("otel_genai", span({"gen_ai.response.finish_reasons": ["length"]})),
    "otel_genai of messages": (
        "otel_genai",
        span({"gen_ai.output.messages": [{"role": "assistant", "content": CUT, "finish_reason": "length"}]}),
    ),
    "otel_genai flat": ("otel_genai", span({"gen_ai.completion.0.finish_reason": "length"})),
}


def numbered(line: Row, number: int) -> Row:
    """The line under an id of its own."""
    return {**line, **{name: f"{number:016x}" for name in ("id", "request_id", "spanId") if name in line}}


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Landed]:
    cases = {
        case: (log_format, [numbered(line, number)])
        for number, (case, (log_format, line)) in enumerate(CUT_LINES.items())
    }
    return land_together(tmp_path_factory.mktemp("cut"), cases)


@pytest.mark.parametrize("case", CUT_LINES)
def test_an_answer_that_ended_at_its_limit_says_so(cut: dict[str, Landed], case: str):
    assert cut[case].rejects == []
    assert [(row["answer"], row["finish_reason"]) for row in cut[case].interactions] == [(CUT, "length")]


def test_an_answer_that_ended_by_itself_or_does_not_say_is_not_cut(product: Product):
    whole = [helicone(completion("stop")), {**helicone({"choices": completion()["choices"]}), "request_id": "b"}]
    del whole[1]["response_body"]["choices"][0]["finish_reason"]
    landed = land(product, "helicone", whole)
    assert [row["finish_reason"] for row in landed.interactions] == ["stop", None]
