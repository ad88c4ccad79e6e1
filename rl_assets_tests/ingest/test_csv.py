"""Tables of CSV, as vendors and spreadsheets export them: each row is read or says why not."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from rl_assets.ingest import blocks
from rl_assets.ingest.conversion import convert_lines
from rl_assets.ingest.lines import read_lines
from rl_assets.ingest.unread_fields import fields_of
from rl_assets.tables.records import FEEDBACK, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import DAY, Product, Row, interaction

Line = tuple[int, Any, str | None, str | None]


def table(*rows: Row, delimiter: str = ",", end: str = "\r\n") -> str:
    """Rows as Python's writer has them: objects and lists as JSON, null as nothing."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), "", delimiter=delimiter)
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {name: json.dumps(cell) if isinstance(cell, dict | list) else cell for name, cell in row.items()}
        )
    return text.getvalue().replace("\r\n", end)


def lines_of(folder: Path, content: bytes, *fields: str, name: str = "export.csv") -> list[Line]:
    path = folder / name
    path.write_bytes(content)
    with read_lines([(name, path)], fields) as reader:
        rows = reader.read_all().to_pylist()
    return [
        (row["source_line"], row["line"] if row["reason"] else json.loads(row["line"]), row["reason"], row["detail"])
        for row in rows
    ]


TWO = [{"id": "1", "answer": 'A "b";\r\nc, d\te.'}, {"id": "2", "answer": "ü"}]
READ = {
    "comma": table(*TWO).encode(),
    "semicolon": table(*TWO, delimiter=";").encode(),
    "tab": table(*TWO, delimiter="\t").encode(),
    "mark": table(*TWO).encode("utf-8-sig"),
    "utf-16": table(*TWO, delimiter="\t").encode("utf-16"),
    "utf-16-be": b"\xfe\xff" + table(*TWO).encode("utf-16-be"),
    "gzip": gzip.compress(table(*TWO).encode()),
    "blank-rows": table(*TWO).encode() + b"\r\n,\r\n\r\n",
    "no-last-newline": table(*TWO).encode().rstrip(),
    "blanks-around-names": table(*TWO).replace("id,answer", " id , answer").encode(),
    "index-of-a-data-frame": b',id,answer\n0,1,"A ""b"";\r\nc, d\te."\n1,2,\xc3\xbc\n',
}


@pytest.mark.parametrize("shape", READ)
def test_every_shape_of_a_table_gives_its_rows(tmp_path, shape):
    assert lines_of(tmp_path, READ[shape], "id") == [(1, TWO[0], None, None), (2, TWO[1], None, None)]


def test_cells_are_texts_or_json_and_empty_ones_are_missing(tmp_path):
    cells = {
        "id": "1",
        "n": "0.50",
        "none": "",
        "list": '["a",\n 1]',
        "bad": "{a",
        "answer": '{"a": 1}',
        "deep": "[" * 9999,
    }
    ((_, row, _, _),) = lines_of(tmp_path, table(cells).encode())
    assert row == {**{name: cell for name, cell in cells.items() if name != "none"}, "list": ["a", 1]}


def test_a_key_that_occurs_twice_in_a_cell_is_seen_by_the_format(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(table({"id": "1", "scores": '{"a": 1, "a": 2}'}), encoding="utf-8")
    with read_lines([("a.csv", path)]) as reader:
        assert reader.read_all()["line"].to_pylist() == ['{"id": "1", "scores": {"a": 1, "a": 2}}']


@pytest.mark.parametrize(
    ("row", "reason", "detail"),
    [
        (b"2", "not_a_row", "line 3: 1 cells, but the header has 2"),
        (b"2,b,", "not_a_row", "line 3: 3 cells, but the header has 2"),
        (b'2,"b" c', "not_a_row", "line 3: ',' expected after '\"'"),
        (b'2,"b', "not_a_row", "line 3: unexpected end of data"),
        (b"2,caf\xe9", "not_utf8", "line 3: a byte that is not UTF-8"),
        (b"2," + b"x" * 3_000, "too_long", "line 3: over 1000 characters"),
        (b'2,"' + b"x\n" * 600 + b'"', "too_long", "line 3 to 501: over 1000 characters"),
    ],
)
def test_a_bad_row_is_a_reject_with_its_line_and_costs_itself_only(tmp_path, monkeypatch, row, reason, detail):
    monkeypatch.setattr(blocks, "MAX_LINE_BYTES", 1_000)
    first, bad, *rest, last = lines_of(tmp_path, b"id,answer\n1,a\n" + row + b"\n3,c\n", "id")
    assert (first[1], last[1]) == ({"id": "1", "answer": "a"}, {"id": "3", "answer": "c"})
    assert (bad[0], *bad[2:]) == (2, reason, detail)
    assert all(each[2] == "not_a_row" for each in rest)


@pytest.mark.parametrize("letter", ["x", "\U0001f600"])
def test_a_cell_that_a_spreadsheet_has_cut_is_no_answer(tmp_path, letter):
    units = len(letter.encode("utf-16-le")) // 2
    cut, whole = letter * (32_767 // units) + "x" * (32_767 % units), letter * 20_000 + "."
    first, second = lines_of(tmp_path, f"id,answer\n1,{cut}\n2,{whole}\n".encode(), "id")
    assert first[2:] == ("too_long", "line 2: 'answer' has 32,767 characters, at which spreadsheets cut a text")
    assert second[1] == {"id": "2", "answer": whole}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16"])
def test_a_table_in_utf_16_is_read_with_and_without_a_mark(tmp_path, encoding):
    ((_, row, *_),) = lines_of(tmp_path, "id,answer\r\n1,Zürich\r\n".encode(encoding), "id")
    assert row == {"id": "1", "answer": "Zürich"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"name,text\n1,a\n2,b\n", "without a field of its log format; its columns are name, text"),
        (b"1,a\n2,b\n", "without a field of its log format; its columns are 1, a"),
        (b"id|answer\n1|a\n", "without a field of its log format; its columns are id|answer"),
        (b"id,a,a\n1,2,3\n", "with two columns 'a'"),
        (b"id,caf\xe9\n1,2\n", "whose header is not UTF-8: id, caf?"),
        (b'id,"a\n1,2\n', "whose header cannot be read: line 1: unexpected end of data"),
    ],
)
def test_a_table_that_cannot_be_read_says_so_once(tmp_path, content, problem):
    ((number, _, reason, detail),) = lines_of(tmp_path, content, "id", "answer")
    assert (number, reason, detail) == (0, "not_a_log_file", f"a CSV file {problem}")


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"id,answer\n", b"\n\n"])
def test_a_table_without_rows_has_no_lines(tmp_path, content):
    assert lines_of(tmp_path, content, "id") == []


def test_json_under_the_name_of_a_table_is_json(tmp_path):
    assert lines_of(tmp_path, b'{"id": "1"}\n', "id") == [(1, {"id": "1"}, None, None)]


def test_the_blocks_of_a_large_table_lose_no_row(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 100)
    rows = [{"id": str(number), "answer": "x" * (number % 90) + "\n,"} for number in range(40)]
    assert [line[1] for line in lines_of(tmp_path, table(*rows).encode())] == rows


def test_a_spreadsheet_of_answers_lands_as_its_lines_would(product: Product):
    scored = {"quality_scores": {"overall": 0.5}, "user_rating": 4, "user_feedback": "Quick, clear.\nThanks."}
    rows = [interaction("a1", **scored), interaction("a2", answer='{"order": 7}'), interaction("a3", user_id="mary")]
    product.log((table(*rows) + "a4,too,short").encode(), name="sheet.csv.gz")
    product.log("name;text\n1;2", name="other.csv")
    day = product.ingest()
    assert (day.lines, day.rows, day.rejects) == (5, 3, {"not_a_row": 1, "not_a_log_file": 1})
    details = {row["source_file"].rpartition("/")[2]: row["detail"] for row in product.rows(REJECTED_RECORDS)}
    assert details["sheet.csv.gz"] == "line 6: 3 cells, but the header has 12"
    assert details["other.csv"].startswith("a CSV file without a field of its log format")
    read = {row["source_line"]: row for row in product.rows(INTERACTIONS)}
    assert {line: (row["interaction_id"], row["answer"]) for line, row in read.items()} == {
        number: (row["interaction_id"], row["answer"]) for number, row in enumerate(rows, 1)
    }
    assert (read[1]["latency_ms"], read[1]["tools_used"], read[1]["error"]) == (250, ["search_orders"], False)
    assert dict(read[1]["quality_scores"]) == {"overall": 0.5}
    assert [bool(read[number]["user_id"]) for number in (1, 2, 3)] == [False, False, True]
    feedback = sorted((row["kind"], row["value"], row["comment"]) for row in product.rows(FEEDBACK))
    assert feedback == [("comment", None, scored["user_feedback"]), ("rating", 0.75, None)]


EXPORTS: dict[str, tuple[str, list[tuple[str, str]], list[str]]] = {
    "dify": (
        "feedback_id,app_name,conversation_id,message_id,user_query,ai_response,feedback_rating,feedback_rating_raw,"
        "feedback_comment,feedback_source,feedback_date,message_date,from_end_user_id,from_account_name,has_comment\r\n"
        'f1,desk,c1,m1,Hello?,"Good day,\r\nMary.",up,like,Quick.,User Rating,2026-10-01 11:00:00,'
        "2026-10-01 10:00:00,mary,,Yes\r\n",
        [("m1", "Good day,\r\nMary.")],
        ["thumbs", "comment"],
    ),
    "langsmith": (
        "id,name,run_type,inputs,outputs,start_time,end_time,error,trace_id,feedback_stats\n"
        'r1,chat,llm,"{""messages"": [{""role"": ""user"", ""content"": ""Hello?""}]}","{""output"": ""Good day.""}",'
        '2026-10-01T10:00:00,2026-10-01T10:00:01,,r1,"{""score"": {""n"": 1, ""avg"": 1.0}}"\n',
        [("r1", "Good day.")],
        ["reward"],
    ),
    "label_studio": (
        "prompt,response,id,rating,verdict,annotator,annotation_id,created_at,updated_at,lead_time\n"
        'Name a colour.,Green.,8,"[{""rating"": 5}]",Good,3,71,2026-10-01T10:00:00Z,2026-10-01T10:00:00Z,4.2\n',
        [("label-studio-8", "Green.")],
        ["rating", "thumbs"],
    ),
    "helicone": (
        "request_id,request_created_at,request_body,response_body,response_status,model,delay_ms,feedback_rating\n"
        'h1,2026-10-01T10:00:00Z,"{""messages"": [{""role"": ""user"", ""content"": ""Hello?""}]}",'
        '"{""choices"": [{""message"": {""role"": ""assistant"", ""content"": ""Good day.""}}]}",200,gpt-4o,250,true\n',
        [("h1", "Good day.")],
        ["thumbs"],
    ),
    "open_webui": (
        "id,user_id,type,data,meta,snapshot,created_at,updated_at\n"
        'w1,mary,rating,"{""rating"": 1, ""model_id"": ""llama3""}","{""message_id"": ""m2""}",,1790848800,\n',
        [],
        ["thumbs"],
    ),
}


@pytest.mark.parametrize("log_format", EXPORTS)
def test_the_table_that_a_vendor_exports_has_its_answers_and_feedback(tmp_path, log_format):
    content, answers, kinds = EXPORTS[log_format]
    path = tmp_path / "export.csv"
    path.write_bytes(content.encode())
    with read_lines([("export.csv", path)], fields_of(log_format)) as reader:
        (record,) = convert_lines(reader, log_format, DAY, {}).read_all().to_pylist()
    assert record["fault"] is None
    one = [record["interaction"]] if record["interaction"] else record["answers"]
    assert [(row["interaction_id"], row["answer"]) for row in one] == answers
    assert sorted(event["kind"] for event in record["feedback"]) == sorted(kinds)
