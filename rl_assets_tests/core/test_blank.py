"""A text that shows nothing is empty, by one definition for Python and SQL."""

import unicodedata

import pyarrow as pa
import pytest

from rl_assets.core import sql
from rl_assets.core.blank import is_blank, is_empty_answer, stripped

SIGNS = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000]
INVISIBLE = (
    "\u200b\u200c\u200d\u200e\u2060\ufeff\u00ad\u034f\u061c\u115f\u1160\u17b4\u180b\u2800\u3164\uffa0\ufe0f\U000e0020"
    "\U00013441\U00013442\U0001d159"
)


def test_spaces_controls_and_invisible_characters_are_blank_and_what_shows_is_not():
    blank = {sign for sign in SIGNS if is_blank(sign)}
    assert {sign for sign in SIGNS if unicodedata.category(sign) in ("Cc", "Zs", "Zl", "Zp")} <= blank
    assert {sign for sign in SIGNS if sign.isspace()} | set(INVISIBLE) <= blank
    assert not [sign for sign in blank if unicodedata.category(sign)[0] in "NPS" and sign not in "\u2800\U0001d159"]
    assert is_blank(None) and is_blank("") and is_blank(INVISIBLE) and not is_blank(f"{INVISIBLE}.")


@pytest.mark.slow  # Several seconds of CPU.
def test_python_and_sql_agree_on_every_character():
    connection = sql.connect()
    connection.register("signs", pa.table({"sign": pa.array(SIGNS)}))
    found = connection.sql("SELECT is_blank(sign), stripped('é' || sign), stripped(sign || 'é' || sign) FROM signs")
    ours = [(is_blank(sign), stripped(f"é{sign}"), stripped(f"{sign}é{sign}")) for sign in SIGNS]
    assert found.fetchall() == ours


def test_blank_characters_inside_a_text_stay():
    family = "👩\u200d👩\u200d👧 and ❤\ufe0f."
    assert stripped(f"\ufeff {family}\u200b\n") == family


THOUGHTS_ALONE = [
    "<think>\nthey greet\n</think>\n\n",
    "<think>they gre",
    "they greet\n</think>\n",
    " <thinking>they greet</thinking>\u200b",
    "[THINK]they greet[/THINK]",
    "<think>they greet</think> <think>or do they",
]
ANSWERS = ["<think>they greet</think>Hello", "Use <think> to think.", "The tag is `</think>`.", "[THINK]a[/THINK]b"]


def test_an_answer_of_thoughts_alone_is_empty_in_python_and_in_sql():
    answers = [*THOUGHTS_ALONE, None, "", "\n", *ANSWERS, "Hello"]
    connection = sql.connect()
    connection.register("answers", pa.table({"answer": pa.array(answers)}))
    found = connection.sql("SELECT is_empty_answer(answer), answer_length(answer) = 0 FROM answers").fetchall()
    ours = [is_empty_answer(answer) for answer in answers]
    assert found == [(empty, empty) for empty in ours]
    assert ours == [True] * 9 + [False] * 5
