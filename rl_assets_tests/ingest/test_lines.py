"""Files to numbered lines: nothing is lost, and what cannot be read says why."""

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pytest

from rl_assets.ingest import blocks
from rl_assets.ingest.blocks import MAX_LINE_BYTES
from rl_assets.ingest.lines import UnreadableFileError, read_lines
from rl_assets_tests.support.logs import compressed


@pytest.fixture
def read(tmp_path: Path):
    """Lines of a file with the given bytes, as (number, text without its newline, reason)."""

    def lines(content: bytes, name: str = "part.jsonl") -> list[tuple[int, str, str | None]]:
        path = tmp_path / name
        path.write_bytes(content)
        with read_lines([("folder/part", path)]) as reader:
            rows = reader.read_all().to_pylist()
        assert {row["source_file"] for row in rows} <= {"folder/part"}
        return [
            (row["source_line"], row["line"].removesuffix("\n") if row["source_line"] else row["line"], row["reason"])
            for row in rows
        ]

    return lines


@pytest.mark.parametrize("name", ["part.jsonl", "part.jsonl.gz", "part.jsonl.zst"])
def test_plain_gzip_and_zstd_files_hold_the_same_lines(read, name):
    expected = [(1, '{"a": 1}', None), (2, '{"b": "ü"}', None)]
    assert read(compressed(name, '{"a": 1}\n{"b": "ü"}\n'.encode()), name) == expected


def test_a_gzip_file_of_several_members_is_read_to_its_end(read):
    assert len(read(gzip.compress(b"1\n") + gzip.compress(b"2\n3\n"), "part.jsonl.gz")) == 3


def test_an_empty_file_has_no_lines(read):
    assert read(b"") == []


def test_a_last_line_without_a_newline_is_a_line(read):
    assert read(b'{"a": 1}\n{"b": ') == [(1, '{"a": 1}', None), (2, '{"b": ', None)]


def test_empty_lines_are_counted(read):
    assert [number for number, *_ in read(b"1\n\n\n2\n\n")] == [1, 2, 3, 4, 5]


def test_carriage_returns_and_odd_line_separators_do_not_split_lines(read):
    text = "1\r\n2\u2028\x85\x0b3\r4\n"
    assert [line for _, line, _ in read(text.encode())] == ["1\r", "2\u2028\x85\x0b3\r4"]


def test_a_line_that_is_not_utf8_is_rejected_and_its_neighbours_are_kept(read):
    lines = read(b'"a"\n"caf\xe9"\n"b"\n')
    assert lines == [(1, '"a"', None), (2, '"caf\ufffd"', "not_utf8"), (3, '"b"', None)]


@pytest.mark.parametrize("text", ["NaN", "[-inf]", '{"a": Infinity}', '{"a": nan }', "[1,]", '{"a": 1 ,\t}'])
def test_what_duckdb_would_let_pass_is_not_json(read, text):
    assert read(text.encode())[0][2] == "not_json"


@pytest.mark.parametrize("text", ['{"a": "NaN, inf"}', '{"a": " inf, ,]"}', '["in information, nancy"]', '[" nan", 1]'])
def test_the_same_words_inside_texts_are_fine(read, text):
    assert read(text.encode())[0][2] is None


def test_a_line_over_the_limit_is_rejected_and_its_neighbours_are_kept(read):
    lines = read(b"1\n" + b"x" * (MAX_LINE_BYTES + 1) + b"\n2\n")
    assert [(number, len(text), reason) for number, text, reason in lines] == [
        (1, 1, None),
        (2, 4096, "too_long"),
        (3, 1, None),
    ]


def test_a_line_at_the_limit_is_read_whole(read):
    lines = read(b"1\n" + b"x" * MAX_LINE_BYTES + b"\n2\n")
    assert [(len(text), reason) for _, text, reason in lines] == [(1, None), (MAX_LINE_BYTES, None), (1, None)]


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 5, 8, 10])
def test_numbers_and_texts_are_right_across_the_borders_of_blocks(read, monkeypatch, block_bytes):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(blocks, "MAX_LINE_BYTES", 10)
    lengths = [0, 1, 9, 10, 11, 25, 3, 11, 10, 0, 40]
    lines = read(b"\n".join(b"x" * length for length in lengths))
    assert [number for number, *_ in lines] == list(range(1, len(lengths) + 1))
    assert [reason for *_, reason in lines] == ["too_long" if length > 10 else None for length in lengths]
    assert [len(text) for _, text, reason in lines if reason is None] == [n for n in lengths if n <= 10]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git-lfs"),
        (b"\n  <!DOCTYPE html>\n<html><body>404</body></html>\n", "markup"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<Error/>\n", "markup"),
    ],
)
@pytest.mark.parametrize("name", ["part.jsonl", "part.jsonl.gz"])
def test_a_pointer_or_an_error_page_is_rejected_whole_and_once(read, content, found, name):
    lines = read(content, name)
    assert [(number, reason) for number, _, reason in lines] == [(0, "not_a_log_file")]
    assert lines[0][1].encode() == content


def test_a_compressed_error_page_is_rejected_whole_and_once(read):
    lines = read(gzip.compress(b"<html>\n404\n"), "part.jsonl.gz")
    assert lines == [(0, "<html>\n404\n", "not_a_log_file")]


def test_the_published_samples_of_pointers_are_rejected_whole(published_data):
    for path in sorted((published_data / "bad-files").glob("*.jsonl*")):
        with read_lines([(path.name, path)]) as reader:
            assert [row["reason"] for row in reader.read_all().to_pylist()] == ["not_a_log_file"]


@pytest.mark.parametrize("name", ["part.jsonl.gz", "part.jsonl.zst"])
def test_a_truncated_file_is_unreadable(read, name):
    content = compressed(name, os.urandom(5000).hex().encode())
    with pytest.raises(UnreadableFileError, match=r"cannot read .*part.*fix or move the file"):
        read(content[: len(content) // 2], name)


def test_a_damaged_gzip_file_is_unreadable(read):
    content = bytearray(gzip.compress(os.urandom(5000).hex().encode()))
    content[200:204] = b"\xff\xff\xff\xff"
    with pytest.raises(UnreadableFileError):
        read(bytes(content), "part.jsonl.gz")


def test_a_missing_file_is_unreadable(tmp_path):
    with pytest.raises(UnreadableFileError, match="No such file"), read_lines([("x", tmp_path / "x.jsonl")]) as reader:
        reader.read_all()


def test_a_file_that_grows_while_it_is_read_is_unreadable(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 4)
    path = tmp_path / "part.jsonl"
    path.write_bytes(b"1\n2\n3\n4\n")

    def read_while_it_grows() -> None:
        with read_lines([("part", path)]) as reader:
            reader.read_next_batch()
            with path.open("ab") as file:
                file.write(b"5\n")
            reader.read_all()

    with pytest.raises(UnreadableFileError, match="changed while it was read"):
        read_while_it_grows()


def test_a_consumer_that_hides_the_cause_still_lets_it_be_known(tmp_path):
    import duckdb

    with pytest.raises(UnreadableFileError), read_lines([("x", tmp_path / "x.jsonl")]) as reader:
        assert isinstance(reader, pa.RecordBatchReader)
        duckdb.connect().register("lines", reader).execute("SELECT count(*) FROM lines")


ODD = [
    b'{"a": 1}\n{"b": "\xc3\xbc"}',
    b"",
    b'{"a": 1,}\n{"a": NaN}\n{"a": 2}\n',
    b"\xff\xfe not text\n{}\n",
    b"<html>\n</html>\n",
    b"\n\n1\n",
    b"version https://git-lfs.github.com/spec/v1\n",
    b'{"cut": ',
    b"x" * (MAX_LINE_BYTES + 1) + b'\n{"after": "\xff"}\n{"a": 1,}',
]


def test_small_files_that_are_read_together_hold_the_lines_that_each_holds_alone(tmp_path):
    files = []
    for number, content in enumerate(ODD * 20):
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(content[-30:] if number >= len(ODD) and len(content) > MAX_LINE_BYTES else content)
        files.append((f"folder/{number}", path))
    alone = []
    for file in files:
        with read_lines([file]) as reader:
            alone += reader.read_all().to_pylist()
    with read_lines(files) as reader:
        batches = [*reader]
    assert [row for batch in batches for row in batch.to_pylist()] == alone
    assert {row["reason"] for row in alone} == {None, "not_json", "not_utf8", "not_a_log_file", "too_long"}
    assert len(batches) <= 3
