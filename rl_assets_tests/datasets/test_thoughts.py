"""Answers that have thoughts and nothing else: they say nothing, and nothing learns to say it."""

from typing import Any

from rl_assets.datasets.builders import build_grpo, build_kto, build_pairs, build_sft
from rl_assets.datasets.policies import GrpoPolicy, KtoPolicy, PairPolicy, SftPolicy
from rl_assets_tests.support.logs import Product, Row

THOUGHTS, ANSWER, WORSE = "<think>\nThey greet me.\n</think>\n\n", "<think>They greet.</think>Hello!", "I do not care."


def completion(name: str, text: str, thumbs: str) -> Row:
    return {
        "id": name,
        "created": 1_790_848_800,
        "messages": [{"role": "user", "content": "Good morning."}],
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "feedback": {"thumbs": thumbs, "user_id": f"rater of {name}"},
    }


def answers(rows: list[Any], side: str) -> list[str]:
    return [row[side][-1]["content"] for row in rows]


def test_an_answer_of_thoughts_alone_is_in_no_dataset_and_never_chosen(product: Product):
    product.log(
        completion("thoughts", THOUGHTS, "up"),
        completion("answer", ANSWER, "up"),
        completion("worse", WORSE, "down"),
        log_format="openai_chat",
    )
    event = {"interaction_id": "worse", "feedback_type": "correction", "created_at": "2026-10-01T12:00:00Z"}
    product.log({**event, "id": "f", "preferred_output": THOUGHTS}, log_format="feedback_table")
    assert product.ingest().rows == 4
    built, rows = product.build(build_sft, SftPolicy())
    assert (answers(rows, "messages"), built.dropped["no_answer"]) == ([ANSWER], 2)
    built, rows = product.build(build_pairs, PairPolicy(strategies=("explicit", "all_margin"), per_prompt=9))
    assert (answers(rows, "chosen"), answers(rows, "rejected")) == ([ANSWER], [WORSE])
    built, rows = product.build(build_kto, KtoPolicy())
    assert sorted(answers(rows, "completion")) == sorted([ANSWER, WORSE])
    built, rows = product.build(build_grpo, GrpoPolicy(min_group_size=2))
    assert sorted(answer["text"] for answer in rows[0]["responses"]) == sorted([ANSWER, WORSE])
