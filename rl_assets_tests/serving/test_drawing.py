"""Draws have the probabilities that the file states, and logged ones estimate what another policy would earn."""

import json
from collections import Counter

import numpy as np

from rl_assets.routing.choices import arm_at, uniform
from rl_assets.serving.drawing import draw, named
from rl_assets.serving.routing import Arm, Routing

SHARES = {"a": 0.5, "b": 0.3, "c": 0.15, "d": 0.05, "e": 0.0}
CONVERSATIONS = 100_000


def routing(salt: str = "a salt of tests", shares: dict[str, float] | None = None) -> Routing:
    arm = Arm(agent="assistant", endpoint="local", urls=["http://x"], model="base", role="base")
    return Routing(
        version=1,
        salt=salt,
        written_at="2026-10-01",
        arms=dict.fromkeys(SHARES, arm),
        shares={"product": {"*": shares or SHARES}},
    )


def numbers(drawn: Routing, count: int) -> list[float]:
    """The numbers of so many conversations."""
    version = drawn.policy_version
    return [uniform(drawn.salt, version, f"conversation {number}") for number in range(count)]


def test_100_000_conversations_match_the_shares():
    from scipy.stats import chisquare

    arms = [arm_at(SHARES, number) for number in numbers(routing(), CONVERSATIONS)]
    assert arms[:100] == [draw(routing(), f"conversation {number}").arm for number in range(100)]
    counts = Counter(arms)
    assert counts["e"] == 0
    possible = [name for name, share in SHARES.items() if share > 0]
    expected = [SHARES[name] * CONVERSATIONS for name in possible]
    assert chisquare([counts[name] for name in possible], expected).pvalue > 0.001


def test_a_conversation_keeps_its_arm_for_as_long_as_the_policy_stands():
    first, same, reordered = routing(), routing(), routing(shares=dict(reversed(SHARES.items())))
    other = routing(salt="another salt")
    names = [f"conversation {number}" for number in range(1_000)]
    arms = [draw(first, name).arm for name in names]
    assert arms == [draw(same, name).arm for name in names]
    assert arms == [draw(reordered, name).arm for name in names]
    assert sum(arm != draw(other, name).arm for arm, name in zip(arms, names, strict=True)) > 400


def test_the_logged_probability_is_the_files():
    for number in range(500):
        choice = draw(routing(), f"conversation {number}")
        assert choice.propensity == SHARES[choice.arm] and choice.shares == SHARES and choice.drawn
    choice = named(routing(), "d")
    assert (choice.propensity, choice.drawn, json.dumps(choice.shares)) == (1.0, False, '{"d": 1.0}')


def test_numbers_lie_in_the_unit_interval_for_any_text():
    found = [uniform("salt", "policy", text) for text in ("", "ü", "half \ud83d", "x" * 100_000)]
    assert all(0 <= number < 1 for number in found) and len(set(found)) == 4


def test_rewards_of_another_policy_are_estimated_from_logged_draws_within_their_interval():
    rewards, target = {"a": 0.4, "b": 0.6, "c": 0.7, "d": 0.2}, {"a": 0.1, "b": 0.2, "c": 0.6, "d": 0.1}
    truth = sum(share * rewards[name] for name, share in target.items())
    covered = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        arms = [arm_at(SHARES, number) for number in numbers(routing(salt=f"salt of seed {seed}"), 1_000)]
        earned = np.array([random.random() < rewards[arm] for arm in arms])
        weighted = earned * np.array([target[arm] / SHARES[arm] for arm in arms])
        half = 1.96 * weighted.std(ddof=1) / np.sqrt(len(weighted))
        covered += abs(weighted.mean() - truth) <= half
    assert covered >= 90


def test_a_copy_with_other_shares_is_another_policy_and_equal_files_are_one():
    first, again = routing(), routing()
    assert first.policy_version == again.policy_version and first == again == Routing.model_validate(first.model_dump())
    other = first.model_copy(update={"shares": {"product": {"*": {"a": 1.0}}}})
    assert other.policy_version != first.policy_version
