"""Metrics of given answers: what is counted, over what."""

import pytest

from rl_assets.evaluation.run.estimates import answer_columns, paired_difference
from rl_assets.evaluation.run.generate import ModelScores, PromptSet
from rl_assets.evaluation.run.inputs import Item
from rl_assets.models.generation import Answer, Generation


def prompts(*items: tuple[str, tuple[str, ...]]) -> PromptSet:
    """Items of a reference and answers that were rejected."""
    asked = ({"role": "user", "content": "?"},)
    found = [
        Item(asked, (reference,), f"c{n}", None, None, rejected=worse) for n, (reference, worse) in enumerate(items)
    ]
    return PromptSet(found, [], 48, 0)


def outputs(*answers: tuple[str, int]) -> ModelScores:
    """Answers with their tokens."""
    return ModelScores(Generation([Answer(text, tokens, True, 5) for text, tokens in answers], 1.0), [], [], None)


ITEMS = prompts(("red", ("blue",)), ("green", ()), ('{"a": 1}', ('{"a": 1', '{"a": 2}')), ("four", ("five",)))


def test_only_prompts_with_a_rejected_answer_count_for_the_rejection_rate():
    found = answer_columns(ITEMS, outputs(("Blue.", 2), ("blue", 2), ('{"a": 1}', 6), ("five", 2)))["rejection_rate"]
    assert (found.interval().n, found.interval().mean) == (3, pytest.approx(2 / 3))


def test_quality_per_token_falls_with_long_answers_that_are_no_better():
    short = answer_columns(ITEMS, outputs(("red", 2), ("green", 2), ("x", 2), ("four", 2)))["quality_per_token"]
    wordy = answer_columns(ITEMS, outputs(("red", 20), ("green", 20), ("x", 20), ("four", 20)))["quality_per_token"]
    assert short.interval().mean == pytest.approx(100 * 3 / 8)
    assert paired_difference(short, wordy).mean == pytest.approx(100 * 3 / 8 - 100 * 3 / 80)


def test_what_no_answer_has_is_not_said_to_be_0_for_sure():
    """In prose as in JSON, and by tokens: of four answers that all miss, up to 0.60 may be right."""
    prose = prompts(*((f"red and green {n}", ()) for n in range(4)))
    columns = answer_columns(prose, outputs(*[("blue", 2)] * 4))
    for name, scale in (("exact_match", 1), ("rouge1", 1), ("bleu", 100), ("quality_per_token", 50)):
        found = columns[name].interval()
        assert (found.low, found.high) == (0, pytest.approx(0.602 * scale, abs=1e-3 * scale)), name


def test_a_gain_on_all_clusters_has_a_width_and_equal_answers_have_none():
    found = prompts(*((f"red {n}", ()) for n in range(8)))
    right, wrong = (
        answer_columns(found, outputs(*answers))["exact_match"]
        for answers in ([(f"red {n}", 2) for n in range(8)], [("blue", 2)] * 8)
    )
    gain = paired_difference(right, wrong)
    assert (gain.mean, gain.low, gain.high) == (1.0, pytest.approx(0.261, abs=1e-3), 1.0)
    same = paired_difference(right, right)
    assert (same.low, same.high) == (0.0, 0.0)
