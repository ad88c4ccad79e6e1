"""The feedback history of Open WebUI: rated messages of snapshots, and what was said of them."""

from typing import Any

from rl_assets.metrics.scales import Metric
from rl_assets_tests.support.logs import Product, Row
from rl_assets_tests.support.vendor_lines import land

SECONDS = 1_790_848_800  # 2026-10-01T10:00:00Z
QUESTION = ("user", "How long is half a second?")
THOUGHT = '<details type="reasoning" done="true" duration="2">\n<summary>Thought</summary>\n> Hm.\n</details>\n'


def message(name: str, role: str, content: Any, parent: str | None, **fields: Any) -> Row:
    return {
        "id": name,
        "parentId": parent,
        "childrenIds": [],
        "role": role,
        "content": content,
        "timestamp": SECONDS,
        **fields,
    }


def chat(*messages: Row, **fields: Any) -> Row:
    history = {"messages": {each["id"]: each for each in messages}, "currentId": messages[-1]["id"]}
    inner = {"title": "Time", "models": ["m"], "history": history, "messages": [*messages], **fields}
    return {"chat": {"id": "chat-1", "user_id": "mary", "title": "Time", "chat": inner}}


def feedback(number: int, rating: Any, snapshot: Any = ..., meta: Row | None = None, **data: Any) -> Row:
    """A line as exported; by default of a chat of one question and one answer of its own."""
    asked, answered = f"q{number}", f"a{number}"
    if snapshot is ...:
        snapshot = chat(
            message(asked, "user", QUESTION[1], None), message(answered, "assistant", f"500 ms ({number}).", asked)
        )
    return {
        "id": f"f{number}",
        "user_id": "mary",
        "version": 0,
        "type": "rating",
        "data": {
            "rating": rating,
            "model_id": "llama3",
            "sibling_model_ids": None,
            "reason": "",
            "comment": "",
            **data,
        },
        "meta": {"arena": False, "chat_id": "chat-1", "message_id": answered, **(meta or {})},
        "snapshot": snapshot,
        "created_at": SECONDS + 60,
        "updated_at": SECONDS + 120,
    }


def test_a_rated_message_is_an_answer_whose_thumb_reason_and_comment_are_events(product: Product):
    landed = land(
        product,
        "open_webui",
        [
            feedback(1, 1, reason="accurate_information", comment="Quick.", details={"rating": 10}),
            feedback(2, "-1", details={"rating": 1}),
            feedback(3, -1.0, user={"id": "mary", "name": "Mary", "email": "mary@example.com"}),
            feedback(4, None, comment="Only a comment."),
            feedback(5, 1, snapshot=None),
            feedback(6, 1, details={}),
            feedback(7, None),
        ],
    )
    assert landed.answers()["a1"] == ([QUESTION], "500 ms (1).")
    assert landed.events("a1") == [
        ("comment", None, "overall", "human", "accurate_information: Quick."),
        ("rating", 1.0, "details.rating", "human", None),
        ("thumbs", 1.0, "overall", "human", None),
    ]
    assert landed.events("a2") == [
        ("rating", 0.0, "details.rating", "human", None),
        ("thumbs", 0.0, "overall", "human", None),
    ]
    assert landed.events("a3") == [("thumbs", 0.0, "overall", "human", None)]
    assert landed.events("a4") == [("comment", None, "overall", "human", "Only a comment.")]
    assert landed.events("a5") == [("thumbs", 1.0, "overall", "human", None)]
    assert "a5" not in landed.answers() and "a7" in landed.answers()
    assert (landed.rows, landed.rejects) == (7, [])
    row = next(row for row in landed.interactions if row["interaction_id"] == "a1")
    assert (row["model"], row["session_id"], row["answered_at"].hour) == ("llama3", "chat-1", 10)
    raters = {event["rater"] for event in landed.feedback}
    assert len(raters) == 1 and "mary" not in raters and row["user_id"] in raters


def test_the_prompt_is_the_branch_above_the_rated_message_without_what_open_webui_hides(product: Product):
    branch = chat(
        message("q0", "user", "Hello.", None),
        message("a0", "assistant", THOUGHT + "Hi!", "q0"),
        message("q1", "user", QUESTION[1], "a0"),
        message("q1b", "user", "Another branch?", "a0"),
        message("a1", "assistant", THOUGHT + "500 ms.", "q1", usage={"total_tokens": 7}),
        message("a1b", "assistant", "Yes.", "q1b"),
        params={"system": "Be brief."},
    )
    parts = chat(
        message("q2", "user", [{"type": "text", "text": "What is on it?"}], None),
        message("a2", "assistant", "A cat.", "q2", error={"content": "stopped"}),
    )
    landed = land(product, "open_webui", [feedback(1, 1, branch), feedback(2, -1, parts)])
    assert landed.answers() == {
        "a1": ([("system", "Be brief."), ("user", "Hello."), ("assistant", "Hi!"), QUESTION], "500 ms."),
        "a2": ([("user", "What is on it?")], "A cat."),
    }
    by_id = {row["interaction_id"]: row for row in landed.interactions}
    assert by_id["a1"]["tokens"] == 7
    assert (by_id["a2"]["error"], by_id["a2"]["error_message"]) == (True, "stopped")


def test_an_answer_that_won_or_lost_against_other_models_is_a_preference_for_each(product: Product):
    def arena(number: int) -> Row:
        return chat(
            message(f"q{number}", "user", QUESTION[1], None),
            message(f"a{number}", "assistant", "500 ms.", f"q{number}", modelIdx=0),
            message(f"b{number}", "assistant", "Half of one.", f"q{number}", modelIdx=1),
        )

    landed = land(
        product,
        "open_webui",
        [
            feedback(1, 1, arena(1), {"arena": True}, sibling_model_ids=["b"]),
            feedback(2, -1, arena(2), {"arena": True}, sibling_model_ids=["b"]),
            feedback(3, 1, arena(3)),
        ],
    )
    pairs = {row["interaction_id"]: (row["preferred"], row["rejected"]) for row in landed.feedback if row["preferred"]}
    assert pairs == {"a1": ("500 ms.", "Half of one."), "a2": ("Half of one.", "500 ms.")}
    assert [event[0] for event in landed.events("a3")] == ["thumbs"]


def test_a_changed_rating_exported_again_and_a_second_rater_are_no_second_answer(product: Product):
    again = {**feedback(1, -1), "updated_at": SECONDS + 900}
    other = {**feedback(1, 1), "id": "f9", "user_id": "tom"}
    landed = land(product, "open_webui", [feedback(1, 1), again, other])
    assert (len(landed.interactions), landed.duplicates) == (1, 2)
    assert sorted(event["value"] for event in landed.feedback) == [0.0, 1.0]


def test_the_scale_of_detailed_ratings_can_be_declared(product: Product):
    metrics = {"details.rating": Metric(worst=1, best=5, dimension="overall")}
    landed = land(product, "open_webui", [feedback(1, None, details={"rating": 3})], metrics)
    assert landed.events("a1") == [("rating", 0.5, "overall", "human", None)]


def test_each_fault_of_a_line_is_named(product: Product):
    lines = [
        feedback(1, 5),
        feedback(2, True),
        feedback(3, 1, details={"rating": 11}),
        feedback(4, 1, meta={"message_id": None}),
        feedback(5, 1, meta={"message_id": "q5"}),
        {"id": "c1", "title": "Time", "chat": {}},
        {**feedback(6, 1), "data": "good"},
        feedback(7, 1, chat(message("a7", "assistant", "Nobody asked.", None))),
        feedback(8, 1, chat(message("q8", "user", 7, None), message("a8", "assistant", "Eight.", "q8"))),
        {**feedback(9, 1), "id": None},
        feedback(10, 1, chat(message("q", "user", "?", "q"), message("a10", "assistant", "Loop.", "q"))),
    ]
    assert land(product, "open_webui", lines).rejects == [
        ("unknown_kind", "data.rating '5' is none of 1, -1"),
        ("unknown_kind", "data.rating 'True' is none of 1, -1"),
        ("out_of_range", "details.rating = 11.0 is not between 1 and 10"),
        ("missing_field", "meta.message_id"),
        ("wrong_type", "the rated message is of the role user"),
        ("unknown_kind", "an export of chats: export the feedback instead (Admin Panel, Evaluations, Feedback)"),
        ("wrong_type", "data is a text"),
        ("missing_field", "the messages above the rated one is nothing"),
        (
            "wrong_type",
            "the messages above the rated one[0] of the role 'user' is an object with role, content",
        ),
        ("missing_field", "id"),
        ("too_long", "a conversation of over 1000 turns"),
    ]
