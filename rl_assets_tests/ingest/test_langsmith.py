"""Runs and feedback of LangSmith."""

import json
from typing import Any

import pytest

from rl_assets.ingest.conversion import LineContext
from rl_assets.ingest.formats.langsmith import records
from rl_assets.metrics.scales import Metric
from rl_assets_tests.support.logs import DAY, Product, Row
from rl_assets_tests.support.vendor_lines import land

QUESTION = "How long is half a second?"
ASKED = [("user", QUESTION)]


def serialized(kind: str, content: Any, **fields: Any) -> Row:
    path = ["langchain", "schema", "messages", kind]
    return {"lc": 1, "type": "constructor", "id": path, "kwargs": {"content": content, **fields}}


def run(name: str, inputs: Any, outputs: Any, run_type: str = "llm", **fields: Any) -> Row:
    return {
        "id": name,
        "name": "ChatOpenAI",
        "run_type": run_type,
        "inputs": inputs,
        "outputs": outputs,
        "error": None,
        "start_time": f"{DAY}T10:00:00",
        "end_time": f"{DAY}T10:00:00.250000",
        "extra": {"metadata": {"ls_model_name": "gpt-4o"}},
        "trace_id": "t1",
        "parent_run_id": None,
        "session_id": "project-1",
        **fields,
    }


def feedback(name: str, key: str = "user_score", **fields: Any) -> Row:
    source = {"type": "api", "metadata": {}, "user_id": "mary"}
    return {"id": name, "key": key, "feedback_source": source, "created_at": f"{DAY}T11:00:00+00:00", **fields}


THOUGHT = {"type": "thinking", "thinking": "Hm."}
GENERATED = {"generations": [[{"text": "500 ms.", "message": serialized("AIMessage", "500 ms.")}]], "llm_output": None}
SHAPES: dict[str, tuple[Any, Any]] = {
    "langchain": ({"messages": [[serialized("HumanMessage", QUESTION)]]}, GENERATED),
    "langchain-dicts": (
        {"messages": [{"type": "human", "content": QUESTION}]},
        {"output": {"type": "ai", "content": "500 ms."}},
    ),
    "typed-data": (
        {"input": [{"type": "human", "data": {"content": QUESTION}}]},
        {"output": {"type": "ai", "data": {"content": "500 ms."}}},
    ),
    "openai": (
        {"messages": [{"role": "user", "content": QUESTION}], "model": "gpt-4o"},
        {"choices": [{"message": {"role": "assistant", "content": "500 ms."}}], "usage": {}},
    ),
    "completion": ({"prompts": [QUESTION]}, {"generations": [[{"text": "500 ms.", "generation_info": None}]]}),
    "chain": ({"input": QUESTION}, {"output": "500 ms."}),
    "question": ({"question": QUESTION, "chat_history": []}, {"answer": "500 ms.", "source_documents": [{"page": 1}]}),
    "one-text": ({"topic": QUESTION}, {"reply": "500 ms."}),
    "text-in-text": (json.dumps({"input": QUESTION}), json.dumps({"output": "500 ms."})),
    "short-form": ({"messages": [["user", QUESTION]]}, {"messages": [["user", QUESTION], ["ai", "500 ms."]]}),
    "graph": (
        {"messages": [{"role": "user", "content": QUESTION}]},
        {"messages": [{"type": "human", "content": QUESTION}, {"type": "ai", "content": "500 ms."}]},
    ),
    "blocks": (
        {"messages": [[serialized("HumanMessageChunk", [{"type": "text", "text": QUESTION}])]]},
        {"generations": [[{"message": serialized("AIMessage", [THOUGHT, {"type": "text", "text": "500 ms."}])}]]},
    ),
    "anthropic": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}]},
        {"role": "assistant", "content": [{"type": "text", "text": "500 ms."}], "stop_reason": "end_turn"},
    ),
}


def test_runs_of_every_shape_give_the_same_prompt_and_answer(product: Product):
    lines = [run(name, inputs, outputs) for name, (inputs, outputs) in SHAPES.items()]
    landed = land(product, "langsmith", lines)
    assert landed.rejects == []
    assert landed.answers() == dict.fromkeys(SHAPES, (ASKED, "500 ms."))
    row = landed.interactions[0]
    assert (row["model"], row["latency_ms"], row["session_id"], row["agent"]) == ("gpt-4o", 250, "t1", "ChatOpenAI")


def test_tools_history_structured_outputs_and_errors_are_kept(product: Product):
    call = {"name": "clock", "args": {}, "id": "c1", "type": "tool_call"}
    history = [serialized("SystemMessage", "Be brief."), {"type": "ai", "content": "", "tool_calls": [call]}]
    tool = {"type": "tool", "content": "12:00", "tool_call_id": "c1"}
    about = {"metadata": {"thread_id": "s-1", "user_id": "mary"}, "invocation_params": {"model": "m"}}
    lines = [
        run(
            "r1",
            {"messages": [*history, tool]},
            {"output": serialized("AIMessage", "", tool_calls=[call])},
            extra=about,
        ),
        run("r2", {"input": QUESTION}, {"intent": "time", "confidence": 0.9}, "chain"),
        run("r3", {"input": QUESTION}, {"output": {"intent": "time"}}, "chain"),
        run("r4", {"input": QUESTION}, None, error="timeout"),
        run("r5", {"input": QUESTION, "chat_history": [{"type": "human", "content": "Hi."}]}, {"output": "500 ms."}),
    ]
    landed = land(product, "langsmith", lines)
    as_json = json.dumps([call], sort_keys=True)
    assert landed.answers() == {
        "r1": ([("system", "Be brief."), ("assistant", as_json), ("tool", "12:00")], as_json),
        "r2": (ASKED, '{"confidence": 0.9, "intent": "time"}'),
        "r3": (ASKED, '{"intent": "time"}'),
        "r4": (ASKED, None),
        "r5": ([("user", "Hi."), *ASKED], "500 ms."),
    }
    rows = {row["interaction_id"]: row for row in landed.interactions}
    assert (rows["r1"]["session_id"], rows["r1"]["model"], len(rows["r1"]["user_id"])) == ("s-1", "m", 64)
    assert (rows["r4"]["error"], rows["r4"]["error_message"]) == (True, "timeout")


@pytest.mark.parametrize("where", ["with the run", "on lines of their own"])
def test_feedback_comes_with_its_run_or_on_lines_of_its_own(product: Product, where: str):
    given = [
        feedback("f1", score=1),
        feedback("f2", "helpful", score=True, comment="Quick."),
        feedback("f3", "tone", value="warm"),
        feedback("f4", "correctness", score=0.25, feedback_source={"type": "model"}),
        feedback("f5", "note", correction={"output": "Exactly 500 ms."}),
        feedback("f6", "rating", score=4),
    ]
    answer = run("r1", *SHAPES["chain"])
    alone = [{**each, "run_id": "r1"} for each in given]
    lines = [answer, *alone] if where == "on lines of their own" else [{**answer, "feedback": given}]
    landed = land(product, "langsmith", lines, {"rating": Metric(worst=1, best=5, dimension="overall")})
    assert landed.events("r1") == [
        ("comment", None, "tone", "human", "warm"),
        ("correction", None, "overall", "human", "Exactly 500 ms."),
        ("reward", 0.25, "correctness", "judge", None),
        ("reward", 0.75, "overall", "human", None),
        ("reward", 1.0, "helpful", "human", "Quick."),
        ("reward", 1.0, "user_score", "human", None),
    ]
    raters = {event["rater"] for event in landed.feedback if event["source"] == "human"}
    assert len(raters) == 1 and len(raters.pop()) == 64


JUDGED = {"feedback_source": {"type": "model"}}
CORRECTED = {
    "a score": (
        feedback("f", "correctness", score=0, correction={"score": 1}, **JUDGED),
        [(0.0, "judge"), (1.0, "human")],
    ),
    "under the key": (
        feedback("f", "correctness", score=0, correction={"correctness": 1}, **JUDGED),
        [(0.0, "judge"), (1.0, "human")],
    ),
    "a person's own": (
        feedback("f", "correctness", score=0, correction={"score": 0.5}),
        [(0.0, "human"), (0.5, "human")],
    ),
    "a score alone": (feedback("f", "correctness", correction={"score": True}, **JUDGED), [(1.0, "human")]),
}


@pytest.mark.parametrize("case", CORRECTED)
def test_a_corrected_score_is_a_persons_score_and_no_answer(case: str):
    given, expected = CORRECTED[case]
    events = records({**given, "run_id": "r1"}, LineContext(DAY, {})).feedback
    assert {(event["kind"], event["dimension"]) for event in events} == {("reward", "correctness")}
    assert len({event["feedback_id"] for event in events}) == len(events)
    assert [(event["value"], event["source"]) for event in events] == expected


def test_a_correction_is_a_persons_also_of_a_metric_that_is_a_judges():
    given = feedback("f", "correctness", score=0, correction={"score": 1}, run_id="r1")
    events = records(given, LineContext(DAY, {"correctness": Metric(source="judge")})).feedback
    assert [(event["value"], event["source"]) for event in events] == [(0.0, "judge"), (1.0, "human")]


def test_a_corrected_label_is_a_persons_comment(product: Product):
    given = feedback("f1", "tone", value="warm", correction={"value": "cold"}, run_id="r1", **JUDGED)
    assert land(product, "langsmith", [given]).events("r1") == [
        ("comment", None, "tone", "human", "cold"),
        ("comment", None, "tone", "judge", "warm"),
    ]


def test_a_score_with_a_corrected_answer_is_both(product: Product):
    better = feedback("f1", score=0, comment="No.", correction={"output": "B."}, run_id="r1")
    off_scale = feedback("f2", "stars", score=7, correction={"output": "C."}, run_id="r2")
    landed = land(product, "langsmith", [better, off_scale])
    assert landed.events("r1") == [
        ("correction", None, "overall", "human", "B."),
        ("reward", 0.0, "user_score", "human", "No."),
    ]
    assert landed.events("r2") == [("correction", None, "overall", "human", "C.")]


def test_averages_of_feedback_are_rewards_if_the_feedback_itself_is_not_there(product: Product):
    stats = {
        "user_score": {"n": 2, "avg": 0.5, "values": {}, "sources": ['{"type":"api"}']},
        "correctness": {"n": 1, "avg": 1.0, "sources": ['{"type":"auto_eval"}']},
        "tone": {"n": 1, "avg": None, "values": {"warm": 1}},
    }
    lines = [
        run("r1", *SHAPES["chain"], feedback_stats=stats),
        run("r2", *SHAPES["chain"], feedback_stats=json.dumps(stats)),
    ]
    landed = land(product, "langsmith", lines)
    expected = [("reward", 0.5, "user_score", "human", None), ("reward", 1.0, "correctness", "judge", None)]
    assert landed.events("r1") == landed.events("r2") == expected


def test_a_feedback_that_cannot_be_read_does_not_cost_the_answer(product: Product):
    given = [feedback("f1", score=7), feedback("f2"), feedback("f3", score=1)]
    landed = land(product, "langsmith", [run("r1", *SHAPES["chain"], feedback=given)])
    assert landed.answers() == {"r1": (ASKED, "500 ms.")}
    assert landed.events("r1") == [("reward", 1.0, "user_score", "human", None)]


def test_each_fault_of_a_line_is_named(product: Product):
    lines = [
        run("r1", {"query": "x"}, {"documents": []}, "retriever", parent_run_id="r0"),
        run("r2", {"input": "x"}, {"output": "y"}, "chain", parent_run_id="r0"),
        run("r3", {"a": "x", "b": "y"}, {"output": "y"}),
        run("r4", {"input": "x"}, None),
        run("r5", {"messages": [{"role": "robot", "content": "x"}]}, {"output": "y"}),
        run("r6", {"input": "x"}, {"messages": [{"type": "human", "content": "x"}]}),
        run("r7", {"input": "x"}, {"output": "y"}, start_time="noon"),
        run("r9", "x", {"output": "y"}, feedback="good"),
        feedback("f2", run_id="r1"),
        {**feedback("f3", score=1, run_id="r1"), "id": None},
        {"id": "d1", "dataset_id": "d"},
    ]
    assert land(product, "langsmith", lines).rejects == [
        ("unknown_kind", "a run of the type 'retriever' inside r0 is no answer"),
        ("unknown_kind", "a run of the type 'chain' inside r0 is no answer"),
        ("wrong_type", "inputs is an object with a, b"),
        ("missing_field", "outputs is nothing"),
        ("wrong_type", "inputs.messages[0] of the role 'robot' is an object with role, content"),
        ("wrong_type", "outputs is an object with messages"),
        ("bad_timestamp", "start_time = 'noon'"),
        ("wrong_type", "feedback is a text"),
        ("missing_field", "a score, value, comment or correction of the feedback 'user_score'"),
        ("missing_field", "id of a feedback"),
        ("unknown_kind", "neither a run (run_type) nor feedback (key, run_id): an object with id, dataset_id"),
    ]
