"""What the names of questions in annotation tools mean."""

import pytest

from rl_assets.ingest.annotation_questions import dimension_of, is_correction

OVERALL = (
    "rating",
    "overall_quality",
    "rating_answer_2",
    "Response quality",
    "overallRating",
    "score-1",
    "user_feedback",
)
OTHERS = ("toxicity_score", "helpfulness_rating", "sentiment_label", "toxicityScore", "prompt_rating", "helpful")
CORRECTIONS = (
    *("correction", "corrected_answer", "correctedAnswer", "edited_response", "better-response", "improved_answer"),
    *("revision", "rewrite", "rewritten_text", "ideal_response", "gold", "suggested_correction", "correction_1"),
)
COMMENTS = (
    *("needs_edit", "needs_revision", "correction_needed", "what_to_improve", "improvements", "edited", "better"),
    *("correctness", "correction_notes", "gold_label", "notes"),
)


@pytest.mark.parametrize("question", OVERALL)
def test_a_rating_is_overall_if_its_name_says_no_more(question: str):
    assert dimension_of(question, {}) == "overall"


@pytest.mark.parametrize("question", OTHERS)
def test_a_rating_of_anything_else_has_the_name_of_its_question(question: str):
    assert dimension_of(question, {}) == question


def test_a_correction_is_named_as_an_answer_that_was_written_anew():
    assert [question for question in CORRECTIONS if not is_correction(question)] == []
    assert [question for question in COMMENTS if is_correction(question)] == []
