"""Lines are looked at closely only where a quick look finds a reason to: the quick look against a strict parser."""

import json
from pathlib import Path
from random import Random

import duckdb

from rl_assets.ingest.lines import read_lines

PIECES = ['"', "a", "an", ",", "]", "}", "{", "[", "nan", "NaN", "Inf", "infinity", " ", "\t", "\r", "-", "1", ":"]
LENIENT = ("NaN", "-inf", "Infinity", "1,", "1 ,\t")


def test_no_line_slips_through_that_duckdb_takes_for_json_and_a_strict_parser_does_not(tmp_path: Path):
    path = tmp_path / "part.jsonl"
    random = Random(5)
    texts = ["".join(random.choices(PIECES, k=random.randrange(1, 30))) for _ in range(4_000)]
    texts += [f'{{"a": [{value}{end}' for value in (*LENIENT, "[]", '"nan,"') for end in ("]}", " ] }")]
    path.write_text("\n".join([*texts, ""]), encoding="utf-8")
    with read_lines([("part", path)]) as lines:
        found = lines.read_all()["reason"].to_pylist()
    taken = duckdb.sql("SELECT json_valid(unnest($texts))", params={"texts": texts}).fetchall()
    checked = list(zip(texts, found, map(is_json, texts), (valid for (valid,) in taken), strict=True))
    assert [text for text, reason, strict, valid in checked if valid and not strict and reason is None] == []
    assert [text for text, reason, strict, _ in checked if strict and reason] == []
    assert sum(valid and not strict for _, _, strict, valid in checked) >= 2 * len(LENIENT)
    assert sum(strict for _, _, strict, _ in checked) >= 4


def is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=refused)
    except ValueError:
        return False
    return True


def refused(constant: str) -> None:
    raise ValueError(constant)
