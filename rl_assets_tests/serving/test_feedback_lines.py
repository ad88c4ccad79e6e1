"""Feedback as JSON becomes log lines that ingestion reads without a reject, or an error that names the field."""

import json
from datetime import UTC, datetime

import pytest

from rl_assets.serving.feedback_lines import FeedbackError, read_feedback

AT = datetime(2026, 10, 1, 12, tzinfo=UTC)


def lines_of(**fields):
    return read_feedback({"interaction_id": "a1", "feedback_id": "f1", **fields}).lines(AT)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"thumbs": "up"}, {"feedback_type": "thumbs_up"}),
        ({"thumbs": "none"}, {"feedback_type": "retraction"}),
        ({"rating": 4, "comment": "Nice."}, {"feedback_type": "rating", "rating": 4, "comment": "Nice."}),
        ({"correction": "Seven."}, {"feedback_type": "correction", "preferred_output": "Seven."}),
        (
            {"thumbs": "down", "correction": "Seven."},
            {"feedback_type": "thumbs_down", "preferred_output": "Seven."},
        ),
        (
            {"preferred": "Seven.", "rejected": "Six."},
            {"feedback_type": "preference", "preferred_output": "Seven.", "rejected_output": "Six."},
        ),
        ({"comment": "Odd."}, {"feedback_type": "comment", "comment": "Odd."}),
    ],
)
def test_a_verdict_is_one_line_of_the_feedback_table(given, line):
    [(log_format, fields)] = lines_of(**given)
    common = {"id": "f1", "interaction_id": "a1", "created_at": AT.isoformat()}
    assert (log_format, fields) == ("feedback_table", {**common, **line})


def test_a_score_is_a_reward_and_its_comment_a_line_of_its_own():
    reward, comment = lines_of(score=0.25, comment="Too long.", user_id="mary")
    assert reward.log_format == "reward_log"
    assert reward.fields["reward"] == 0.25 and reward.fields["user_id"] == "mary"
    assert (comment.log_format, comment.fields["id"]) == ("feedback_table", "f1-comment")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"interaction_id": "a1", "rating": 0}', "rating"),
        ('{"interaction_id": "a1", "rating": 6}', "rating"),
        ('{"interaction_id": "a1", "rating": 3.5}', "rating"),
        ('{"interaction_id": "a1", "rating": "4"}', "rating"),
        ('{"interaction_id": "a1", "rating": true}', "rating"),
        ('{"interaction_id": "a1", "score": NaN}', "score"),
        ('{"interaction_id": "a1", "score": Infinity}', "score"),
        ('{"interaction_id": "a1", "score": 1e999}', "score"),
        ('{"interaction_id": "a1", "score": true}', "score"),
        ('{"interaction_id": "a1", "score": 1.01}', "score"),
        ('{"interaction_id": "a1", "thumbs": "sideways"}', "thumbs"),
        ('{"interaction_id": "a1", "comment": "half \\ud83d"}', "comment"),
        ('{"interaction_id": "a1", "comment": "nul \\u0000"}', "comment"),
        ('{"interaction_id": "a1", "comment": " \\u200b"}', "comment"),
        ('{"interaction_id": "a1", "claps": 3}', "claps"),
        ('{"interaction_id": "a1", "preferred": "Seven."}', "preferred"),
        ('{"interaction_id": "a1", "rejected": "Six."}', "rejected"),
        ('{"interaction_id": "a1", "preferred": "Six.", "rejected": " Six."}', "preferred"),
        ('{"interaction_id": "a1", "thumbs": "up", "rating": 5}', "thumbs"),
        ('{"interaction_id": "NaN", "thumbs": "up"}', "interaction_id"),
        ('{"thumbs": "up"}', "interaction_id"),
        ('{"interaction_id": 7, "thumbs": "up"}', "interaction_id"),
        ('{"interaction_id": "a1"}', "body"),
        ("[]", "body"),
        ("{", "body"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_field_at_fault(body, field):
    with pytest.raises(FeedbackError) as refused:
        read_feedback(body.encode("utf-8"))
    assert refused.value.field == field
    json.dumps(str(refused.value), ensure_ascii=False).encode("utf-8")


def test_feedback_without_an_id_gets_a_new_one_each_time():
    first, second = (read_feedback(b'{"interaction_id": "a1", "thumbs": "up"}').feedback_id for _ in range(2))
    assert first != second
