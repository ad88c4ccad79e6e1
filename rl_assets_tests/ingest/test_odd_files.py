"""Files and fields as they drift, grow, vanish and lie about their times."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rl_assets.ingest import lines
from rl_assets.ingest.blocks import Block, file_blocks
from rl_assets.ingest.lines import UnreadableFileError
from rl_assets.tables.records import INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import Product, interaction, reward
from rl_assets_tests.support.unprivileged import run_unprivileged

INGEST = """
import sys
from pathlib import Path
from rl_assets.lake.delta import Lake
from rl_assets_tests.support.logs import Product

Product(Path(sys.argv[1]), Lake(sys.argv[2])).ingest()
"""
TEN = datetime(2026, 10, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("name", ["part.jsonl", "part.jsonl.gz", "part.jsonl.zst"])
def test_a_line_of_fifty_megabytes_costs_itself_only(product: Product, name):
    endless = json.dumps(interaction("b", answer="x" * 50 * 2**20))
    product.log(interaction("a"), endless, interaction("c"), name=name)
    ingested = product.ingest()
    assert (ingested.lines, ingested.rows, ingested.rejects) == (3, 2, {"too_long": 1})
    reject = product.rows(REJECTED_RECORDS)[0]
    assert (reject["source_line"], len(reject["raw"])) == (2, 4096)


def test_times_of_every_spelling_mean_the_same_moment(product: Product):
    spelled = [
        "2026-10-01T10:00:00Z",
        "2026-10-01T12:00:00+02:00",
        "2026-10-01 10:00:00",
        "2026-10-01T10:00:00.000000",
        TEN.timestamp(),
        int(TEN.timestamp()),
        int(TEN.timestamp() * 1000),
        str(int(TEN.timestamp())),
    ]
    product.log(*(interaction(str(i), timestamp=said) for i, said in enumerate(spelled)))
    assert product.ingest().rows == len(spelled)
    assert {row["answered_at"] for row in product.rows(INTERACTIONS)} == {TEN}


def test_a_time_of_the_future_is_kept_and_counted_and_one_of_another_century_is_refused(product: Product):
    said = ["2027-01-01T00:00:00Z", "2099-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "1999-12-31T23:59:59Z", -5, 1e30]
    product.log(*(interaction(str(i), timestamp=time) for i, time in enumerate(said)))
    ingested = product.ingest()
    assert (ingested.rows, ingested.outside_day, ingested.rejects) == (2, 2, {"bad_timestamp": 4})


def test_new_fields_are_ignored_and_vanished_ones_are_missing(product: Product):
    old, new = interaction("old"), interaction("new", trace={"deep": [1]}, answer_v2="x")
    del new["latency_ms"], new["tools_used"]
    renamed = {("question" if name == "query" else name): value for name, value in interaction("renamed").items()}
    product.log(old, new, renamed)
    ingested = product.ingest()
    assert (ingested.rows, ingested.rejects) == (2, {"missing_field": 1})
    assert {row["interaction_id"]: row["latency_ms"] for row in product.rows(INTERACTIONS)} == {"old": 250, "new": None}


def test_a_score_said_twice_is_refused_rather_than_chosen(product: Product):
    line = json.dumps(interaction(quality_scores={"overall": "HERE"}))
    product.log(line.replace('"overall": "HERE"', '"overall": 0.1, "overall": 0.9'))
    assert product.ingest().rejects == {"duplicate_key": 1}


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "nan", "'0.5'"])
def test_numbers_that_are_none_are_refused_wherever_they_stand(product: Product, text):
    product.log(json.dumps(interaction("a", latency_ms="HERE")).replace('"HERE"', text))
    product.log(json.dumps(reward(value="HERE")).replace('"HERE"', text), log_format="reward_log")
    ingested = product.ingest()
    assert (ingested.rows, sum(ingested.rejects.values())) == (0, 2)


def test_a_file_that_may_not_be_read_fails_the_day(product: Product):
    product.log(interaction("a"))
    product.ingest()
    product.log(interaction("b")).chmod(0)
    ingested = run_unprivileged(INGEST, str(product.landing), product.lake.url)
    assert ingested.returncode == 1
    assert "UnreadableFileError" in ingested.stderr and "Permission denied" in ingested.stderr
    assert [row["interaction_id"] for row in product.rows(INTERACTIONS)] == ["a"], "the former version stays"


def test_a_folder_named_like_a_log_does_not_stop_the_day(product: Product):
    product.log(interaction("a"), name="folder.jsonl/part.jsonl")
    assert product.ingest().rows == 1


def change(path: Path, how: str) -> None:
    whole = path.read_bytes()
    if how == "vanishes":
        path.unlink()
    else:
        path.write_bytes(whole * 2 if how == "grows" else whole[:50])


@pytest.mark.parametrize("how", ["grows", "shrinks", "vanishes"])
def test_a_file_that_changes_while_it_is_read_fails_the_day_which_stays_as_it_was(product, monkeypatch, how):
    path = product.log(interaction("a1"), interaction("a2"))
    product.ingest()
    before, whole = product.rows(INTERACTIONS), path.read_bytes()

    def meddled_with(read: Path, fields: tuple[str, ...]) -> Iterator[Block]:
        blocks = file_blocks(read, fields)
        yield next(blocks)
        change(read, how)
        yield from blocks

    with monkeypatch.context() as patched:
        patched.setattr(lines, "file_blocks", meddled_with)
        with pytest.raises(UnreadableFileError, match=r"part-0\.jsonl"):
            product.ingest()
    assert product.rows(INTERACTIONS) == before
    path.write_bytes(whole)
    assert product.ingest().rows == 2
