"""The macros that every statement relies on, and what a connection does."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import duckdb
import pytest

from rl_assets.core import sql
from rl_assets.ingest.connection import connect_for_lines
from rl_assets.ingest.parsers import MISSING, identifier, number


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(connect_for_lines()) as connection:
        yield connection


@pytest.fixture
def evaluate(connection):
    def value(expression: str, **parameters: Any) -> Any:
        return connection.execute(f"SELECT {expression}", parameters or None).fetchall()[0][0]

    return value


def reading(evaluate, macro: str, value: Any) -> Any:
    return evaluate(f"{macro}(CAST($json AS JSON))", json=json.dumps(value))


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (0.5, 0.5),
        (7, 7),
        (-3, -3),
        ("0.5", 0.5),
        (" 2e1 ", 20),
        (True, None),
        ("NaN", None),
        ("inf", None),
        ("1,5", None),
    ],
)
def test_numbers_are_read_also_as_strings_but_never_as_booleans_or_infinities(evaluate, value, read):
    assert reading(evaluate, "number_of", value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (True, True),
        (False, False),
        (1, True),
        (0, False),
        (2, None),
        ("True", True),
        (0.0, False),
        ([], None),
        ("no", None),
    ],
)
def test_booleans_are_read_also_as_0_and_1_and_as_texts(evaluate, value, read):
    assert reading(evaluate, "flag_of", value) is read


@pytest.mark.parametrize(
    ("value", "read"),
    [("a", "a"), (" a ", "a"), (12, "12"), (12.0, "12"), ("12.0", "12"), ("  ", None), (1.5, None), (True, None)],
)
def test_ids_are_text_or_whole_numbers(evaluate, value, read):
    assert reading(evaluate, "id_of", value) == read


@pytest.mark.parametrize("word", sorted(MISSING))
def test_words_for_missing_values_are_the_same_in_sql_and_python(evaluate, word):
    for written in (word, f" {word} "):
        assert reading(evaluate, "id_of", written) is reading(evaluate, "label_of", written) is None
        assert identifier({"user": written}, "user") is number({"n": written}, "n") is None
    for name in (word.title(), f"{word}a"):
        if name not in MISSING:
            assert reading(evaluate, "id_of", name) == identifier({"user": name}, "user") == name


def test_whitespace_of_any_kind_is_stripped_and_inner_one_stays(evaluate):
    spaces = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
    assert len(spaces) > 20
    assert evaluate("stripped($words)", words=f"{spaces}a {spaces} u00{spaces}") == f"a {spaces} u00"
    assert evaluate("stripped($words)", words=spaces) == ""


@pytest.mark.parametrize(
    "value",
    [
        "2026-10-01T10:00:00Z",
        "2026-10-01T12:00:00+02:00",
        "2026-10-01T10:00:00",
        "2026-10-01 10:00:00.000",
        1790848800,
        1790848800.0,
        1790848800000,
        "1790848800",
        "1790848800000",
    ],
)
def test_one_moment_is_read_from_iso_with_and_without_zone_from_seconds_and_from_milliseconds(evaluate, value):
    moment = reading(evaluate, "time_of", value)
    assert moment.isoformat() == "2026-10-01T10:00:00+00:00"


@pytest.mark.parametrize(
    "value", ["yesterday", "", "2026-13-01", "infinity", "epoch", "1999-12-31", "2100-01-01", 5, -1, 1e21, True, []]
)
def test_what_is_no_moment_of_this_century_is_no_time(evaluate, value):
    assert reading(evaluate, "time_of", value) is None


@pytest.mark.parametrize(
    ("value", "read"), [(["a", "b"], ["a", "b"]), ([], []), (["a", 1], None), (["a", None], ["a"]), ("a", None)]
)
def test_lists_of_texts_hold_texts_only(evaluate, value, read):
    assert reading(evaluate, "texts_of", value) == read


def test_scores_are_numbers_by_name(evaluate):
    assert reading(evaluate, "scores_of", {"overall": 0.5, "brand": "0.25"}) == {"overall": 0.5, "brand": 0.25}
    assert reading(evaluate, "scores_of", {"overall": "good"}) is None
    assert reading(evaluate, "scores_of", {"overall": True}) is None
    assert reading(evaluate, "scores_of", [0.5]) is None


def test_messages_have_a_known_role_and_a_text(evaluate):
    said = {"role": "user", "content": "hi"}
    assert reading(evaluate, "messages_of", [said]) == [said]
    assert reading(evaluate, "messages_of", [{**said, "role": "robot"}]) is None
    assert reading(evaluate, "messages_of", [{**said, "content": [{"type": "text", "text": "hi"}]}]) == [said]
    assert reading(evaluate, "messages_of", [{**said, "content": 7}]) is None
    assert reading(evaluate, "messages_of", [said, "hi"]) is None


def test_a_threshold_is_reached_up_to_rounding(evaluate):
    assert 1.0 - 0.8 < 0.2
    assert evaluate("reaches(CAST($x AS DOUBLE) - CAST($y AS DOUBLE), 0.2)", x=1.0, y=0.8)
    assert not evaluate("reaches(CAST($x AS DOUBLE), 0.2)", x=0.19999)


@pytest.mark.parametrize(
    ("roles", "renderable"),
    [
        ("user", True),
        ("system user", True),
        ("user assistant user", True),
        ("system user assistant user assistant user", True),
        ("", False),
        ("system", False),
        ("user user", False),
        ("user assistant", False),
        ("user system user", False),
        ("user tool user", False),
    ],
)
def test_a_chat_prompt_alternates_and_ends_with_the_user(evaluate, roles, renderable):
    assert evaluate("is_chat_prompt($roles)", roles=roles) is renderable


def test_splits_are_about_90_5_and_5_percent_of_many_keys(connection):
    shares = connection.sql(
        "SELECT split_of(sha256(CAST(i AS VARCHAR))) AS split, count(*) / 20000 FROM range(20000) AS t(i) GROUP BY ALL"
    ).fetchall()
    assert dict(shares) == pytest.approx({"train": 0.90, "validation": 0.05, "test": 0.05}, abs=0.006)


def test_a_connection_is_in_utc_and_fetches_nothing(evaluate):
    assert evaluate("current_setting('TimeZone')") == "UTC"
    assert evaluate("current_setting('autoinstall_known_extensions')") is False


def test_parameters_are_bound_by_name(connection):
    connection.execute(
        "CREATE TEMP TABLE outcomes AS SELECT 'f' AS source_file, 1 AS source_line, 'reject' AS outcome, "
        "'not_json' AS reason, NULL AS detail, 'x' AS raw"
    )
    connection.execute("CREATE TEMP TABLE conflicts AS SELECT source_file, source_line, raw FROM outcomes LIMIT 0")
    rows = sql.select(connection, "ingest/rejected_records", day="2026-10-01").fetchall()
    assert rows[0][1:4] == ("f", 1, "not_json")


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [("a", "b", ["a", "b"]), ("b", "a", ["a", "b"]), ("a", "a", ["a"]), (None, "a", ["a"]), ("a", None, ["a"])],
)
def test_two_names_are_listed_in_order_and_once(evaluate, first, second, names):
    assert evaluate("two_names($a, $b)", a=first, b=second) == names


def test_of_two_names_that_are_not_known_none_is_listed(evaluate):
    assert evaluate("two_names(CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR))") == []
