"""Decontamination: what shares thirteen words in a row with a benchmark."""

import json

import pytest

from rl_assets.features.benchmarks import BenchmarkError, read_benchmarks
from rl_assets_tests.support.logs import judged

ITEM = "A train leaves Paris at nine and another leaves Lyon at ten, so when do they meet?"
SHORT = "How many legs has a spider?"


@pytest.fixture
def folder(tmp_path):
    lines = [{"question": ITEM, "answer": "at eleven"}, {"messages": [{"role": "user", "content": SHORT}]}]
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Please solve: {ITEM.upper()} Thank you.", True),
        (" ".join(ITEM.split()[:13]), True),
        (" ".join(ITEM.split()[:12]) + " they collide?", False),
        (SHORT + "!", True),
        (f"Tell me: {SHORT}", False),
        ("at eleven", False),
        ("", False),
    ],
)
def test_thirteen_words_in_a_row_or_a_whole_short_item_are_overlap(folder, text, expected):
    assert read_benchmarks(folder).overlap([text], text) is expected


def test_without_benchmarks_nothing_overlaps(tmp_path):
    assert not read_benchmarks(tmp_path / "eval").overlap([ITEM], ITEM)
    assert not read_benchmarks(None).overlap([ITEM], ITEM)


def test_a_line_that_is_no_json_is_named(folder):
    (folder / "c.jsonl").write_text('{"question": 1}\n{"question": \n', encoding="utf-8")
    with pytest.raises(BenchmarkError, match=r"c\.jsonl, line 2 is not JSON"):
        read_benchmarks(folder)


def test_a_new_benchmark_is_kept_out_of_days_that_had_landed_before(product, folder):
    product.log(judged("a1", 0.9, query=ITEM), judged("a2", 0.9, query="What else?"))
    product.ingest()
    assert {name: row["prompt_fault"] for name, row in product.rated().items()} == {"a1": None, "a2": None}
    rated = product.rated(evaluation=folder)
    assert {name: row["prompt_fault"] for name, row in rated.items()} == {"a1": "contaminated", "a2": None}
