"""Which served conversations belong to one drawn arm, by the answers that the log holds."""

from datetime import date

import pytest

from rl_assets.evaluation.online.conversations import Conversation, conversation_of

DAY = date(2026, 10, 14)
ARMS = '{"assistant@base": 0.7, "assistant@product--dpo-0123456789ab": 0.2, "other@base": 0.1}'


def turn(**changes):
    return {
        "day": DAY,
        "category": "colour",
        "assigned_arm": "assistant@base",
        "drawn": True,
        "arms": ARMS,
        "policy_version": "p1",
        "reward": None,
        "failed": False,
    } | changes


def test_its_reward_is_the_mean_of_its_rated_answers_and_its_share_that_of_all_agents():
    found = conversation_of("s1", [turn(reward=1.0), turn(), turn(reward=0.5, failed=True)])
    assert (found.reward, found.failed, found.model) == (0.75, True, "base")
    assert found.share_of("base") == pytest.approx(0.8)
    assert found.share_of("product--dpo-0123456789ab") == 0.2
    assert "s1" not in found.name


@pytest.mark.parametrize(
    "other",
    [
        {"assigned_arm": "assistant@product--dpo-0123456789ab"},
        {"policy_version": "p2"},
        {"drawn": False},
    ],
)
def test_one_that_met_two_arms_or_two_policies_or_named_its_arm_is_dropped(other):
    assert conversation_of("s1", [turn(reward=1.0), turn(**other)]) is None


def test_one_without_known_probabilities_is_dropped_and_one_that_nobody_rated_has_no_reward():
    assert conversation_of("s1", [turn(arms=None)]) is None
    unrated = conversation_of("s1", [turn()])
    assert isinstance(unrated, Conversation) and unrated.reward is None
