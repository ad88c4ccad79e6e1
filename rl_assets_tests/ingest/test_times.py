"""A time means the same in every format: twenty spellings that products write, and those that mean nothing for sure."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from rl_assets.ingest.connection import connect_for_lines
from rl_assets.ingest.times import parse_time, unix_microseconds
from rl_assets.tables.records import INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.format_records import FORMATS, record_of
from rl_assets_tests.support.logs import DAY, Product

TEN = datetime(2026, 10, 1, 10, tzinfo=UTC)
MIDNIGHT = datetime(2026, 10, 1, tzinfo=UTC)
TIMES = {
    "2026-10-01T10:00:00.123456789Z": TEN + timedelta(microseconds=123456),
    "2026-10-01T10:00:00,5Z": TEN + timedelta(seconds=0.5),
    "2026-10-01T10:00:00+0000": TEN,
    "2026-10-01 10:00:00 UTC": TEN,
    "2026-10-01T12:00:00 Europe/Berlin": TEN,
    "2026-10-01T12:00:00+02:00[Europe/Berlin]": TEN,
    "2026-10-01T10:00:00[UTC]": TEN,
    "Thu, 01 Oct 2026 10:00:00 GMT": TEN,
    "01/Oct/2026:10:00:00 +0000": TEN,
    "2026/10/01 10:00:00": TEN,
    " 2026-10-01t10:00:00z ": TEN,
    "2026-10-01": MIDNIGHT,
    "20261001T100000Z": TEN,
    "20261001": MIDNIGHT,
    "2026-10-01T23:59:60Z": MIDNIGHT + timedelta(days=1),
    "2026-10-01T24:00:00Z": MIDNIGHT + timedelta(days=1),
    1790848800123456: TEN + timedelta(microseconds=123456),
    1790848800123456789: TEN + timedelta(microseconds=123456),
    "1790848800.5": TEN + timedelta(seconds=0.5),
    "1790848800000": TEN,
    1790848800: TEN,
    "2026-10-01T10:00:00.000-03:30": TEN + timedelta(hours=3.5),
    "2026-10-1T9:5:00": TEN - timedelta(minutes=55),
    "2026-W40-4": MIDNIGHT,
}
NONE = [
    *("10/01/2026 10:00", "01.10.2026", "2026-10-01T10:00:00 CEST", "2026-13-01", "2026-02-30T10:00:00Z", "soon"),
    *("2026101", "2026-10-01T10:00:00 Mars/Base", "2026-10-01T25:00:00Z", "2100-01-01", 20261001, -5, True, "1e30"),
]


@pytest.mark.parametrize("log_format", FORMATS)
def test_every_spelling_of_a_time_means_the_same_in_every_format(product: Product, log_format):
    product.log(*(record_of(log_format, time, i) for i, time in enumerate(TIMES)), log_format=log_format)
    product.log(
        *(record_of(log_format, time, i) for i, time in enumerate(NONE, 100)), log_format=log_format, name="z.jsonl"
    )
    ingested = product.ingest()
    assert (ingested.rows, ingested.rejects) == (len(TIMES), {"bad_timestamp": len(NONE)})
    answered = sorted(product.rows(INTERACTIONS), key=lambda row: row["source_line"])
    assert [row["answered_at"] for row in answered] == list(TIMES.values())
    details = [row["detail"] for row in sorted(product.rows(REJECTED_RECORDS), key=lambda row: row["source_line"])]
    assert details[0].endswith(" = '10/01/2026 10:00'")
    assert details[NONE.index(20261001)].endswith(" = 20261001")


def test_sql_and_python_agree_on_random_times():
    random, texts = Random(1), []
    for _ in range(500):
        time = MIDNIGHT + timedelta(microseconds=random.randrange(10**15))
        zone = random.choice(["", "Z", "+02:00", "-0330", "+14:00", "+15:00", " UTC"])
        texts += [time.strftime(random.choice(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y%m%dT%H%M%S"])) + zone]
        texts += [str(int(time.timestamp() * 10 ** random.choice([0, 3, 6]))), str(time.timestamp())]
    connection = connect_for_lines()
    query = "SELECT epoch_us(time_of(to_json(text))) FROM unnest($texts) AS t(text)"
    read = [value for (value,) in connection.execute(query, {"texts": texts}).fetchall()]
    assert read == [unix_microseconds(str(parse_time(text))) for text in texts]
    assert None not in read
    connection.close()


def test_a_line_without_a_time_has_that_of_its_day(product: Product):
    product.log(record_of("openai_chat", None, 1), log_format="openai_chat")
    product.ingest()
    assert product.rows(INTERACTIONS)[0]["answered_at"].date() == DAY
