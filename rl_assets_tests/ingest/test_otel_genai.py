"""GenAI spans of OpenTelemetry: current, event-based and flat names, and evaluations."""

import json
from typing import Any

from rl_assets.metrics.scales import Metric
from rl_assets_tests.support.logs import Product, Row
from rl_assets_tests.support.vendor_lines import land, turns

NANOSECONDS = 1_790_848_800_000_000_000  # 2026-10-01T10:00:00Z
TRACE = "5b8efff798038103d269b633813fc60c"
SYSTEM, QUESTION = ("system", "Be brief."), ("user", "How long is half a second?")


def value(plain: Any) -> Row:
    if isinstance(plain, bool):
        return {"boolValue": plain}
    if isinstance(plain, int):
        return {"intValue": str(plain)}
    if isinstance(plain, float):
        return {"doubleValue": plain}
    if isinstance(plain, list):
        return {"arrayValue": {"values": [value(each) for each in plain]}}
    if isinstance(plain, dict):
        return {"kvlistValue": {"values": attributes(plain)}}
    return {"stringValue": plain}


def attributes(plain: Row) -> list[Row]:
    return [{"key": key, "value": value(each)} for key, each in plain.items()]


def event(name: str, **fields: Any) -> Row:
    names = {key.replace("__", "."): each for key, each in fields.items()}
    return {"name": name, "timeUnixNano": str(NANOSECONDS), "attributes": attributes(names)}


def span(name: str, about: Row, events: tuple[Row, ...] = (), **fields: Any) -> Row:
    return {
        "traceId": TRACE,
        "spanId": name,
        "name": "chat gpt-4o",
        "kind": 3,
        "startTimeUnixNano": str(NANOSECONDS),
        "endTimeUnixNano": str(NANOSECONDS + 250_000_000),
        "attributes": attributes(about),
        "events": [*events],
        "status": {},
        **fields,
    }


def request(*spans: Row, scopes: str = "scopeSpans") -> Row:
    resource = {"attributes": attributes({"service.name": "desk"})}
    return {"resourceSpans": [{"resource": resource, scopes: [{"scope": {"name": "openai"}, "spans": [*spans]}]}]}


def log(name: str | None, about: Row, **fields: Any) -> Row:
    record = {"timeUnixNano": str(NANOSECONDS), "traceId": TRACE, "eventName": name, "attributes": attributes(about)}
    return {"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {}, "logRecords": [{**record, **fields}]}]}]}


def part(content: str) -> list[Row]:
    return [{"type": "text", "content": content}]


def current(answer: str = "500 ms.", **fields: Any) -> Row:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.system_instructions": part("Be brief."),
        "gen_ai.input.messages": [{"role": "user", "parts": part(QUESTION[1])}],
        "gen_ai.output.messages": [{"role": "assistant", "parts": part(answer), "finish_reason": "stop"}],
        **fields,
    }


def as_text(about: Row) -> Row:
    return {key: json.dumps(each) if isinstance(each, list) else each for key, each in about.items()}


CALL = {"type": "tool_call", "id": "t1", "name": "clock", "arguments": {"unit": "ms"}}
OLD = {"gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": "Be brief.", "gen_ai.prompt.1.role": "user"}
SPANS = {
    "a1": span("a1", current()),
    "a2": span("a2", as_text(current())),
    "a3": span(
        "a3",
        {**OLD, "gen_ai.prompt.1.content": QUESTION[1], "gen_ai.completion.0.content": "500 ms.", "gen_ai.system": "x"},
    ),
    "a4": span(
        "a4",
        {
            "llm.prompts.0.role": "system",
            "llm.prompts.0.content": "Be brief.",
            "llm.prompts.1.role": "user",
            "llm.prompts.1.content": json.dumps([{"type": "text", "text": QUESTION[1]}]),
            "llm.completions.0.role": "assistant",
            "llm.completions.0.content": "500 ms.",
        },
    ),
    "a5": span(
        "a5",
        {"gen_ai.system": "openai"},
        (
            event("gen_ai.system.message", content="Be brief."),
            event("gen_ai.user.message", content=QUESTION[1], role="user"),
            event("gen_ai.choice", index=0, finish_reason="stop", message=json.dumps({"content": "500 ms."})),
        ),
    ),
    "a6": span(
        "a6",
        {"gen_ai.system": "openai"},
        (
            event(
                "gen_ai.content.prompt",
                gen_ai__prompt=json.dumps([{"role": role, "content": text} for role, text in (SYSTEM, QUESTION)]),
            ),
            event(
                "gen_ai.content.completion",
                gen_ai__completion=json.dumps([{"role": "assistant", "content": "500 ms."}]),
            ),
        ),
    ),
    "a7": span(
        "a7",
        {
            "openinference.span.kind": "LLM",
            "llm.input_messages.0.message.role": "system",
            "llm.input_messages.0.message.content": "Be brief.",
            "llm.input_messages.1.message.role": "user",
            "llm.input_messages.1.message.contents.0.message_content.type": "text",
            "llm.input_messages.1.message.contents.0.message_content.text": QUESTION[1],
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.content": "500 ms.",
            "llm.model_name": "gpt-4o",
        },
    ),
    "a8": span(
        "a8", {}, ({**event("gen_ai.client.inference.operation.details"), "attributes": attributes(current())},)
    ),
    "a9": span("a9", {"gen_ai.request.model": "gpt-4o"}, attributes={**current()}),
    "ab": span(
        "ab",
        {
            **current(),
            "gen_ai.output.messages": [
                {"role": "assistant", "parts": [{"type": "reasoning", "content": "Hm."}, *part("500 ms.")]}
            ],
        },
    ),
}


def test_every_generation_of_names_gives_the_same_prompt_and_answer(product: Product):
    landed = land(product, "otel_genai", [request(each) for each in SPANS.values()])
    assert landed.rejects == []
    assert landed.answers() == {name: ([SYSTEM, QUESTION], "500 ms.") for name in SPANS}
    rows = {row["interaction_id"]: row for row in landed.interactions}
    first = rows["a1"]
    assert (first["model"], first["tokens"], first["latency_ms"]) == ("gpt-4o-2024-08-06", 12, 250)
    assert (first["agent"], first["session_id"], first["error"]) == ("desk", TRACE, False)
    assert first["answered_at"].isoformat() == "2026-10-01T10:00:00+00:00"


def test_a_request_of_many_spans_keeps_each_answer_and_skips_spans_without_texts(product: Product):
    plain = span("c1", {"http.request.method": "GET"})
    user = {"enduser.id": "mary", "gen_ai.conversation.id": "s-1", "gen_ai.agent.name": "solver"}
    failed = span("c3", current("No."), status={"code": 2, "message": "cut"})
    tools = {
        "gen_ai.input.messages": [
            {"role": "user", "parts": part("Time?")},
            {"role": "assistant", "parts": [CALL]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "t1", "response": "12:00"}]},
        ],
        "gen_ai.output.messages": [{"role": "assistant", "parts": [*part("Let me see."), CALL]}],
    }
    lines = [
        request(plain, span("c2", current(**user)), failed),
        request(span("c4", current("Old scope.")), scopes="instrumentationLibrarySpans"),
        span("c5", {**current(), **tools, "gen_ai.system_instructions": ""}),
        request(span("W47/95gDgQPSabYzgT/GDA==", {}), span("7uGbewzw3Ks=", current("In base64."))),
        log("gen_ai.client.inference.operation.details", current("In a log."), spanId="c6"),
        log(None, {"event.name": "gen_ai.client.inference.operation.details"}, spanId="c7", body=value(current())),
    ]
    landed = land(product, "otel_genai", lines)
    answers = {name: answer for name, (_, answer) in landed.answers().items()}
    call = json.dumps(CALL, sort_keys=True)
    assert (landed.rows, landed.rejects) == (6, [])
    assert answers == {
        "c2": "500 ms.",
        "c3": "No.",
        "c4": "Old scope.",
        "c5": f"Let me see.\n{call}",
        "eee19b7b0cf0dcab": "In base64.",
        "c6": "In a log.",
        "c7": "500 ms.",
    }
    assert landed.answers()["c5"][0] == [("user", "Time?"), ("assistant", call), ("tool", "12:00")]
    rows = {row["interaction_id"]: row for row in landed.interactions}
    assert (rows["c2"]["session_id"], rows["c2"]["agent"], len(rows["c2"]["user_id"])) == ("s-1", "solver", 64)
    assert (rows["c3"]["error"], rows["c3"]["error_message"]) == (True, "cut")


def test_an_evaluation_is_a_reward_by_a_judge_or_a_comment(product: Product):
    name = "gen_ai.evaluation.result"
    score = {"gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": 4.0}
    label = {"gen_ai.evaluation.name": "tone", "gen_ai.evaluation.score.label": "warm"}
    why = {"gen_ai.evaluation.explanation": "Short."}
    lines = [
        request(span("e1", current(), ({**event(name), "attributes": attributes({**score, **why})},))),
        log(name, label, spanId="e1"),
        log(name, {**score, "gen_ai.evaluation.score.value": 1}),
    ]
    metrics = {"relevance": Metric(worst=1, best=5, dimension="overall")}
    landed = land(product, "otel_genai", lines, metrics)
    assert landed.events("e1") == [
        ("comment", None, "tone", "judge", "warm"),
        ("reward", 0.75, "overall", "judge", "Short."),
    ]
    assert landed.events(TRACE) == [("reward", 0.0, "overall", "judge", None)]


def test_a_span_that_cannot_be_read_costs_no_other_of_its_request_and_says_why(product: Product):
    bad = span("b2", {**current(), "gen_ai.output.messages": [{"reason": "stop"}]})
    landed = land(product, "otel_genai", [request(span("b1", current()), bad)])
    rows = {row["interaction_id"]: (row["answer"], row["error_message"] or "") for row in landed.interactions}
    assert rows["b1"] == ("500 ms.", "")
    assert rows["b2"][0] is None and rows["b2"][1].startswith("not read: wrong_type: span b2: the answer")


def test_log_records_of_one_span_are_one_answer(product: Product):
    logs = [
        log("gen_ai.user.message", {"content": "Stairs?"}, spanId="d1"),
        log("gen_ai.choice", {"message": {"content": "On the right."}}, spanId="d1"),
        log("gen_ai.choice", {"message": {"content": "Of no question."}}, spanId="d2"),
        log("gen_ai.system.message", {"content": "Of no answer."}, spanId="d3"),
        log("gen_ai.user.message", {"content": "Of no answer."}, spanId="d3"),
    ]
    line = {"resourceLogs": [resource for each in logs for resource in each["resourceLogs"]]}
    rows = {row["interaction_id"]: row["answer"] for row in land(product, "otel_genai", [line]).interactions}
    assert rows == {"d1": "On the right.", "d2": None, "d3": None}


def test_a_span_has_the_user_and_the_conversation_of_those_around_it(product: Product):
    agent = span("a1", {"user.id": "ann", "gen_ai.conversation.id": "c-1", "gen_ai.operation.name": "invoke_agent"})
    step = span("a2", {"session.id": "c-2"}, parentSpanId="a1")
    answers = [span("a3", current(), parentSpanId="a2"), span("a4", current(**{"user.id": "bob"}), parentSpanId="a1")]
    landed = land(product, "otel_genai", [request(agent, step, *answers)])
    inner, own = sorted(landed.interactions, key=lambda row: row["interaction_id"])
    assert (inner["session_id"], own["session_id"]) == ("c-1", "c-1")
    assert inner["user_id"] is not None and inner["user_id"] != own["user_id"]


def test_an_agent_that_gives_its_models_answer_is_one_answer_with_it(product: Product):
    shown = {"gen_ai.input.messages": current()["gen_ai.input.messages"]}
    shown |= {"gen_ai.output.messages": current()["gen_ai.output.messages"], "gen_ai.agent.name": "clerk"}
    agent = span("aa00000000000001", {"gen_ai.operation.name": "invoke_agent", **shown})
    step = span("aa00000000000002", {"step": "plan"}, parentSpanId="aa00000000000001")
    judged = event("gen_ai.evaluation.result", gen_ai__evaluation__name="overall", gen_ai__evaluation__score__value=1.0)
    call = span("aa00000000000003", current(), (judged,), parentSpanId="aa00000000000002")
    other = span("aa00000000000004", current("Which one?"), parentSpanId="aa00000000000002")
    landed = land(product, "otel_genai", [request(call, other, step, agent)])
    answers = {row["interaction_id"]: row for row in landed.interactions}
    assert sorted(answers) == ["aa00000000000001", "aa00000000000004"]
    answer = answers["aa00000000000001"]
    assert (answer["agent"], answer["model"], answer["tokens"]) == ("clerk", "gpt-4o-2024-08-06", 12)
    assert turns(answer) == [SYSTEM, QUESTION]
    assert landed.events("aa00000000000001") == [("reward", 1.0, "overall", "judge", None)]


def test_each_fault_of_a_line_is_named(product: Product):
    def without(*names: str) -> Row:
        return {key: each for key, each in current().items() if key not in names}

    lines = [
        request(span("f1", {"http.request.method": "GET"}), span("f2", {"gen_ai.request.model": "gpt-4o"})),
        {"resourceMetrics": []},
        request(span("f3", without("gen_ai.output.messages"))),
        request(span("f4", without("gen_ai.input.messages"))),
        request(span("f5", {**current(), "gen_ai.input.messages": [{"role": "robot", "parts": []}]})),
        request(span("f6", {**current(), "gen_ai.output.messages": [{"reason": "stop"}]})),
        request(span("f7", current(), startTimeUnixNano="1")),
        request(span("f8", current(), attributes="none")),
        {"resourceSpans": {"spans": []}},
        log("gen_ai.evaluation.result", {"gen_ai.evaluation.name": "tone"}, spanId="f9"),
        log("gen_ai.evaluation.result", {"gen_ai.evaluation.score.value": 1}, spanId="fa"),
        request(span("", current())),
    ]
    assert land(product, "otel_genai", lines).rejects == [
        ("missing_field", "texts of GenAI in 2 spans (is their capture on?)"),
        ("unknown_kind", "no spans or log records: an object with resourceMetrics"),
        ("missing_field", "span f3: the answer (gen_ai.output.messages) is nothing"),
        ("missing_field", "span f4: the prompt (gen_ai.input.messages) is nothing"),
        (
            "wrong_type",
            "span f5: the prompt (gen_ai.input.messages)[0] of the role 'robot' is an object with role, content",
        ),
        (
            "wrong_type",
            "span f6: the answer (gen_ai.output.messages) is a list whose first element is an object with reason",
        ),
        ("bad_timestamp", "span f7: startTimeUnixNano"),
        ("wrong_type", "span f8: attributes is a text"),
        ("wrong_type", "resourceSpans is an object with spans"),
        ("missing_field", "span f9: gen_ai.evaluation.score.value"),
        ("missing_field", "span fa: gen_ai.evaluation.name"),
        ("missing_field", "span : spanId"),
    ]
