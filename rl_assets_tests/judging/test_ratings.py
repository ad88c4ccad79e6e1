"""Answers rated one by one: the improvement is paired, and an answer without a valid score drops its prompt."""

import json

import pytest

from rl_assets.evaluation.report.feedback_sections import ratings_sentence
from rl_assets.judging.pairwise import AnswerPair
from rl_assets.judging.ratings import rate_by_judge
from rl_assets_tests.support.judge_server import Asked, Say

PROMPT = ({"role": "user", "content": "Where is my order?"},)


def by_stars(asked: Asked) -> Say:
    """An answer's score stands in it; one without says nothing of the asked form."""
    (answer,) = asked.answers
    score = answer.partition(" ")[0]
    return Say(json.dumps({"rationale": "r", "score": float(score)})) if score[0].isdigit() else Say("very good")


def rated(make_judge, *pairs: tuple[str, str]):
    judge, _ = make_judge(by_stars)
    rivals = [AnswerPair(PROMPT, first, second, f"c{number}") for number, (first, second) in enumerate(pairs)]
    return rate_by_judge(judge, "candidate", "base", rivals)


def test_the_improvement_is_the_mean_of_paired_differences(make_judge):
    found = rated(make_judge, *[(f"0.{5 + n % 3} a{n}", f"0.{3 + n % 3} b{n}") for n in range(12)])
    assert (found.rated, found.unrated) == (12, 0)
    assert found.improvement.mean == pytest.approx(0.2) and found.improvement.low == pytest.approx(0.2)
    assert found.ours_rating.mean == pytest.approx(0.6) and found.theirs_rating.mean == pytest.approx(0.4)
    assert "improvement of +0.200 [+0.200, +0.200]." in ratings_sentence(found)


def test_a_prompt_without_two_valid_ratings_is_counted_and_dropped(make_judge):
    found = rated(make_judge, ("1 a", "0 b"), ("great", "0 c"), ("0.5 d", "fine"))
    assert (found.rated, found.unrated, found.improvement.mean) == (1, 2, 1.0)
    assert ratings_sentence(found).endswith("2 prompts have no valid rating of both answers.")


def test_no_valid_rating_is_no_mean(make_judge):
    found = rated(make_judge, ("great", "fine"))
    assert (found.rated, found.improvement) == (0, None)
    assert ratings_sentence(found) == "tiny-judge gave no valid rating to both answers of any prompt."
