"""Lines that were damaged at random: none is lost, none stops a day, and none that is read says something else."""

import json
from random import Random
from typing import Any

import pytest

from rl_assets.ingest.conversion import python_formats
from rl_assets.tables.records import INGESTED_FILES, INTERACTIONS, REJECT_REASONS, REJECTED_RECORDS
from rl_assets_tests.support.format_records import FORMATS, record_of
from rl_assets_tests.support.logs import DAY, Product, Row, encoded, interaction, reward
from rl_assets_tests.support.mutated_values import Mutated, mutate, touches

LINES = 5_000
TOKENS = (
    *(b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\u", b"null", b"true", b"NaN", b"1e999", b"-", b"0", b" "),
    *(b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x1e", b"\x00", b"\r", b"overall", b"2099-01-01", b"/~"),
    *(b'"overall": 2,', b'"a": {"b": 1, "b": 2},'),
)
ODD: dict[str, list[Row]] = {
    "interaction_log": [
        interaction("q", quality_scores={"overall": 0.5, 'a~b/c"d': 0.1}, user_rating=4, sources=[{"id": 1}])
    ],
    "reward_log": [reward()],
    "openai_chat": [
        {
            **record_of("openai_chat", f"{DAY}T10:00:00Z", 9),
            "feedback": {"rating": 4, "comment": "x", "thumbs": "up", "score": 0.5, "correction": "y", "user_id": "u"},
        }
    ],
}


def mutated(random: Random, line: bytes) -> bytes:
    for _ in range(random.choice([1, 1, 2, 4])):
        start = random.randrange(len(line))
        line = line[:start] + random.choice(TOKENS) + line[start + random.choice([0, 0, 1, 3, 10]) :]
    return line.replace(b"\n", b" ")


def with_odd_value(random: Random, log_format: str, number: int) -> tuple[Mutated, Row]:
    """A line with a value exchanged, and the line as it was."""
    choices = [record_of(log_format, f"{DAY}T10:00:00Z", number)]
    choices += [{**row, "interaction_id": f"q{number}"} for row in ODD.get(log_format, [])]
    original = random.choice(choices)
    return mutate(random, original), original


def answer_of(log_format: str, row: Any) -> Any:
    """The answer in a line, by a reader that knows nothing but JSON."""
    if log_format == "openai_chat":
        return row["messages"][-1].get("content")
    return row.get({"feedback_table": "model_output", "langfuse": "output"}.get(log_format, "answer"))


@pytest.mark.slow  # A second of CPU per format, several with a busy machine.
@pytest.mark.parametrize("log_format", FORMATS)
def test_a_damaged_line_is_what_it_says_or_a_reject(product: Product, log_format):
    random = Random(7)
    good = [record_of(log_format, f"{DAY}T10:00:00Z", number) for number in range(3)] + ODD.get(log_format, [])
    # A first line that is whole, so that the file is no document.
    lines = [b"{}", *(mutated(random, encoded((random.choice(good),))[:-1]) for _ in range(LINES))]
    product.log(*lines, log_format=log_format)
    ingested = product.ingest()
    assert len(lines) == ingested.lines == ingested.rows + ingested.duplicates + sum(ingested.rejects.values())
    (file,) = product.rows(INGESTED_FILES)
    assert file["lines"] == file["rows"] + file["duplicates"] + file["rejects"]
    assert {row["reason"] for row in product.rows(REJECTED_RECORDS)} <= set(REJECT_REASONS)
    if log_format != "oasst_trees":
        rows = product.rows(INTERACTIONS)
        assert rows
        for row in rows:
            line = lines[row["source_line"] - 1].decode().removeprefix("\ufeff").removeprefix("\x1e")
            assert (row["answer"] or None) == (answer_of(log_format, json.loads(line)) or None)


@pytest.mark.slow
@pytest.mark.parametrize("log_format", sorted({*FORMATS} - {*python_formats()}))
def test_a_line_that_sql_reads_with_an_odd_value_is_what_it_says_or_a_reject(product: Product, log_format):
    random = Random(11)
    given = [with_odd_value(random, log_format, number) for number in range(LINES)]
    product.log(b"{}", *(encoded((mutated.row,))[:-1] for mutated, _ in given), log_format=log_format)
    ingested = product.ingest()
    assert LINES + 1 == ingested.lines == ingested.rows + ingested.duplicates + sum(ingested.rejects.values())
    rejected = product.rows(REJECTED_RECORDS)
    assert {row["reason"] for row in rejected} <= set(REJECT_REASONS)
    assert all(row["detail"] for row in rejected if row["reason"] != "not_an_object")
    rows = [row for row in product.rows(INTERACTIONS) if row["source_line"] > 1]
    assert len(rows) > LINES / 10
    for row in rows:
        mutated, original = given[row["source_line"] - 2]
        said = answer_of(log_format, original)
        if not touches(mutated, original, {said} if said else set()):
            assert (row["answer"] or None) == (said or None), mutated
