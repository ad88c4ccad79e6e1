"""The answer contract: what is read as an answer, and what becomes of everything else."""

import json

import pytest

from rl_assets.rewards.image_answers import answer_json, parse_answer

GOOD = answer_json("Öffne die Seite.", ["img/a.png"], "a.png zeigt sie")


@pytest.mark.parametrize(
    "raw", [GOOD, f" {GOOD}\n", f"```json\n{GOOD}\n```", f"```\n{GOOD}\n```\n", f"```JSON\n{GOOD}\n```"]
)
def test_json_is_read_also_in_a_fence(raw):
    found = parse_answer(raw)
    assert (found.text, found.images, found.reasoning, found.valid) == (
        *("Öffne die Seite.", ("img/a.png",), "a.png zeigt sie"),
        True,
    )


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "Just text with ![an image](img/a.png)",
        GOOD[:-1],
        GOOD + " and more",
        "[]",
        "null",
        json.dumps({"text": "a", "images": []}),
        json.dumps({"text": "a", "images": [], "reasoning": "", "extra": 1}),
        json.dumps({"text": 1, "images": [], "reasoning": ""}),
        json.dumps({"text": "a", "images": "img/a.png", "reasoning": ""}),
        json.dumps({"text": "a", "images": [1], "reasoning": ""}),
        json.dumps({"text": "a", "images": [], "reasoning": None}),
        "[" * 100_000,
        '{"text": "' + "a" * 300_000,
    ],
)
def test_anything_else_is_text_without_images(raw):
    found = parse_answer(raw)
    assert (found.text, found.images, found.valid) == (raw.strip(), (), False)
