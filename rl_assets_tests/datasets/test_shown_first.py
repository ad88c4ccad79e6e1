"""Which of two answers was shown first, and whether that decides."""

from typing import Any

import pytest

from rl_assets.datasets.ratings import Window
from rl_assets.datasets.shown_first import ShownFirst, read_shown_first
from rl_assets_tests.support.logs import DAY, Product, Row, about, interaction


def preference(name: str, **fields: Any) -> Row:
    texts = {"preferred_output": "One.", "rejected_output": "Two."}
    return about("a", name, "preference", **{"other_interaction_id": "b", "user_id": name, **texts, **fields})


def test_only_decided_comparisons_of_the_answers_they_name_count(product: Product):
    product.log(interaction("a", answer="One."), interaction("b", answer="Two."), interaction("c", answer="One."))
    product.log(
        preference("won", shown_first="a"),
        preference("lost", shown_first="b"),
        preference("unsaid"),
        preference("another", shown_first="c"),
        preference("unknown", shown_first="x"),
        preference("rewritten", shown_first="a", preferred_output="Three."),
        about("a", "tie", "tie", other_interaction_id="b", shown_first="a", user_id="tie"),
        log_format="feedback_table",
    )
    product.ingest()
    product.rated()
    assert read_shown_first(product.lake, Window(DAY, 30)) == ShownFirst(decided=2, first_won=1)


@pytest.mark.parametrize(
    ("decided", "first_won", "biased"),
    [(0, 0, False), (3, 3, False), (4, 4, True), (400, 219, False), (400, 221, True), (400, 179, True)],
)
def test_a_bias_is_one_whose_interval_excludes_one_half(decided: int, first_won: int, biased: bool):
    assert ShownFirst(decided, first_won).is_biased is biased
