"""Whatever a line holds, the day ends well and every line is accounted for."""

import json
from pathlib import Path

import pytest

from rl_assets.ingest.day import IngestedDay
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECT_REASONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import Product, interaction, opinion, question, reward

VALUES = [
    None,
    True,
    False,
    0,
    1,
    -1,
    0.5,
    1e300,
    10**30,
    "",
    " ",
    "x",
    "0.5",
    "1",
    "NaN",
    "2026-10-01",
    "\u0000",
    "{}",
]
NESTED = [
    [],
    [[]],
    ["x"],
    [1],
    [None],
    {},
    {"overall": 1},
    {"overall": "x"},
    [{"role": "user", "content": "x"}],
    [{"role": 1}],
]
RAW = ["1e999", '"\\ud800"', "-0", '{"a": 1, "a": 2}', "[" * 50 + "]" * 50, '"\\u0000"', "1" * 400]
SHAPES = [
    ("interaction_log", interaction(user_rating=1, user_feedback="x", quality_scores={}, messages=[], user_id="u")),
    ("reward_log", question(segment="x", task="x", context="x", sources=[])),
    ("reward_log", reward(dimension="overall", source="human", user_id="u")),
    ("feedback_table", opinion(rating=1, comment="x", preferred_output="x", rejected_output="y", interaction_id="z")),
    ("feedback_table", opinion(kind="preference", preferred_output="x", rejected_output="y", session_id="s")),
]


def assert_conserved(product: Product, ingested: IngestedDay, lines: int) -> None:
    """Every line is a row, a duplicate or a reject with a known reason; for each file, and in all."""
    rejects = product.rows(REJECTED_RECORDS)
    assert ingested.lines == lines == ingested.rows + ingested.duplicates + sum(ingested.rejects.values())
    assert sum(ingested.rejects.values()) == len(rejects)
    assert {row["reason"] for row in rejects} <= set(REJECT_REASONS)
    files = product.rows(INGESTED_FILES)
    assert all(row["lines"] == row["rows"] + row["duplicates"] + row["rejects"] for row in files)
    assert sum(row["lines"] for row in files) == lines


@pytest.mark.parametrize(("log_format", "shape"), SHAPES)
def test_any_value_in_any_field_is_a_record_or_a_reject(product: Product, log_format, shape):
    texts = [json.dumps(value) for value in VALUES + NESTED] + RAW
    lines = [json.dumps({**shape, field: "HERE"}).replace('"HERE"', text) for field in shape for text in texts]
    product.log(*lines, log_format=log_format)
    assert_conserved(product, product.ingest(), len(lines))


def test_the_cases_of_a_parser_test_suite_never_become_records(product: Product, published_data: Path):
    suite = sorted((published_data / "bad-json" / "test_parsing").glob("n_*.json"))
    cases = [content for path in suite if b"\n" not in (content := path.read_bytes()) and content.strip()]
    good = [interaction(f"good-{i}") for i in range(20)]
    mixed = [line for pair in zip(cases, good * 10, strict=False) for line in pair]
    product.log(*mixed, name="mixed.jsonl")
    product.log(*cases, name="bad.jsonl.gz")
    ingested = product.ingest()
    assert len(cases) > 80
    assert_conserved(product, ingested, len(mixed) + len(cases))
    assert {row["interaction_id"] for row in product.rows(INTERACTIONS)} == {row["interaction_id"] for row in good}
    assert product.rows(FEEDBACK) == []
    assert ingested.rows == 20
    assert sum(ingested.rejects.values()) == 2 * len(cases)


def test_the_accepted_cases_of_a_parser_test_suite_are_read_as_json(product: Product, published_data: Path):
    suite = sorted((published_data / "bad-json" / "test_parsing").glob("y_*.json"))
    product.log(*(content for path in suite if b"\n" not in (content := path.read_bytes())))
    reasons = product.ingest().rejects
    assert "not_json" not in reasons and "not_utf8" not in reasons


def test_naughty_strings_survive_as_they_are(product: Product, published_data: Path):
    lines = (published_data / "bad-strings" / "strings.jsonl").read_text(encoding="utf-8").splitlines()
    strings = [json.loads(line)["text"] for line in lines]
    product.log(*(interaction(str(i), answer=text, query=text) for i, text in enumerate(strings)))
    ingested = product.ingest()
    rows = {row["interaction_id"]: row for row in product.rows(INTERACTIONS)}
    assert len(strings) > 100
    assert ingested.rows == len(strings)
    assert [rows[str(i)]["answer"] for i in range(len(strings))] == strings
    assert [rows[str(i)]["prompt"][-1]["content"] for i in range(len(strings))] == strings


ODD_TEXTS = ["a\u0000b", "\u202eabc", "e\u0301", "👩\u200d🚀", "\ufeffx", "a\tb\r\nc", "'; DROP TABLE x;--"]


@pytest.fixture(scope="module")
def odd_answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    product = Product.at(tmp_path_factory.mktemp("odd"))
    product.log(*(interaction(str(number), answer=text) for number, text in enumerate(ODD_TEXTS)))
    product.ingest()
    return {row["interaction_id"]: row["answer"] for row in product.rows(INTERACTIONS)}


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_odd_characters_survive_as_they_are(odd_answers: dict[str, str], text):
    assert odd_answers[str(ODD_TEXTS.index(text))] == text


@pytest.mark.parametrize("depth", [1_000, 10_000, 200_000])
def test_deep_nesting_is_a_record_or_a_reject(product: Product, depth):
    deep = "[" * depth + "]" * depth
    inside = json.dumps(interaction("deep", sources="HERE")).replace('"HERE"', deep)
    suspect = json.dumps(interaction("suspect", sources="HERE")).replace('"HERE"', f"[{deep}, inf]")
    lines = [deep, "[" * depth, '{"a":' * depth + "1" + "}" * depth, inside, suspect, interaction("good")]
    product.log(*lines)
    assert_conserved(product, product.ingest(), len(lines))
    assert "good" in {row["interaction_id"] for row in product.rows(INTERACTIONS)}


def test_bytes_that_are_not_text_cost_their_own_line_only(product: Product):
    bom, nul = b"\xef\xbb\xbf", b"\x00"
    good = json.dumps(interaction("good")).encode()
    product.log(bom + good, good + nul, nul, b"\xff\xfe", good, b'{"interaction_id": "' + nul + b'"}')
    ingested = product.ingest()
    assert_conserved(product, ingested, 6)
    assert (ingested.rows, ingested.duplicates, ingested.rejects) == (1, 1, {"not_json": 3, "not_utf8": 1})


def test_a_torn_last_line_is_a_reject(product: Product):
    path = product.log(interaction("a1"), interaction("a2"))
    path.write_bytes(path.read_bytes()[:-30])
    ingested = product.ingest()
    assert (ingested.lines, ingested.rows, ingested.rejects) == (2, 1, {"not_json": 1})
    assert product.rows(REJECTED_RECORDS)[0]["source_line"] == 2


def test_only_the_beginning_of_a_refused_line_is_kept(product: Product):
    product.log("x" * 100_000)
    product.ingest()
    assert product.rows(REJECTED_RECORDS)[0]["raw"] == "x" * 4096
