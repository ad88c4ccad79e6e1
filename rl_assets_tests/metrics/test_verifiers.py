from decimal import Decimal

import pytest

from rl_assets.metrics.final_number import final_number, same_number
from rl_assets.metrics.structured import check_schema, field_f1, follows_schema
from rl_assets.metrics.verifiers import inferred, solves


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("#### 1,234", "1234"),
        ("A: $1,234,567.50", "1234567.50"),
        ("so she pays $18.", "18"),
        ("-3", "-3"),
        ("\u22123", "-3"),
        ("-$5", "-5"),
        ("$-5", "-5"),
        ("a loss of - 7 dollars", "-7"),
        ("10-5", "5"),
        ("50%", "50"),
        ("0.25", "0.25"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("\\boxed{42} as 6 * 7", "42"),
        ("The answer is 7, not 8", "7"),
        ("She has 3 apples and 4 pears.\n#### 7\n", "7"),
        ("x1 = 4", "4"),
        ("no number here", None),
        ("", None),
        ("v2b", None),
    ],
)
def test_the_final_number_is_read_as_people_write_it(text, number):
    assert final_number(text) == (None if number is None else Decimal(number))


def test_numbers_are_equal_by_value_and_not_by_spelling():
    assert same_number("A: 1,000.00", "#### 1000")
    assert same_number("0.3333333", "#### 0.33333333")
    assert not same_number("A: 1.01", "#### 1")
    assert not same_number("A: 50", "#### -50")
    assert not same_number("I cannot say", "#### 0")


def test_a_very_long_line_of_digits_is_a_number_like_any_other():
    assert same_number("9" * 5000, "#### " + "9" * 5000)
    assert not same_number("9" * 5000, "#### 9")


def test_a_verifier_is_inferred_from_marked_references_only():
    assert inferred(["Half of 36 is 18.\n#### 18", "A: $1,000"]) == "numeric"
    assert inferred(["It costs 18."]) is None
    assert inferred(["#### 18", "eighteen"]) is None
    assert inferred([]) is None


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("answer", "passes"), [('{"n": 1}', 1.0), ('{"n": "1"}', 0.0), ('{"n": 1, "m": 2}', 0.0), ("n", 0.0)]
)
def test_a_schema_accepts_or_refuses(answer, passes):
    assert solves(answer, [], "json_schema", SCHEMA) == passes


def test_a_schema_never_fetches_another_document():
    foreign = {"properties": {"n": {"$ref": "http://127.0.0.1:9/schema.json"}}}
    with pytest.raises(ValueError, match="only references inside it"):
        check_schema(foreign)
    with pytest.raises(Exception, match="Unresolvable"):
        follows_schema('{"n": 1}', foreign)
    check_schema({"$defs": {"n": {"type": "integer"}}, "properties": {"n": {"$ref": "#/$defs/n"}}})
    with pytest.raises(ValueError, match="the JSON schema is invalid"):
        check_schema({"type": "whole number"})


def test_exact_needs_one_reference():
    assert solves("The Denver Broncos!", ["x", "Denver Broncos"], "exact", None) == 1.0
    assert solves("Broncos", ["Denver Broncos"], "exact", None) == 0.0


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ('{"a": 1, "b": "x"}', '{"b": "X!", "a": 1.0}', 1.0),
        ('{"a": 1, "b": "y"}', '{"a": 1, "b": "x"}', 0.5),
        ('{"a": 1}', '{"a": 1, "b": "x"}', 2 / 3),
        ('{"a": 1, "b": "x", "c": 2}', '{"a": 1, "b": "x"}', 0.8),
        ('{"l": [3, 1, 2]}', '{"l": [1, 2, 3]}', 1.0),
        ('{"l": [1, 1]}', '{"l": [1]}', 2 / 3),
        ('{"a": {"b": 1}}', '{"a": {"c": 1}}', 0.0),
        ('{"a": true}', '{"a": 1}', 0.0),
        ('{"a": null}', '{"a": null}', 1.0),
        ("[]", "[]", 1.0),
        ("{}", '{"a": 1}', 0.0),
        ("not json", '{"a": 1}', 0.0),
    ],
)
def test_field_f1_counts_paths_with_their_values(answer, reference, expected):
    assert field_f1(answer, [reference]) == pytest.approx(expected)


def test_field_f1_takes_the_best_reference_and_only_json_ones():
    assert field_f1('{"a": 1}', ['{"a": 2}', '{"a": 1}']) == 1.0
    assert field_f1('{"a": 1}', ["prose"]) is None
    assert field_f1('{"a": 1}', []) is None
