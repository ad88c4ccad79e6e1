"""A log day as a whole: its account, its files, and what happens when it is taken in again."""

import os
import random

import pytest

from rl_assets.core.files import sha256_file
from rl_assets.ingest.lines import UnreadableFileError
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import Product, interaction, later, opinion, question, reward

TABLES = (INTERACTIONS, FEEDBACK, REJECTED_RECORDS, INGESTED_FILES)


def test_lines_of_all_formats_are_accounted_for_by_file_and_in_all(product: Product):
    a = product.log(interaction("a1"), interaction("a1"), interaction("a2", user_rating=3), "{", name="a.jsonl")
    product.log(question("q1"), reward("q1"), reward("q1", 2), log_format="reward_log", name="b.jsonl.gz")
    product.log(opinion("f1"), log_format="feedback_table", name="c.jsonl.zst")
    product.log(name="empty.jsonl")
    ingested = product.ingest()
    assert (ingested.files, ingested.lines, ingested.rows, ingested.duplicates) == (4, 8, 5, 1)
    assert ingested.rejects == {"not_json": 1, "out_of_range": 1}
    files = {row["source_file"].split("/")[-1]: row for row in product.rows(INGESTED_FILES)}
    counts = {name: [row[key] for key in ("lines", "rows", "duplicates", "rejects")] for name, row in files.items()}
    assert counts == {
        "a.jsonl": [4, 2, 1, 1],
        "b.jsonl.gz": [3, 2, 0, 1],
        "c.jsonl.zst": [1, 1, 0, 0],
        "empty.jsonl": [0, 0, 0, 0],
    }
    assert files["a.jsonl"]["fingerprint"] == sha256_file(a)
    assert {name: published.rows for name, published in ingested.published.items()} == {
        "interactions": 4,
        "feedback": 3,
        "rejected_records": 2,
        "ingested_files": 4,
    }


def test_events_outside_their_log_day_are_kept_and_counted(product: Product):
    product.log(interaction("a1"), interaction("a2", timestamp="2026-09-30T23:59:59Z"), interaction("a3", timestamp=1))
    ingested = product.ingest()
    assert (ingested.rows, ingested.outside_day) == (2, 1)


def test_a_day_without_files_is_published_as_empty(product: Product):
    ingested = product.ingest()
    assert (ingested.files, ingested.lines) == (0, 0)
    assert all(product.lake.open(table) is not None and product.rows(table) == [] for table in TABLES)


def test_a_day_that_became_empty_keeps_no_former_rows(product: Product):
    path = product.log(interaction("a1", user_rating=3), "{")
    product.log(interaction("b1", timestamp="2026-10-02T10:00:00Z"), day=later(1))
    product.ingest()
    product.ingest(later(1))
    path.unlink()
    product.ingest()
    assert [row["interaction_id"] for row in product.rows(INTERACTIONS)] == ["b1"]
    assert product.rows(FEEDBACK) == product.rows(REJECTED_RECORDS) == []


def test_an_unreadable_file_leaves_the_published_day_as_it_was(product: Product):
    product.log(interaction("a1", user_rating=3), "{", name="a.jsonl")
    product.ingest()
    before = [product.lake.published(table, later(0)) for table in TABLES]
    versions = [product.lake.open(table).version() for table in TABLES]

    noise = [interaction(str(i), answer=os.urandom(200).hex()) for i in range(200)]
    damaged = product.log(*noise, name="b.jsonl.gz")
    damaged.write_bytes(damaged.read_bytes()[:5000])
    with pytest.raises(UnreadableFileError, match=r"b\.jsonl\.gz"):
        product.ingest()
    assert [product.lake.published(table, later(0)) for table in TABLES] == before
    assert [product.lake.open(table).version() for table in TABLES] == versions


def test_a_file_of_a_whole_log_rejected_once_costs_nothing_else(product: Product):
    product.log("<html>", "<body>404</body>", "</html>", name="a.jsonl")
    product.log(interaction("a1"), name="b.jsonl")
    ingested = product.ingest()
    assert (ingested.lines, ingested.rows, ingested.rejects) == (2, 1, {"not_a_log_file": 1})
    assert product.rows(REJECTED_RECORDS)[0]["source_line"] == 0


def test_the_same_files_give_the_same_content_again(product: Product):
    product.log(*(interaction(str(i), user_rating=1 + i % 5) for i in range(50)), "{")
    first, again = product.ingest(), product.ingest()
    assert {n: p.sha256 for n, p in first.published.items()} == {n: p.sha256 for n, p in again.published.items()}


def test_lines_spread_over_other_files_in_another_order_give_the_same_records(product: Product):
    lines = [interaction(str(i % 40), answer=f"answer {i // 80}", user_rating=1 + i % 5) for i in range(120)]
    product.log(*lines)
    first = product.ingest()
    product.log(name="part-0.jsonl")
    random.Random(3).shuffle(lines)
    for i in range(3):
        product.log(*lines[i::3], name=f"renamed-{9 - i}.jsonl.gz")
    again = product.ingest()
    assert (again.lines, again.rows) == (120, 40)
    assert (again.duplicates, again.rejects) == (first.duplicates, first.rejects)
    for name in ("interactions", "feedback"):
        assert again.published[name].sha256 == first.published[name].sha256


def test_samples_of_rejects_show_up_to_three_lines_of_each_reason(product: Product):
    product.log(*["{"] * 5, interaction("a", answer="x"), interaction("a", answer="y", user_id="u"), interaction(None))
    samples = product.ingest().reject_samples
    assert [sample["reason"] for sample in samples] == ["conflicting_duplicate", "missing_field", *["not_json"] * 3]
    assert (samples[0]["detail"], samples[1]["detail"]) == ("a", "interaction_id")
    assert [sample["line"] for sample in samples[2:]] == [1, 2, 3]
    assert all(sample["raw"] for sample in samples)


def test_the_account_of_files_is_committed_last(product: Product):
    product.log(interaction())
    product.ingest()
    committed = [product.lake.open(table).history(1)[0]["timestamp"] for table in TABLES]
    assert max(committed) == committed[-1]


def test_a_large_day_streams_in_several_batches(product: Product):
    product.log(*(interaction(str(i), user_id=f"u{i}") for i in range(25_000)))
    assert product.ingest().rows == 25_000
    rows = product.lake.read(INTERACTIONS, [later(0)]).to_table(columns=["interaction_id", "user_id", "answer"])
    assert len(set(rows["user_id"].to_pylist())) == 25_000
    assert all(
        answer.endswith(f"says {name}.") for name, answer in zip(rows[0].to_pylist(), rows[2].to_pylist(), strict=True)
    )
