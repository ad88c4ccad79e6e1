"""The same answer as a line of each format that holds answers with times."""

from rl_assets_tests.support.logs import Row, interaction, opinion, question

FORMATS = ("interaction_log", "reward_log", "feedback_table", "openai_chat", "langfuse", "oasst_trees")


def record_of(log_format: str, time: object, number: int) -> Row:
    """A line of the format: an answer at that time."""
    turns = [{"role": "user", "content": f"Question {number}?"}, {"role": "assistant", "content": "Yes."}]
    return {
        "interaction_log": lambda: interaction(f"a{number}", timestamp=time),
        "reward_log": lambda: question(f"a{number}", timestamp=time),
        "feedback_table": lambda: opinion(f"a{number}", created_at=time, model_output=f"Output {number}."),
        "openai_chat": lambda: {"id": f"a{number}", "created": time, "messages": turns},
        "langfuse": lambda: {"id": f"a{number}", "timestamp": time, "input": turns[:1], "output": "Yes."},
        "oasst_trees": lambda: {
            "prompt": {
                "message_id": f"q{number}",
                "role": "prompter",
                "text": "Hello?",
                "replies": [{"message_id": f"a{number}", "role": "assistant", "text": "Yes.", "created_date": time}],
            }
        },
    }[log_format]()
