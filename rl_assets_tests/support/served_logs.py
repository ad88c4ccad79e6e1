"""A log of served conversations: each drew one of two arms with logged probabilities, and was rated with a thumb."""

from itertools import islice
from random import Random
from typing import Any

from rl_assets_tests.support.logs import Product, Row, about, interaction
from rl_assets_tests.support.rung_logs import WORDS, held_out_questions

PROSE = 12


def served_lines(arms: dict[str, float], likes: dict[str, float], count: int, seed: int) -> tuple[list[Row], list[Row]]:
    """So many conversations of one answer, drawn by the shares of the arms and liked by the share of theirs."""
    random, answers, thumbs = Random(seed), list[Row](), list[Row]()
    for number in range(count):
        arm = random.choices(list(arms), list(arms.values()))[0]
        question = f"Served {number}: {' '.join(random.sample(WORDS, 6))}?"
        liked = random.random() < likes[arm]
        answers.append(turn(f"s{number}", arm, arms, query=question))
        thumbs.append(thumb(f"s{number}", liked))
    return answers, thumbs


def turn(name: str, arm: str, arms: dict[str, float], **fields: Any) -> Row:
    """An answer of that id, in a conversation of its own unless another one is named."""
    drawn = {"assigned_arm": arm, "drawn": True, "arms": arms, "propensity": arms[arm], "policy_version": "p1"}
    values = {"session_id": f"talk-{name}", "category": "served", "agent_type": "assistant"} | drawn | fields
    return interaction(name, **values)


def thumb(name: str, liked: bool) -> Row:
    """What a user thought of that answer."""
    return about(name, f"f-{name}", "thumbs_up" if liked else "thumbs_down", user_id=f"u-{name}")


def prose_lines() -> tuple[list[Row], list[Row]]:
    """Held-out questions that no rule can score, each with an answer that people liked."""
    random = Random(0)
    asked = enumerate(islice(held_out_questions("prose"), PROSE))
    answers = [
        interaction(
            f"p{n}", query=question, answer=f"Tale {n}: {' '.join(random.sample(WORDS, 14))}.", category="prose"
        )
        for n, question in asked
    ]
    return answers, [about(f"p{n}", f"f-p{n}", user_id=f"p{n}") for n in range(PROSE)]


def land(product: Product, *logs: tuple[list[Row], list[Row]]) -> None:
    """Answers and thumbs of the logs, as a file of each format."""
    answers, thumbs = ([row for log in logs for row in log[part]] for part in (0, 1))
    product.log(*answers, log_format="interaction_log", name="served.jsonl")
    product.log(*thumbs, log_format="feedback_table", name="served.jsonl")
