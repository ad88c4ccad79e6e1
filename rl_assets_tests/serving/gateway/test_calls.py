"""Calls through the gateway, by HTTP and by the `openai` client, to a model server that replies as it is told."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from starlette.responses import Response

from rl_assets.core.home import Home
from rl_assets.serving.gateway_probe import GatewayProbe
from rl_assets.serving.probe_signature import probe_signature
from rl_assets_tests.support.gateways import (
    BASE_ARM,
    CHAMPION,
    CHAMPION_ARM,
    QUESTION,
    Gateway,
    arm,
    gateway,
    routing,
    wait_for,
)
from rl_assets_tests.support.model_server import (
    DONE,
    Asked,
    ModelServer,
    chunk,
    completion,
    event,
    model_server,
    usage_chunk,
    word_events,
)

TOOLS = [{"type": "function", "function": {"name": "find_order", "parameters": {"type": "object"}}}]
CALL = {"id": "t1", "type": "function", "function": {"name": "find_order", "arguments": '{"n": 7}'}}


class Told:
    """A model server's behaviour that tests change."""

    def __init__(self) -> None:
        self.by_model = dict[str, object]()

    def __call__(self, asked: Asked):
        reply = self.by_model.get(asked.body["model"], completion("It is on its way."))
        return reply(asked) if callable(reply) and not isinstance(reply, Response) else reply


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with model_server(Told()) as server:
        yield server


@pytest.fixture(scope="module")
def running(model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    home = Home(tmp_path_factory.mktemp("gateway"))
    with gateway(home, first_byte_s=0.5, deadline_s=5) as started:
        yield started


@pytest.fixture
def served(running: Gateway, model: ModelServer) -> Gateway:
    """The gateway with two arms of a server that answers everything, and nothing known of before."""
    model.answer.by_model.clear()
    model.asked.clear()
    model.left = 0
    running.route(routing({CHAMPION_ARM: arm(model.url), BASE_ARM: arm(model.url, "base", None)}))
    running.state.routing.look()
    running.state.health.failures.clear()
    running.state.health.opened.clear()
    return running


def line_of(running: Gateway, answer: httpx2.Response) -> dict:
    name = answer.headers["x-interaction-id"]
    return next(line for line in running.lines() if line["interaction_id"] == name)


def test_a_call_is_answered_by_the_drawn_arm_and_logged_with_its_probability(served, model):
    answer = served.ask(user="mary", metadata={"session_id": "s1", "category": "orders"})
    assert answer.json()["choices"][0]["message"]["content"] == "It is on its way."
    assert (answer.headers["x-arm"], answer.headers["x-adapter"]) == (CHAMPION_ARM, CHAMPION)
    assert model.asked[-1].body["model"] == CHAMPION
    line = line_of(served, answer)
    expected = {
        "query": "Where is my order?",
        "messages": QUESTION,
        "answer": "It is on its way.",
        "agent_type": "assistant",
        "model": CHAMPION,
        "adapter": CHAMPION,
        "assigned_arm": CHAMPION_ARM,
        "propensity": 1.0,
        "drawn": True,
        "arms": {CHAMPION_ARM: 1.0},
        "session_id": "s1",
        "user_id": "mary",
        "category": "orders",
        "tokens_used": 7,
        "finish_reason": "stop",
        "error_occurred": False,
    }
    assert {name: line[name] for name in expected} == expected
    assert "fallback_reason" not in line and line["latency_ms"] > 0


def test_without_a_category_all_turns_are_drawn_and_logged_by_the_words_of_the_first_question(served, model):
    by_category = {"*": {CHAMPION_ARM: 1.0}, "analytical": {BASE_ARM: 1.0}}
    table = routing({CHAMPION_ARM: arm(model.url), BASE_ARM: arm(model.url, "base", None)})
    served.route(table.model_copy(update={"shares": {"product": by_category}, "version": 2}))
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    first = {"role": "user", "content": [picture, {"type": "text", "text": "Why is my order late?"}]}
    turns = [first, {"role": "assistant", "content": "The ship."}, {"role": "user", "content": "Where is it?"}]
    answers = [served.ask(messages=turns[:1]), served.ask(messages=turns)]
    assert [answer.headers["x-arm"] for answer in answers] == [BASE_ARM] * 2
    assert [line_of(served, answer)["category"] for answer in answers] == ["analytical"] * 2
    named = served.ask(messages=turns, metadata={"category": "orders"})
    assert (named.headers["x-arm"], line_of(served, named)["category"]) == (CHAMPION_ARM, "orders")
    assert served.ask(messages=[{"role": "system", "content": "Why?"}]).headers["x-arm"] == CHAMPION_ARM


@pytest.mark.parametrize("asked_for_usage", [False, True])
def test_a_stream_passes_byte_for_byte_and_shows_the_usage_if_asked(served, model, asked_for_usage):
    events = word_events("It is on its way.")
    model.answer.by_model[CHAMPION] = lambda asked: model.streamed(events)
    answer = served.ask(stream=True, **({"stream_options": {"include_usage": True}} if asked_for_usage else {}))
    assert answer.content == b"".join(each for each in events if asked_for_usage or each != usage_chunk())
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert model.asked[-1].body["stream_options"] == {"include_usage": True}
    line = line_of(served, answer)
    assert (line["answer"], line["tokens_used"]) == ("Itisonitsway.", 7)
    assert 0 < line["first_token_ms"] <= line["latency_ms"]


def test_everything_but_the_model_reaches_the_server_unchanged(served, model):
    odd = {"temperature": 0.25, "n": 2, "tools": TOOLS, "logit_bias": {"7": -100}, "cache_prompt": False, "mirostat": 2}
    served.ask(**odd)
    assert model.asked[-1].body == {"model": CHAMPION, "messages": QUESTION, **odd}


def test_the_openai_client_gets_its_own_types(served, model):
    import openai

    client = openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0)
    calls = completion(None, tool_calls=[CALL])
    model.answer.by_model[CHAMPION] = calls
    whole = client.chat.completions.create(model="auto", messages=QUESTION, tools=TOOLS)
    assert whole.choices[0].message.tool_calls[0].function.name == "find_order"
    events = [chunk(role="assistant"), chunk(content="A", index=0), chunk(content="B", index=1), usage_chunk(), DONE]
    model.answer.by_model[CHAMPION] = lambda asked: model.streamed(events)
    chunks = [*client.chat.completions.create(model="auto", messages=QUESTION, n=2, stream=True)]
    assert [each.choices[0].index for each in chunks] == [0, 0, 1]
    model.answer.by_model[CHAMPION] = Response(b'{"error": {"message": "max_tokens is 0", "type": "bad"}}', 400)
    with pytest.raises(openai.BadRequestError, match="max_tokens is 0"):
        client.chat.completions.create(model="auto", messages=QUESTION)
    assert [each.id for each in client.models.list()] == ["auto", BASE_ARM, CHAMPION_ARM]


@pytest.mark.parametrize("streams", [False, True])
def test_an_answer_that_calls_tools_is_logged_without_a_text_to_learn(served, model, streams):
    piece = {"index": 0, "id": "t1", "function": {"name": "find_order", "arguments": ""}}
    events = [chunk(role="assistant", content="I look."), chunk(tool_calls=[piece]), chunk("tool_calls"), DONE]
    whole = completion("I look.", tool_calls=[CALL])
    model.answer.by_model[CHAMPION] = (lambda asked: model.streamed(events)) if streams else whole
    line = line_of(served, served.ask(stream=streams, tools=TOOLS))
    assert "answer" not in line
    assert line["tools_used"] == ["find_order"]


def test_a_named_arm_is_taken_and_is_no_draw(served):
    for name in (BASE_ARM, "base"):
        line = line_of(served, served.ask(model=name))
        assert (line["assigned_arm"], line["propensity"], line["drawn"]) == (BASE_ARM, 1.0, False)
        assert "adapter" not in line
    assert served.ask(model=CHAMPION).headers["x-arm"] == CHAMPION_ARM
    assert line_of(served, served.ask(model="gpt-unheard-of"))["drawn"] is True


def test_the_callers_key_stays_here_and_the_arms_key_is_sent(served, model, monkeypatch):
    monkeypatch.setenv("ARM_KEY", "sk-of-the-arm")
    served.route(routing({CHAMPION_ARM: arm(model.url, token_env="ARM_KEY")}, version=2))
    served.state.routing.look()
    served.ask(headers={"authorization": "Bearer sk-of-the-caller", "x-forwarded-for": "10.0.0.1"})
    assert model.asked[-1].headers["authorization"] == "Bearer sk-of-the-arm"
    assert "sk-of-the-caller" not in str(model.asked[-1])
    served.ask()
    assert "sk-of" not in json.dumps(served.lines())


async def _silent(asked: Asked) -> Response:
    await asyncio.sleep(30)
    return completion("Too late.")


FAILURES = {
    "status_500": Response("no", 500),
    "status_429": Response("no", 429),
    "status_404": Response('{"error": {"message": "no such model"}}', 404),
    "status_401": Response("no", 401),
    "timeout": _silent,
    "broken": "dies before the first event",
}


@pytest.mark.parametrize("reason", FAILURES)
def test_an_arm_that_does_not_answer_is_replaced_by_the_next_and_stays_assigned(served, model, reason):
    events = word_events("From the base.")
    model.answer.by_model["base"] = lambda asked: model.streamed(events)
    failure = FAILURES[reason]
    broken = lambda asked: model.streamed(events, dies_after=0)  # noqa: E731
    model.answer.by_model[CHAMPION] = broken if failure == "dies before the first event" else failure
    answer = served.ask(stream=True)
    assert answer.status_code == 200 and answer.headers["x-arm"] == BASE_ARM
    line = line_of(served, answer)
    assert (line["assigned_arm"], line["model"], line["fallback_reason"]) == (CHAMPION_ARM, "base", reason)
    assert "adapter" not in line and line["error_occurred"] is False


def test_a_server_that_is_gone_is_replaced_and_after_five_failures_not_asked(served, model):
    dead = arm("http://127.0.0.1:9")
    served.route(routing({CHAMPION_ARM: dead, BASE_ARM: arm(model.url, "base", None)}, version=2))
    served.state.routing.look()
    reasons = [line_of(served, served.ask())["fallback_reason"] for _ in range(6)]
    assert reasons == ["refused"] * 5 + ["circuit_open"]
    assert any(CHAMPION_ARM in problem for problem in served.get("/health").json()["problems"])


async def _late_and_failing(asked: Asked) -> Response:
    await asyncio.sleep(0.4)
    return Response("no", 500)


def test_an_arm_that_gets_little_of_the_time_is_not_blamed_for_it(served, model, monkeypatch):
    monkeypatch.setattr(served.state, "serving", served.state.serving.model_copy(update={"deadline_s": 0.5}))
    model.answer.by_model |= {CHAMPION: _late_and_failing, "base": _silent}
    assert served.ask().status_code >= 500
    assert [name for name, _ in served.state.health.failures] == [CHAMPION_ARM]


def test_a_replica_that_is_gone_costs_no_fallback(served, model):
    both = arm(model.url, urls=["http://127.0.0.1:9", model.url])
    served.route(routing({CHAMPION_ARM: both}, version=2))
    served.state.routing.look()
    answer = served.ask()
    assert answer.headers["x-arm"] == CHAMPION_ARM and "fallback_reason" not in line_of(served, answer)


@pytest.mark.parametrize(("reply", "status"), [(Response("no", 503), 502), (Response("no", 429), 429)])
def test_a_call_that_no_arm_answers_ends_in_openais_error_form(served, model, reply, status):
    model.answer.by_model |= {CHAMPION: reply, "base": reply}
    answer = served.ask()
    assert answer.status_code == status
    assert BASE_ARM in answer.json()["error"]["message"] and model.url not in answer.text
    line = line_of(served, answer)
    assert line["error_occurred"] is True and "answer" not in line and "model" not in line


def test_a_stream_that_breaks_after_its_first_byte_ends_with_an_error_event(served, model):
    import openai

    model.answer.by_model[CHAMPION] = lambda asked: model.streamed(word_events("It is on its way."), dies_after=3)
    answer = served.ask(stream=True)
    assert json.loads(answer.content.split(b"data: ")[-1])["error"]["code"] == "cut_off"
    line = line_of(served, answer)
    assert (line["answer"], line["error_occurred"], line["model"]) == ("Itis", True, CHAMPION)
    client = openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0)
    with pytest.raises(openai.APIError, match="ended before it was complete"):
        [*client.chat.completions.create(model="auto", messages=QUESTION, stream=True)]


def test_a_client_that_leaves_before_the_first_byte_frees_the_server(served, model):
    model.answer.by_model[CHAMPION] = _silent
    with pytest.raises(httpx2.ReadTimeout), httpx2.Client(timeout=0.2) as client:
        client.post(f"{served.url}/v1/chat/completions", json={"messages": QUESTION, "user": "gone early"})
    wait_for(lambda: model.left == 1)
    [line] = [line for line in served.lines() if line.get("user_id") == "gone early"]
    assert (line["error_message"], line["error_occurred"]) == ("client_gone", True)
    assert "answer" not in line


def test_a_client_that_leaves_in_a_stream_frees_the_server_and_its_part_is_logged(served, model):
    model.answer.by_model[CHAMPION] = lambda asked: model.streamed([chunk(content="Still ")] * 500, pause_s=0.02)
    body = {"messages": QUESTION, "stream": True, "user": "gone late"}
    with httpx2.stream("POST", f"{served.url}/v1/chat/completions", json=body) as answer:
        next(answer.iter_bytes())
    wait_for(lambda: model.left == 1)
    [line] = [line for line in served.lines() if line.get("user_id") == "gone late"]
    assert line["answer"].startswith("Still ") and line["error_message"] == "client_gone"
    assert 'client_gone_total{arm="' + CHAMPION_ARM in served.get("/metrics").text


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "no JSON"),
        (b"\xff\xfe", 400, "no JSON"),
        (b"[]", 400, "object"),
        (b"{}", 400, "messages"),
        (b'{"messages": []}', 400, "messages"),
        (b'{"messages": ["Hi"]}', 400, "messages"),
        (b'{"messages": [{"role": "user", "content": "half \\ud83d"}]}', 400, "surrogate"),
        (b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}', 400, "no JSON"),
        (b'{"messages": [{"role": "user", "content": "x"}], "temperature": 1e999}', 400, "no JSON"),
        (b'{"messages": [{"role": "user", "content": "x"}], "stream": "yes"}', 400, "stream"),
        (b'{"messages": ' + b"[" * 100_000, 400, "nested"),
        (b" " * (10 * 2**20 + 1), 413, "10 MB"),
    ],
)
def test_a_bad_body_is_refused_in_openais_error_form(served, model, body, status, words):
    answer = httpx2.post(f"{served.url}/v1/chat/completions", content=body)
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]
    assert not model.asked


def test_an_id_of_the_callers_is_kept_and_a_repeated_one_gets_a_number(served):
    names = [served.ask(headers={"x-interaction-id": "mine"}).headers["x-interaction-id"] for _ in range(2)]
    assert names == ["mine", "mine-2"]
    assert served.ask(headers={"x-interaction-id": "mine-2"}).headers["x-interaction-id"] == "mine-2-2"
    assert served.ask(headers={"x-interaction-id": "mine"}).headers["x-interaction-id"] == "mine-3"
    for odd in ("a\r\nset-cookie: b=c", "ü", "NaN"):
        assert len(served.ask(metadata={"interaction_id": odd}).headers["x-interaction-id"]) == 32


def test_an_error_inside_a_stream_passes_and_is_logged(served, model):
    failed = event({"error": {"message": "out of memory"}})
    model.answer.by_model[CHAMPION] = lambda asked: model.streamed([failed, DONE])
    answer = served.ask(stream=True)
    assert answer.content == failed + DONE
    assert line_of(served, answer)["error_message"] == "out of memory"


def test_a_stream_that_ends_without_saying_so_is_logged_as_cut_off(served, model):
    whole, cut = [chunk(content="Yes"), chunk("stop")], [chunk(content="Ye")]
    errors = []
    for events in (whole, cut):
        model.answer.by_model[CHAMPION] = lambda asked, events=events: model.streamed(events)
        errors.append(line_of(served, served.ask(stream=True)).get("error_message"))
    assert errors == [None, "cut_off"]


def test_ids_in_headers_are_read_as_utf_8_and_never_cut(served):
    user, long = "Zoë ☕".encode(), "u" * 300
    lines = [
        line_of(served, served.ask(headers={"x-user-id": name, "x-conversation-id": user})) for name in (user, long)
    ]
    assert [line["user_id"] for line in lines] == ["Zoë ☕", long]
    assert lines[0]["session_id"] == "Zoë ☕"


def test_without_a_routing_file_calls_say_what_to_run_and_work_once_it_is_there(tmp_path: Path, model):
    model.answer.by_model.clear()
    with gateway(Home(tmp_path / "home")) as started:
        answer = started.ask()
        assert answer.status_code == 503 and "make gateway" in answer.json()["error"]["message"]
        assert started.get("/health").json()["status"] == "no_routing"
        started.route(routing({CHAMPION_ARM: arm(model.url)}))
        assert started.ask().status_code == 200
        started.home.routing.write_text('{"version": 2', encoding="utf-8")
        wait_for(lambda: started.state.routing.problem is not None)
        assert started.ask().status_code == 200
        assert "no routing file" in started.get("/health").json()["problems"][0]
        assert "rl_assets_gateway_routing_damaged 1" in started.get("/metrics").text
        started.route(routing({BASE_ARM: arm(model.url, "base", None)}, {BASE_ARM: 1.0}, version=3))
        wait_for(lambda: started.ask().headers["x-arm"] == BASE_ARM)
        assert started.get("/health").json()["status"] == "ok"


def test_a_rollouts_calls_are_not_logged_and_nobody_else_can_hide_one(served: Gateway):
    probe = GatewayProbe(served.url, signature=probe_signature(served.state.routing.value))
    before = len(served.lines())
    assert probe.run(CHAMPION_ARM, CHAMPION, [QUESTION]).values == {"requests": 20, "failed": 0}
    assert len(served.lines()) == before and "rl_assets_gateway_probes_total 20" in served.get("/metrics").text
    for headers in ({"x-conversation-id": "rl-assets-probe-0"}, {"x-rl-assets-probe": "guessed"}):
        assert line_of(served, served.ask(headers=headers))["answer"] == "It is on its way."


def test_a_probe_fails_where_another_arm_answers(served: Gateway, model: ModelServer):
    model.answer.by_model[CHAMPION] = Response(status_code=503)
    found = GatewayProbe(served.url).run(CHAMPION_ARM, CHAMPION, [QUESTION])
    assert found.problem and found.values == {"requests": 20, "failed": 20}
    assert f"the header x-adapter says nothing, expected {CHAMPION}" in found.problem
