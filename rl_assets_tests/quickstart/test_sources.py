"""How published verdicts become rewards, and how times are assigned."""

from datetime import UTC, datetime

import pytest

from rl_assets.quickstart.assigned import DAYS, END, answered_at, rated_at
from rl_assets.quickstart.sources.finegrained_qa import win_shares
from rl_assets.quickstart.sources.haiku import content_text, unit_rating


def test_an_answer_that_won_all_its_comparisons_has_share_one() -> None:
    assert win_shares([1, 1, 1, 0, 2, 1]) == {1: 1.0, 2: 0.166667, 3: 0.5, 4: 0.333333}


def test_ratings_beyond_the_scale_count_as_its_ends() -> None:
    assert [unit_rating(value) for value in (-1.2, -1.0, 0.0, 0.5, 1.4)] == [0.0, 0.0, 0.5, 0.75, 1.0]


def test_gateway_content_that_is_not_text_is_refused_by_name() -> None:
    assert content_text([{"type": "text", "value": {"topic": "sea"}}], "row 1") == '{"topic": "sea"}'
    with pytest.raises(ValueError, match=r"row 1 .*tool_call"):
        content_text([{"type": "tool_call", "name": "look"}], "row 1")


def test_no_verdict_falls_behind_the_last_day() -> None:
    last_second = datetime(2026, 10, 14, 23, 59, 59, tzinfo=UTC)
    for number in range(500):
        answered = answered_at(f"question {number}", "agent")
        assert answered.date() in DAYS
        assert answered < rated_at(answered, f"verdict {number}") < END
        assert last_second <= rated_at(last_second, f"verdict {number}") < END
