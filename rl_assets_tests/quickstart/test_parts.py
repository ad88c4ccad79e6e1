import json
import re
from collections import Counter
from datetime import date, timedelta
from itertools import combinations, islice

import pytest

from rl_assets.models.tiny.parts_manual import ATTRIBUTES, answer_text, manual, questions, verified_reward
from rl_assets.models.tiny.pretraining_chat import pretraining_conversations
from rl_assets.quickstart.parts_traffic import PROMPTS, PartsLog, parts_log

DAYS = [date(2026, 10, 1) + timedelta(days=offset) for offset in range(14)]


@pytest.fixture(scope="module")
def log() -> PartsLog:
    return parts_log(DAYS, seed=0)


def test_the_same_seed_gives_the_same_log_and_another_seed_another(log: PartsLog):
    assert parts_log(DAYS, seed=0) == log
    assert parts_log(DAYS, seed=1) != log


def test_every_interaction_has_one_reward_of_the_verifier(log: PartsLog):
    assert [row["interaction_id"] for row in log.rewards] == [row["interaction_id"] for row in log.interactions]
    assert len({row["interaction_id"] for row in log.interactions}) == len(log.interactions)
    assert {row["reward"] for row in log.rewards} == {0.0, 0.8, 1.0}
    assert {(row["type"], row["source"]) for row in log.rewards} == {("feedback", "verifier")}


def test_traffic_is_spread_over_the_days_and_rewards_come_later_the_same_day(log: PartsLog):
    days = Counter(row["timestamp"][:10] for row in log.interactions)
    assert sorted(days) == [day.isoformat() for day in DAYS]
    assert max(days.values()) < 1.4 * min(days.values())
    for interaction, reward in zip(log.interactions, log.rewards, strict=True):
        assert interaction["timestamp"] < reward["timestamp"]
        assert interaction["timestamp"][:10] == reward["timestamp"][:10]


def test_no_day_at_all_is_refused():
    with pytest.raises(ValueError, match="at least one day"):
        parts_log([], seed=0)


def test_a_fifth_of_the_prompts_is_answered_by_four_agents(log: PartsLog):
    answered = Counter(row["query"] for row in log.interactions)
    assert len(answered) == PROMPTS
    assert set(answered.values()) == {1, 4}
    assert 0.15 < sum(count == 4 for count in answered.values()) / PROMPTS < 0.25


def test_the_verifier_tells_right_needless_picture_wrong_and_broken_apart():
    price = next(question for question in questions(0) if question.attribute == "price")
    colour = next(question for question in questions(0) if question.attribute == "colour")
    picture = price.part.image
    assert verified_reward(price, answer_text(price.value, "none")) == 1.0
    assert verified_reward(price, answer_text(price.value, picture)) == 0.8
    assert verified_reward(colour, answer_text(colour.value, colour.part.image)) == 1.0
    assert verified_reward(colour, answer_text(colour.value, "none")) == 0.8
    assert verified_reward(price, answer_text("1 euro", "none")) == 0.0
    assert verified_reward(price, price.value) == 0.0
    assert verified_reward(price, "7") == 0.0


def test_no_two_prompts_are_near_duplicates(log: PartsLog):
    """Two parts stand for all: the prompts of other parts differ from these in the same words."""
    two = {part.name for part in manual(0)[:2]}
    words = [set(re.findall(r"\w+", question.text.lower())) for question in questions(0) if question.part.name in two]
    assert max(len(a & b) / len(a | b) for a, b in combinations(words, 2)) < 0.9


def test_pretraining_never_shows_the_products_form_and_shows_every_fact():
    answers = [
        turn["content"]
        for conversation in islice(pretraining_conversations(0), 4000)
        for turn in conversation
        if turn["role"] == "assistant"
    ]
    cards = [json.loads(answer) for answer in answers if answer.startswith("{")]
    assert cards
    assert not any({"answer", "image"} <= card.keys() for card in cards)
    told = {answer for answer in answers if not answer.startswith("{")}
    for part in manual(0):
        assert any(part.facts[attribute] in told for attribute in ATTRIBUTES)
        assert part.image in told


def test_conversations_alternate_and_end_with_the_assistant():
    for conversation in islice(pretraining_conversations(0), 100):
        assert [turn["role"] for turn in conversation] == ["user", "assistant"] * (len(conversation) // 2)
