import pytest

from rl_assets.metrics.text import (
    exact_match,
    json_validity,
    normalise,
    pair_f1,
    parsed_json,
    same_answer,
    token_f1,
    why_wrong,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Denver Broncos!", "denver broncos"),
        ("Saint Bernadette Soubirous", "saint bernadette soubirous"),
        ("a golden statue of the Virgin Mary", "golden statue of virgin mary"),
        ("U.S.A.", "usa"),
        ("an\tanthem", "anthem"),
    ],
)
def test_text_is_normalised_as_squad_does(text: str, expected: str):
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("Denver Broncos", "the Denver Broncos", 1.0),
        ("in the city of Paris", "Paris", 0.4),
        ("Santa Clara, California", "Levi's Stadium in Santa Clara", 4 / 8),
        ("Carolina Panthers", "Denver Broncos", 0.0),
        ("to to", "to be or not to be", 4 / 8),
        ("", "Paris", 0.0),
    ],
)
def test_token_f1_is_squads(answer: str, reference: str, expected: float):
    assert pair_f1(answer, reference) == pytest.approx(expected)


def test_a_metric_takes_the_best_reference():
    assert exact_match("February 7", ["February 7, 2016", "february 7"]) == 1.0
    assert token_f1("February 7", ["nothing", "February 7, 2016"]) == pytest.approx(0.8)


def test_a_json_answer_matches_field_by_field_whatever_the_order_of_keys():
    reference = '{"answer": "Grey", "image": "none"}'
    assert exact_match('{"image":"none","answer":"the grey"}', [reference]) == 1.0
    assert exact_match('{"answer": "grey", "image": "part-1.png"}', [reference]) == 0.0


def test_broken_json_never_matches_a_json_reference():
    reference = '{"answer": "grey"}'
    assert exact_match('{"answer": "grey"', [reference]) == 0.0
    assert normalise('{"answer": "grey"') == normalise(reference)


@pytest.mark.parametrize(("answer", "expected"), [("1", 1.0), ("1.0", 1.0), ("true", 0.0), ('"1"', 0.0)])
def test_json_numbers_are_compared_as_numbers(answer: str, expected: float):
    assert exact_match(f'{{"n": {answer}}}', ['{"n": 1}']) == expected


@pytest.mark.parametrize("text", ["", "grey", "3", '"grey"', '{"a": NaN}', "{'a': 1}", "[" * 100_000])
def test_what_is_no_json_object_or_array_is_not_structured_output(text: str):
    assert parsed_json(text) is None


def test_json_validity_counts_only_where_references_are_json():
    assert json_validity("grey", ["grey"]) is None
    assert json_validity("grey", ['{"answer": "grey"}']) == 0.0
    assert json_validity("[1]", ['{"answer": "grey"}']) == 1.0


def test_the_reason_names_the_fields_that_differ():
    reference = ['{"answer": "grey", "Image": "none"}']
    assert why_wrong('{"answer": "red", "extra": 1}', reference) == (
        "Fields missing: Image; unexpected: extra; wrong: answer."
    )
    assert why_wrong("grey", reference) == "The answer is not valid JSON."
    assert why_wrong(" ", reference) == "The answer is empty."
    assert why_wrong("red", ["grey"]) == "Token F1 0.00 with the nearest reference."


def test_a_whole_answer_is_not_the_broken_one_that_was_rejected():
    whole, broken = '{"answer": "drawer 6"}', '{"answer": "drawer 6"'
    assert same_answer(whole, '{ "answer": "Drawer 6" }') and same_answer("The drawer.", "drawer")
    assert not same_answer(whole, broken) and not same_answer(broken, whole)
    assert same_answer(broken, broken)
