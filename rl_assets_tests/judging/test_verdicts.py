"""Reading a judge strictly."""

import json

import pytest

from rl_assets.judging.verdicts import read_choice, read_score

INVALID = [
    "",
    "1",
    '{"verdict": "1"}',
    '{"verdict": "1", "rationale": "after"}',
    '{"rationale": " ", "verdict": "1"}',
    '{"rationale": "r", "verdict": "3"}',
    '{"rationale": "r", "verdict": 1}',
    '{"rationale": "r", "verdict": ["1"]}',
    '{"rationale": "r", "verdict": "1", "verdict": "2"}',
    '{"rationale": "r", "verdict": "1", "more": 1}',
    'Sure! {"rationale": "r", "verdict": "1"}',
    '```json\n{"rationale": "r", "verdict": "1"}\n```',
    "[" * 100_000,
]


@pytest.mark.parametrize("text", INVALID)
def test_anything_but_the_object_that_was_asked_for_is_invalid(text):
    assert read_choice(text) is None


@pytest.mark.parametrize("choice", ["1", "2", "tie"])
def test_a_verdict_after_its_rationale_is_read(choice):
    assert read_choice(json.dumps({"rationale": "r", "verdict": choice})) == choice


@pytest.mark.parametrize(("value", "read"), [("1", 1.0), ("0.25", 0.25), ("0", 0.0)])
def test_a_score_in_range_is_read(value, read):
    assert read_score(f'{{"rationale": "r", "score": {value}}}') == read


@pytest.mark.parametrize("value", ["1.01", "-0.1", "NaN", "Infinity", "true", '"0.5"', "null", "1e999"])
def test_a_score_out_of_range_is_invalid_and_not_bent_into_it(value):
    assert read_score(f'{{"rationale": "r", "score": {value}}}') is None
