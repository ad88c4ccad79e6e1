"""Files as exports, shells and stores write them: each record is read, or the file says once what it is."""

import gzip
import json
from pathlib import Path
from random import Random

import pytest

from rl_assets.ingest import blocks
from rl_assets.ingest.lines import UnreadableFileError, read_lines
from rl_assets.tables.records import INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import Product, interaction, opinion

BOM = b"\xef\xbb\xbf"
A, B = json.dumps(interaction("a")).encode(), json.dumps(interaction("b", answer='A "{brace}"\n and [more].')).encode()
BOTH = [interaction("a"), interaction("b", answer='A "{brace}"\n and [more].')]
PRETTY = "\n".join(json.dumps(row, indent=2) for row in BOTH)
READ = {
    "bom.jsonl": BOM + A + b"\n" + B,
    "bom.jsonl.gz": gzip.compress(BOM + A + b"\n" + B),
    "two-files-with-boms.jsonl": BOM + A + b"\n" + BOM + B + b"\n",
    "crlf.jsonl": A + b"\r\n" + B + b"\r\n",
    "utf-16.jsonl": f"\ufeff{A.decode()}\r\n{B.decode()}\r\n".encode("utf-16-le"),
    "utf-16-be.jsonl": f"\ufeff{A.decode()}\n{B.decode()}\n".encode("utf-16-be"),
    "utf-16-without-a-mark.jsonl": f"{A.decode()}\n{B.decode()}\n".encode("utf-16-le"),
    "utf-16.jsonl.gz": gzip.compress(f"\ufeff{A.decode()}\n{B.decode()}\n".encode("utf-16-le")),
    "utf-16-array.jsonl": ("\ufeff" + json.dumps(BOTH, indent=1)).encode("utf-16-le"),
    "array.jsonl": b"[" + A + b", " + B + b"]",
    "array.json": b"[" + A + b", " + B + b"]",
    "array-of-lines.jsonl": b"[\n" + A + b",\n" + B + b"\n]\n",
    "two-arrays.jsonl": b"[" + A + b"]\n[" + B + b"]\n",
    "pretty-array.jsonl": json.dumps(BOTH, indent=4).encode(),
    "pretty-array.json.gz": gzip.compress(json.dumps(BOTH, indent=4).encode()),
    "pretty-array-with-bom.jsonl": BOM + json.dumps(BOTH, indent=4).encode(),
    "pretty-array-crlf.jsonl": json.dumps(BOTH, indent="\t").replace("\n", "\r\n").encode(),
    "pretty-objects.jsonl": PRETTY.encode(),
    "lines.ndjson": A + b"\n" + B,
    "record-separators.jsonl": b"\x1e" + A + b"\n\x1e" + B + b"\n",
    "pretty-record-separators.jsonl": "".join(f"\x1e{json.dumps(row, indent=2)}\n" for row in BOTH).encode(),
    "padded.jsonl.gz": gzip.compress(A + b"\n" + B) + b"\0" * 512,
    "plain.jsonl.gz": A + b"\n" + B,
    "compressed.jsonl": gzip.compress(A + b"\n" + B),
    "compressed-twice.jsonl.gz": gzip.compress(gzip.compress(A + b"\n" + B)),
}


def lines_of(folder: Path, content: bytes, name: str = "part.jsonl") -> list[tuple[int, str, str | None, str | None]]:
    path = folder / name
    path.write_bytes(content)
    with read_lines([(name, path)]) as reader:
        rows = reader.read_all().to_pylist()
    return [(row["source_line"], row["line"].strip(), row["reason"], row["detail"]) for row in rows]


@pytest.mark.parametrize("name", READ)
def test_every_shape_of_a_file_gives_its_records(tmp_path, name):
    lines = lines_of(tmp_path, READ[name], name)
    assert [(number, reason) for number, _, reason, _ in lines] == [(1, None), (2, None)]
    assert [json.loads(line) for _, line, _, _ in lines] == BOTH


def test_files_of_every_shape_that_land_together_lose_no_line(product: Product):
    for number, (name, content) in enumerate(READ.items()):
        mine = content if name.endswith((".gz", "compressed.jsonl")) or b"\0" in content else None
        path = product.log(name=name)
        path.write_bytes(mine or content.replace(b'"a"', b'"a%d"' % number).replace(b'"b"', b'"b%d"' % number))
    ingested = product.ingest()
    assert (ingested.files, ingested.lines, ingested.rejects) == (len(READ), 2 * len(READ), {})
    assert ingested.rows + ingested.duplicates == 2 * len(READ)
    assert len(product.rows(INTERACTIONS)) == ingested.rows


@pytest.mark.parametrize("block_bytes", [1, 3, 7, 50, 1000])
@pytest.mark.parametrize("name", ["pretty-array.jsonl", "pretty-objects.jsonl", "two-arrays.jsonl"])
def test_a_document_is_the_same_across_the_borders_of_blocks(tmp_path, monkeypatch, name, block_bytes):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
    assert [json.loads(line) for _, line, _, _ in lines_of(tmp_path, READ[name])] == BOTH


def test_a_bad_record_of_a_document_costs_itself_only(product: Product):
    rows = [json.dumps(interaction(name), indent=1) for name in "abc"]
    bad = [rows[0].replace('"desk"', "NaN"), '"a text"', "7", rows[0].replace("Where is", "Where\nis"), "[1]"]
    product.log(",\n".join(["[" + rows[0], *bad, *rows[1:]]) + "]")
    ingested = product.ingest()
    assert (ingested.lines, ingested.rows, ingested.rejects) == (8, 3, {"not_an_object": 3, "not_json": 2})
    details = {row["source_line"]: row["detail"] for row in product.rows(REJECTED_RECORDS)}
    assert (details[2], details[5]) == ("NaN is not JSON", "a line break inside a text")


@pytest.mark.parametrize(
    ("end", "problem"),
    [
        (b'{"interaction_id": "c", "query": "Wh', "the document ends inside a record: the file is cut off"),
        (b"", "the array has no end: the file is cut off"),
    ],
)
def test_an_array_that_is_cut_off_keeps_its_records_and_says_so_once(tmp_path, end, problem):
    *records, last = lines_of(tmp_path, b"[\n" + A + b",\n" + B + b",\n" + end)
    assert [json.loads(line) for _, line, _, _ in records] == BOTH
    assert last[2:] == ("not_json", problem)


def test_lines_are_read_as_lines_whatever_their_first_one_is(tmp_path):
    for first in (b"[1, 2]", b'{"torn": "te', b'{"torn": [', b'{"torn": 1,', A + b",", b'["torn"], "id": 3}', b"{"):
        lines = lines_of(tmp_path, first + b"\n" + A + b"\n" + B + b"\n")
        assert [json.loads(line) for _, line, _, _ in lines[1:]] == BOTH, first


def test_an_empty_array_has_no_lines(tmp_path):
    assert lines_of(tmp_path, b"[ ]\n") == lines_of(tmp_path, b"[]") == []


def test_any_document_keeps_each_record_wherever_it_is_damaged(tmp_path):
    """Of 300 documents with a few bytes changed: every undamaged record before the damage is there, in order."""
    random, rows = Random(3), [{"id": number, "text": 'x "{[', "more": [{"a": []}]} for number in range(6)]
    whole = json.dumps(rows, indent=1).encode()
    for _ in range(300):
        position = random.randrange(2, len(whole))
        damaged = (
            whole[:position] + random.choice([b"", b'"', b"{", b"]", b"\n", b",", b"\xff"]) + whole[position + 1 :]
        )
        before = whole[:position].count(b"\n },") or 0
        lines = lines_of(tmp_path, damaged)
        assert [json.loads(line) for _, line, reason, _ in lines[:before] if not reason] == rows[:before]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PK\x03\x04zip", "a zip archive"),
        (b"PAR1x", "a Parquet file, whose name must end in .parquet"),
        (b"SQLite format 3\x00", "an SQLite database"),
        ("\ufeff{}".encode("utf-32-le"), "text in UTF-32; write UTF-8"),
    ],
)
def test_a_file_that_is_no_log_says_once_what_it_is(tmp_path, content, kind):
    assert [(number, *rest) for number, _, *rest in lines_of(tmp_path, content)] == [(0, "not_a_log_file", kind)]


@pytest.mark.parametrize(("content", "problem"), [(b"", "it is empty"), (b"\x00\x9f\x00\xff", "neither .gz nor text")])
def test_a_compressed_file_that_is_none_is_unreadable(tmp_path, content, problem):
    with pytest.raises(UnreadableFileError, match=problem):
        lines_of(tmp_path, content, "part.jsonl.gz")


def test_half_a_letter_of_utf_16_costs_its_own_line(tmp_path):
    content = b"\xff\xfe" + f"{A.decode()}\n".encode("utf-16-le") + b"\x00\xd8\n\x00" + b"{\x00}"
    assert [reason for _, _, reason, _ in lines_of(tmp_path, content)] == [None, "not_utf8", "not_utf8"]


NOT_JSON = {
    A + b",": f"a sign after the value, ',', at column {len(A) + 1}",
    A + B: f"more than one value on the line: the second begins at column {len(A) + 1}",
    b"2026-10-01T10:00:00Z stdout F " + A: "text before the object, which begins at column 31: "
    "2026-10-01T10:00:00Z stdout F",
    A[:40]: "the line is cut off: it ends inside a value, after column 40",
    b"": "an empty line",
    b'{"a": 1 "b": 2}': "Expecting ',' delimiter at column 9",
    b'{"a": NaN}': "NaN is not JSON",
}


@pytest.mark.parametrize("log_format", ["interaction_log", "openai_chat", "langfuse", "tensorzero", "oasst_trees"])
def test_what_is_not_json_says_where_and_why_in_every_format(product: Product, log_format):
    product.log(*NOT_JSON, log_format=log_format)
    assert product.ingest().rejects == {"not_json": len(NOT_JSON)}
    rejects = sorted(product.rows(REJECTED_RECORDS), key=lambda row: row["source_line"])
    assert [row["detail"] for row in rejects] == list(NOT_JSON.values())


NESTED = [
    ("interaction_log", interaction("a", sources=[{"id": 1, "HERE": 2}])),
    ("interaction_log", interaction("a", quality_scores={"id": 0.5, "HERE": 0.6})),
    ("interaction_log", interaction("a", trace={"deep": [{"id": 1, "HERE": 2}]})),
    ("reward_log", {"interaction_id": "q", "question": "?", "agent": "x", "sources": {"id": 1, "HERE": 2}}),
    ("feedback_table", opinion(more={"id": 1, "HERE": 2})),
    ("openai_chat", {"messages": [], "metadata": {"id": 1, "HERE": 2}}),
]


@pytest.mark.parametrize(("log_format", "row"), NESTED)
def test_a_key_that_occurs_twice_in_an_inner_object_is_refused_in_every_format(product: Product, log_format, row):
    product.log(json.dumps(row).replace("HERE", "id"), log_format=log_format)
    assert product.ingest().rejects == {"duplicate_key": 1}
    assert [reject["detail"] for reject in product.rows(REJECTED_RECORDS)] == ["id"]
