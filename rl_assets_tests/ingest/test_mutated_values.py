"""Lines with a value exchanged at random: each has records or a reject that says why, and no answer says another."""

from random import Random
from typing import Any

import pyarrow as pa
import pytest

from rl_assets.ingest.conversion import CONVERTED, python_formats
from rl_assets.ingest.formats import openpipe
from rl_assets.tables.records import REJECT_REASONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import Product
from rl_assets_tests.support.mutated_values import answers_of, converted, examples, mutate, touches

LINES = 300
MANY = 5_000


def outcomes(log_format: str, lines: int) -> list[dict[str, Any]]:
    """What becomes of lines of the format's examples with a value exchanged; raises if an answer says another."""
    random = Random(16)
    originals = examples(log_format)
    expected = [answers_of(converted(row, log_format)) for row in originals]
    records = []
    for _ in range(lines):
        place = random.randrange(len(originals))
        mutated = mutate(random, originals[place])
        record = converted(mutated.row, log_format)
        records.append(record)
        texts = {text for text in expected[place].values() if text}
        if not touches(mutated, originals[place], texts):
            read = {text for text in answers_of(record).values() if text}
            assert read <= texts, (mutated, read)
    return records


def check(log_format: str, lines: int) -> None:
    records = outcomes(log_format, lines)
    faults = [record["fault"] for record in records if "fault" in record]
    kept = [record for record in records if "record" in record]
    assert len(faults) + len(kept) == lines
    assert kept and faults
    assert {fault.partition(":")[0] for fault in faults} <= {*REJECT_REASONS} - {"reader_failed"}
    assert all(fault.partition(":")[2].strip() for fault in faults)
    assert all(record["interaction"] or record["answers"] or record["feedback"] for record in kept)
    pa.RecordBatch.from_pylist(records, schema=CONVERTED)


@pytest.mark.parametrize("log_format", python_formats())
def test_a_line_with_an_odd_value_is_read_or_refused_with_a_reason(log_format: str):
    check(log_format, LINES)


@pytest.mark.parametrize("tokens", [2**40, 2**70, 1e300])
def test_a_number_that_no_column_holds_costs_its_line_only(tokens: float):
    (line, *_) = examples("openai_chat")
    record = converted({**line, "usage": {"total_tokens": tokens}}, "openai_chat")
    assert record["fault"] == "out_of_range:tokens is over 2147483648"


def test_a_shape_that_a_reader_did_not_foresee_costs_its_line_only(product: Product, monkeypatch: pytest.MonkeyPatch):
    (line, *_) = examples("openpipe")
    read = openpipe.records
    monkeypatch.setattr(
        openpipe, "records", lambda row, context: row["missing"] if "odd" in row else read(row, context)
    )
    product.log({**line, "odd": 1}, line, log_format="openpipe")
    ingested = product.ingest()
    assert (ingested.lines, ingested.rows, ingested.rejects) == (2, 1, {"reader_failed": 1})
    (rejected,) = product.rows(REJECTED_RECORDS)
    assert (rejected["source_line"], rejected["detail"]) == (1, "KeyError: 'missing'")


@pytest.mark.slow
@pytest.mark.parametrize("log_format", python_formats())
def test_thousands_of_odd_values_are_read_or_refused(log_format: str):
    check(log_format, MANY)
