"""Messages, feedback and annotations that Dify exports."""

from typing import Any

from rl_assets_tests.support.logs import Product, Row
from rl_assets_tests.support.vendor_lines import land

SECONDS = 1_790_848_800  # 2026-10-01T10:00:00Z
QUERY = ("user", "Where is my order?")
UP, DOWN = ("thumbs", 1.0, "overall", "human", None), ("thumbs", 0.0, "overall", "human", None)


def message(name: str, **fields: Any) -> Row:
    """A message as the console's log has it."""
    return {
        "id": name,
        "conversation_id": "c1",
        "inputs": {},
        "query": QUERY[1],
        "message": [{"role": "system", "text": "Be brief.", "files": []}, {"role": "user", "text": QUERY[1]}],
        "answer": f"On its way, says {name}.",
        "provider_response_latency": 0.25,
        "from_source": "api",
        "from_end_user_id": "mary",
        "feedbacks": [],
        "annotation": None,
        "created_at": SECONDS,
        "metadata": {"usage": {"total_tokens": 9, "total_price": "0.002", "currency": "USD"}},
        "agent_thoughts": [],
        "status": "normal",
        "error": None,
        **fields,
    }


def given(rating: Any, source: str = "user", **fields: Any) -> Row:
    return {"rating": rating, "content": "", "from_source": source, "from_end_user_id": None, **fields}


def of_the_api(name: str, rating: str | None) -> Row:
    """A message as GET /messages has it."""
    row = {"id": name, "conversation_id": "c2", "inputs": {}, "query": QUERY[1], "answer": f"Soon, says {name}."}
    return {**row, "feedback": {"rating": rating} if rating else None, "created_at": SECONDS, "agent_thoughts": []}


def exported(name: str, rating: str, **fields: Any) -> Row:
    """A row of the feedback export."""
    return {
        "feedback_id": f"f-{name}",
        "app_name": "desk",
        "conversation_id": "c3",
        "message_id": name,
        "user_query": QUERY[1],
        "ai_response": f"Tomorrow, says {name}.",
        "feedback_rating": "👍" if rating == "like" else "👎",
        "feedback_rating_raw": rating,
        "feedback_comment": "",
        "feedback_source": "user",
        "feedback_date": "2026-10-01 11:00:00",
        "message_date": "2026-10-01 10:00:00",
        "from_account_name": "",
        "from_end_user_id": "mary",
        "has_comment": "No",
        **fields,
    }


def test_a_message_of_the_log_is_an_answer_with_its_feedback_and_its_annotation(product: Product):
    tom = {"id": "tom", "name": "Tom", "email": "tom@example.com"}
    landed = land(
        product,
        "dify",
        [
            message(
                "m1", feedbacks=[given("like", from_end_user_id="mary"), given("dislike", "admin", from_account=tom)]
            ),
            message("m2", annotation={"id": "n2", "question": QUERY[1], "content": "On Monday.", "account": tom}),
            message("m3", feedbacks=[given("dislike", content="Wrong.")], status="error", error="timeout"),
            message("m4", agent_thoughts=[{"tool": "search", "thought": "Hm."}, {"tool": ""}], message=[]),
            message(
                "m5", message='[{"role": "user", "text": "As text."}]', annotation={"content": "On its way, says m5."}
            ),
            message("m6", query="", message="", inputs={"topic": "tea", "lines": 3}),
        ],
    )
    assert (landed.rows, landed.rejects) == (6, [])
    prompt = [("system", "Be brief."), QUERY]
    assert landed.answers() == {
        "m1": (prompt, "On its way, says m1."),
        "m2": (prompt, "On its way, says m2."),
        "m3": (prompt, "On its way, says m3."),
        "m4": ([QUERY], "On its way, says m4."),
        "m5": ([("user", "As text.")], "On its way, says m5."),
        "m6": ([("user", "topic: tea")], "On its way, says m6."),
    }
    assert landed.events("m1") == [DOWN, UP]
    assert landed.events("m2") == [("correction", None, "overall", "human", "On Monday.")]
    assert landed.events("m3") == [("comment", None, "overall", "human", "Wrong."), DOWN]
    assert landed.events("m4") == landed.events("m5") == landed.events("m6") == []
    rows = {row["interaction_id"]: row for row in landed.interactions}
    first = rows["m1"]
    assert (first["tokens"], first["cost_usd"], first["latency_ms"], first["session_id"]) == (9, 0.002, 250, "c1")
    assert (rows["m3"]["error"], rows["m3"]["error_message"], rows["m4"]["tools_used"]) == (True, "timeout", ["search"])
    raters = {event["rater"] for event in landed.feedback if event["interaction_id"] == "m1"}
    assert len(raters) == 2 and first["user_id"] in raters and not raters & {"mary", "tom"}


THINKING = (
    '<details style="color:gray;background-color: #f8f8f8;" open> <summary> Thinking... </summary>\nHm.\n</details>'
)
HELP = "<details><summary>More</summary>Call us.</details>"
THOUGHTS: dict[str, tuple[str, str, str | None]] = {
    "t1": (f"{THINKING}\n\nA cat.", "A cat.", "Hm."),
    "t2": (f"{THINKING}It is.{THINKING} A cat.", "It is. A cat.", "Hm.\nHm."),
    "t3": (THINKING.removesuffix("</details>"), "", "Hm."),
    "t4": (f"A cat. {HELP}", f"A cat. {HELP}", None),
}


def test_what_a_model_thought_is_no_part_of_its_answer(product: Product):
    before = [{"role": "user", "text": "Hi."}, {"role": "assistant", "text": f"{THINKING}Hello."}]
    asked = [*before, {"role": "user", "text": QUERY[1]}]
    lines = [message(name, answer=written) for name, (written, _, _) in THOUGHTS.items()]
    note = {"id": "n", "question": QUERY[1], "content": "A cat."}
    row = message("t5", message=asked, answer=f"{THINKING}A cat.", annotation=note)
    landed = land(product, "dify", [*lines, row, exported("t6", "like", ai_response=f"{THINKING}A cat.")])
    rows = {row["interaction_id"]: (row["answer"], row["reasoning"]) for row in landed.interactions}
    expected = {name: (said, thought) for name, (_, said, thought) in THOUGHTS.items()}
    assert rows == {**expected, "t5": ("A cat.", "Hm."), "t6": ("A cat.", "Hm.")}
    assert landed.answers()["t5"][0] == [("user", "Hi."), ("assistant", "Hello."), QUERY]
    assert landed.events("t5") == []


def test_messages_of_the_service_api_come_one_per_line_or_as_a_page(product: Product):
    page = {"limit": 20, "has_more": False, "data": [of_the_api("p1", "like"), of_the_api("p2", None)]}
    landed = land(product, "dify", [of_the_api("s1", "dislike"), of_the_api("s2", None), page])
    assert {name: answer for name, (_, answer) in landed.answers().items()} == {
        name: f"Soon, says {name}." for name in ("p1", "p2", "s1", "s2")
    }
    assert (landed.events("s1"), landed.events("s2"), landed.events("p1")) == ([DOWN], [], [UP])


def test_an_element_of_a_page_that_cannot_be_read_costs_no_other_and_says_why(product: Product):
    page = {"data": [of_the_api("p1", "like"), of_the_api("p2", "?")]}
    landed = land(product, "dify", [page])
    rows = {row["interaction_id"]: (row["answer"], row["error_message"]) for row in landed.interactions}
    why = "not read: unknown_kind: data[1]: feedbacks.rating '?' is none of like, dislike"
    assert rows == {"p1": ("Soon, says p1.", None), "p2": (None, why)}
    assert product.rated()["p2"]["reward"] is None


def test_a_row_of_the_feedback_export_is_an_answer_unless_dify_cut_it(product: Product):
    cut = "x" * 500 + "..."
    landed = land(
        product,
        "dify",
        [
            exported("e1", "like", feedback_comment="Quick."),
            exported("e2", "dislike", ai_response=cut, from_end_user_id="", from_account_name="Tom"),
            {"export_info": {"total_records": 1}, "feedback_data": [exported("e3", "dislike")]},
        ],
    )
    assert {name: answer for name, (_, answer) in landed.answers().items()} == {
        "e1": "Tomorrow, says e1.",
        "e3": "Tomorrow, says e3.",
    }
    assert landed.events("e1") == [("comment", None, "overall", "human", "Quick."), UP]
    assert (landed.events("e2"), landed.events("e3"), landed.rows) == ([DOWN], [DOWN], 3)


def test_an_annotation_is_an_answer_that_people_wrote(product: Product):
    landed = land(
        product,
        "dify",
        [
            {"id": "n1", "question": QUERY[1], "answer": "On Monday.", "hit_count": 3, "created_at": SECONDS},
            {"id": "n2", "question": QUERY[1], "content": "On Tuesday.", "created_at": SECONDS},
        ],
    )
    assert landed.answers() == {
        "annotation-n1": ([QUERY], "On Monday."),
        "annotation-n2": ([QUERY], "On Tuesday."),
    }
    assert landed.events("annotation-n1") == [UP]


def test_each_fault_of_a_line_is_named(product: Product):
    lines = [
        message("m1", feedbacks=[given("good")]),
        message("m2", feedbacks="like"),
        message("m3", message=[{"role": "robot", "text": "x"}]),
        message("m4", answer=None),
        message("m5", created_at="noon"),
        message("", id=None),
        {"id": "w1", "workflow_run": {}, "created_by": "mary"},
        {"data": [of_the_api("p1", "?"), of_the_api("p2", "?")]},
        {"data": [{"data": []}]},
        exported("e1", "like", ai_response=None),
        {"question": "Why?", "answer": "So."},
    ]
    assert land(product, "dify", lines).rejects == [
        ("unknown_kind", "feedbacks.rating 'good' is none of like, dislike"),
        ("wrong_type", "feedbacks is a text"),
        ("wrong_type", "message[0] of the role 'robot' is an object with role, content"),
        ("missing_field", "answer"),
        ("bad_timestamp", "created_at = 'noon'"),
        ("missing_field", "id"),
        ("unknown_kind", "no message, annotation or exported feedback: an object with id, workflow_run, created_by"),
        ("unknown_kind", "data[0]: feedbacks.rating '?' is none of like, dislike"),
        ("wrong_type", "data[0]: a page inside a page"),
        ("missing_field", "ai_response"),
        ("missing_field", "id"),
    ]
