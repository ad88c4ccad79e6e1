"""Verdicts on what a server reports, over planted numbers."""

import random

import pytest

from rl_assets.serving.parity import (
    MAX_DISTANCE,
    MAX_DISTANCE_EMBEDDED,
    SCALES,
    identity_finding,
    isolation_finding,
    stop_finding,
    template_finding,
    time_finding,
    weak_finding,
)

ANSWERS, TOKENS = 24, 20


def offline(scale: float) -> list[list[float]]:
    """Log-probabilities that move with the scale: by about 1 nat per token from 0 to 1."""
    draw = random.Random(7)
    return [[-draw.random() * abs(scale - 2.5) for _ in range(TOKENS)] for _ in range(ANSWERS)]


BY_SCALE = {scale: offline(scale) for scale in SCALES}


def noisy(values: list[list[float]], size: float, bias: float = 0.0) -> list[list[float]]:
    draw = random.Random(11)
    return [[value + draw.uniform(-size, size) + bias for value in row] for row in values]


@pytest.mark.parametrize("size", [0.0, 0.004])
def test_the_right_adapter_is_accepted_with_the_noise_of_bfloat16(size):
    found = identity_finding(noisy(BY_SCALE[1.0], size), BY_SCALE, MAX_DISTANCE_EMBEDDED, ANSWERS)
    assert found.problem is None
    assert found.values["distance_at_1"] <= size and found.values["tokens"] == ANSWERS * TOKENS


@pytest.mark.parametrize(
    ("scale", "sentence"),
    [(0.0, "not applied"), (0.5, "at half its scale"), (2.0, "applied twice")],
)
def test_another_scale_is_named(scale, sentence):
    found = identity_finding(noisy(BY_SCALE[scale], 0.002), BY_SCALE, MAX_DISTANCE, ANSWERS)
    assert found.problem and sentence in found.problem


def test_other_weights_are_named():
    found = identity_finding(noisy(BY_SCALE[1.0], 2.0), BY_SCALE, MAX_DISTANCE, ANSWERS)
    assert found.problem and "other weights" in found.problem


def test_a_small_constant_error_is_a_bias():
    found = identity_finding(noisy(BY_SCALE[1.0], 0.0, 0.03), BY_SCALE, MAX_DISTANCE, ANSWERS)
    assert found.problem and "off by +0.0300 on average" in found.problem


def test_an_adapter_that_changes_nothing_cannot_be_shown_to_be_served():
    served = noisy(BY_SCALE[1.0], 0.001)
    found = identity_finding(served, dict.fromkeys(SCALES, BY_SCALE[1.0]), MAX_DISTANCE, ANSWERS)
    assert found.problem and "cannot be told apart" in found.problem


def test_too_few_measurable_answers_show_nothing():
    found = identity_finding(BY_SCALE[1.0][:3], {s: v[:3] for s, v in BY_SCALE.items()}, MAX_DISTANCE, ANSWERS)
    assert found.problem and found.problem.startswith("Only 3 of 24 answers")


def test_one_prompt_of_another_length_or_with_other_ids_is_another_template():
    ours = [[1, 2, 3], [1, 2, 4]]
    assert template_finding(ours, [3, 3]).problem is None
    assert "prompt 2 has 3 tokens in training and 5 at the server" in str(template_finding(ours, [3, 5]).problem)
    same_length = template_finding(ours, [3, 3], [[1, 2, 3], [1, 9, 4]])
    assert "prompt 2 has other tokens from position 1 on" in str(same_length.problem)


def test_a_server_that_counts_no_tokens_gets_a_warning():
    found = template_finding([[1], [2]], [None, None], [None, None])
    assert found.problem is None and found.warning


def test_without_log_probabilities_the_check_is_weak_and_still_refuses_the_base():
    good = weak_finding([True] * 23 + [False], [True] * 20 + [False] * 4)
    assert good.problem is None and good.warning and "Weak check" in good.warning
    assert weak_finding([False] * 24, [True] * 24).problem
    assert weak_finding([True] * 24, [False] * 12 + [True] * 12).problem


def test_one_answer_of_another_model_breaks_the_isolation():
    assert isolation_finding({"a": 0, "base": 0}, {"a": 8, "base": 8}).problem is None
    found = isolation_finding({"a": 1, "base": 0}, {"a": 8, "base": 8})
    assert found.problem and "1 of 8 answers of a change" in found.problem


def test_two_other_reasons_to_stop_of_24_are_too_many():
    offline_answers = [(f"red {row}", "stop") for row in range(ANSWERS)]
    runs_on = [(f"red {row} and", "length") for row in range(2)]
    assert stop_finding([*runs_on[:1], *offline_answers[1:]], offline_answers).problem is None
    found = stop_finding([*runs_on, *offline_answers[2:]], offline_answers)
    assert found.problem and "92% of the answers end for the same reason" in found.problem


def test_answers_that_took_another_turn_say_nothing_of_how_they_end():
    offline_answers = [(f"red {row}", "stop") for row in range(ANSWERS)]
    turned = [(f"blue {row}", "length") for row in range(6)]
    found = stop_finding([*turned, *offline_answers[6:]], offline_answers)
    assert found.problem is None and found.values == {"equal": 1.0, "compared": 18}


def test_a_slow_adapter_is_a_warning_and_no_failure():
    found = time_finding([1.2] * 5, [1.0] * 5)
    assert found.problem is None and found.warning and "1.20 times" in found.warning
    assert time_finding([1.05] * 5, [1.0] * 5).warning is None
    assert time_finding([1.0], []).warning is None
