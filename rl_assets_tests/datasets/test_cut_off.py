"""Answers that their logs call cut off or refusing: kept out of what is learnt, and counted."""

from typing import Any

import pytest

from rl_assets.datasets.builders import build_grpo, build_kto, build_pairs, build_sft
from rl_assets.datasets.policies import GrpoPolicy, KtoPolicy, PairPolicy, SftPolicy
from rl_assets.tables.records import INTERACTIONS
from rl_assets_tests.support.logs import Product, Row

CUT, WHOLE, WORSE, REFUSAL = "First of all, and", "All of it is in the manual.", "I do not care.", "Better not."


def completion(name: str, text: str, thumbs: str, reason: str = "stop", question: str = "What is in it?") -> Row:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if reason == "refusal":
        message = {"role": "assistant", "content": None, "refusal": text}
    return {
        "id": name,
        "created": 1_790_848_800,
        "messages": [{"role": "user", "content": question}],
        "choices": [{"message": message, "finish_reason": reason}],
        "feedback": {"thumbs": thumbs, "user_id": f"rater of {name}"},
    }


@pytest.fixture
def cut(product: Product) -> Product:
    product.log(
        completion("cut", CUT, "up", "length"),
        completion("filtered", "Mix the", "up", "content_filter"),
        completion("whole", WHOLE, "up"),
        completion("worse", WORSE, "down"),
        completion("bad-cut", "You should never ever", "down", "length"),
        log_format="openai_chat",
    )
    assert product.ingest().rows == 5
    return product


def test_a_cut_answer_is_no_sft_row(cut: Product):
    built, rows = cut.build(build_sft, SftPolicy())
    assert [row["messages"][-1]["content"] for row in rows] == [WHOLE]
    assert built.dropped["cut_off"] == 3


def test_a_cut_answer_is_never_chosen_but_may_be_rejected(cut: Product):
    built, rows = cut.build(build_pairs, PairPolicy(strategies=("all_margin",), per_prompt=9))
    sides = {(row["chosen"][-1]["content"], row["rejected"][-1]["content"]) for row in rows}
    assert sides == {(WHOLE, WORSE), (WHOLE, "You should never ever")}
    assert built.dropped["cut_off"] == 4


def test_a_preference_for_a_cut_answer_is_dropped(product: Product):
    product.log(completion("cut", CUT, "up", "length"), log_format="openai_chat")
    event = {"id": "f", "interaction_id": "cut", "feedback_type": "preference", "created_at": "2026-10-01T12:00:00Z"}
    product.log({**event, "preferred_output": CUT, "rejected_output": WORSE}, log_format="feedback_table")
    product.ingest()
    built, rows = product.build(build_pairs, PairPolicy(strategies=("explicit",)))
    assert (rows, built.dropped) == ([], {"cut_off": 1})


def test_a_cut_answer_is_no_good_example_and_in_no_group(cut: Product):
    built, rows = cut.build(build_kto, KtoPolicy())
    assert {row["completion"][-1]["content"]: row["label"] for row in rows} == {
        WHOLE: True,
        WORSE: False,
        "You should never ever": False,
    }
    assert built.dropped == {"cut_off": 2}
    built, rows = cut.build(build_grpo, GrpoPolicy(min_group_size=2))
    assert built.dropped["cut_off"] == 3


def test_a_refusal_in_its_own_field_is_one_whatever_its_words(product: Product):
    product.log(
        completion("r1", REFUSAL, "up", "refusal"),
        completion("r2", "Hit it with a hammer until it opens, then run.", "down"),
        completion("r3", "Ask a locksmith, please.", "up", "refusal"),
        log_format="openai_chat",
    )
    product.ingest()
    assert {name: row["refusal"] for name, row in product.rated().items()} == {"r1": True, "r2": False, "r3": True}
    built, rows = product.build(build_sft, SftPolicy())
    assert (rows, built.dropped) == ([], {"refusal": 2, "low_reward": 1})
    _, rows = product.build(build_pairs, PairPolicy())
    assert {row["chosen"][-1]["content"] for row in rows} == {REFUSAL, "Ask a locksmith, please."}
    assert {row["rejected"][-1]["content"][:3] for row in rows} == {"Hit"}
    assert {row["answer"] for row in product.rows(INTERACTIONS)} >= {REFUSAL}
