"""A product with two answers to each of many questions, of which people compared some: the better one is specific."""

import random
from typing import Any

from rl_assets_tests.support.logs import DAY, Product, Row, about, interaction

QUESTIONS = 160
COMPARED = 60
# Questions share no words, or they would be one cluster.
SYLLABLES = ("ba", "ke", "lo", "mi", "nu", "ra", "se", "ti", "vo", "zu")


def word(number: int, salt: str) -> str:
    """A made-up word that depends on both."""
    draw = random.Random(f"{salt}-{number}")
    return "".join(draw.choice(SYLLABLES) for _ in range(5))


def question(number: int) -> str:
    return f"{word(number, 'a')} {word(number, 'b')} {word(number, 'c')} {word(number, 'd')}?"


def good(number: int) -> str:
    """Says what was asked, in one to four sentences."""
    draw = random.Random(number)
    named = f"{word(number, 'a')} {word(number, 'b')} is {word(number, 'e')}."
    return " ".join([named, *(f"See {word(number, f's{n}')} too." for n in range(draw.randrange(4)))])


def bad(number: int) -> str:
    """Says nothing of it."""
    draw = random.Random(1000 + number)
    return " ".join(["I cannot tell you", *(word(number, f"x{n}") for n in range(2, 2 + draw.randrange(12)))])


def answers(numbers: range, **fields: Any) -> list[Row]:
    """Two answers to each question."""
    texts = {"good": good, "bad": bad}
    return [
        interaction(f"{name}-{n}", query=question(n), answer=text(n), agent_type=name, **fields)
        for n in numbers
        for name, text in texts.items()
    ]


def preference(number: int, feedback_id: str | None = None, **fields: Any) -> Row:
    """Somebody prefers the good answer to a question."""
    texts = {"preferred_output": good(number), "rejected_output": bad(number)}
    pair = {"other_interaction_id": f"bad-{number}", "shown_first": f"good-{number}"}
    return about(f"good-{number}", feedback_id or f"v{number}", "preference", **pair, **texts, **fields)


def log_product(product: Product, questions: int = QUESTIONS, compared: int = COMPARED) -> None:
    """The answers and verdicts of one day."""
    product.log(*answers(range(questions)))
    if compared:
        product.log(*(preference(n) for n in range(compared)), log_format="feedback_table", day=DAY)
