"""Categories of questions by their words, in Python and in SQL."""

import random
import re
import time

import pytest

from rl_assets.core import sql
from rl_assets.routing.categories import MAX_CHARACTERS, RULES, category_of, create_category_macro

QUESTIONS = {
    "What does the logo look like?": "visual",
    "How do I see a picture of my order?": "visual",
    "How do I reset the router?": "procedural",
    "Who manages the team?": "relational",
    "Is the total higher than last year?": "analytical",
    "Why?": "analytical",
    "Refunds?": "vague",
    "": "vague",
    "  \n": "vague",
    "Please tell me about refunds and returns": "vague",
    "Where is my order?": "factual",
    "What is the imagery of the poem?": "factual",
    "量子力学是什么": "factual",
    "Größe": "factual",
    "in\u017ftall it on the machine": "factual",
    "the \u212a-effect, lin\u212a it": "analytical",
    f"{'order ' * 400}picture": "factual",
    "Two words\n": "vague",
    "Two\x00words": "vague",
    "Where is\nthe diagram": "visual",
    "FIX THE PRINTER OF ROOM 5": "procedural",
}


@pytest.mark.parametrize(("question", "category"), QUESTIONS.items())
def test_the_first_rule_that_applies_decides(question: str, category: str) -> None:
    assert category_of(question) == category


def test_sql_gives_the_same_categories() -> None:
    coin = random.Random(5)
    text = "picture how do step between why sum thing tell me about order is the it's a_b trade-offs"
    words = [
        *re.split(" ", text),
        "\u00e9t\u00e9",
        "\u017fteps",
        "\n",
        "?",
        "-",
        "vs.",
        "MAP",
        "what\u00a0is",
        "'",
        "\\",
        "\U0001f600",
    ]
    made = [coin.choice(["", " ", "\t"]).join(coin.choices(words, k=coin.randint(0, 5))) for _ in range(2_000)]
    asked = [*QUESTIONS, *made, "word " * MAX_CHARACTERS]
    connection = sql.connect()
    create_category_macro(connection)
    rows = connection.execute("SELECT category_of(unnest(?::VARCHAR[]))", [asked]).fetchall()
    assert [category for (category,) in rows] == [category_of(question) for question in asked]
    assert {category for (category,) in rows} == {*RULES, "factual"}


def test_a_long_word_without_end_costs_no_time() -> None:
    started = time.perf_counter()
    assert category_of("a" * (MAX_CHARACTERS - 1) + "\u00e9") == "factual"
    assert time.perf_counter() - started < 0.05


def test_the_first_question_of_a_conversation_counts() -> None:
    turns = "[{'role': 'system', 'content': 's'}, {'role': 'user', 'content': 'a'}, {'role': 'user', 'content': 'b'}]"
    assert sql.connect().sql(f"SELECT first_question({turns}), first_question([])").fetchall() == [("a", None)]
