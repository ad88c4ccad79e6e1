"""Which arm answers a conversation: drawn with a known probability, the same for all of its turns, without state."""

from dataclasses import dataclass
from typing import Protocol

from rl_assets.routing.choices import arm_at, uniform
from rl_assets.serving.routing import Routing, Shares


class Policy(Protocol):
    """What arms are drawn from: the routing in force, or shares that were learned while nothing is routed."""

    @property
    def salt(self) -> str:
        """What makes the draws of a deployment its own."""

    @property
    def policy_version(self) -> str:
        """The same one draws the same arm for a conversation."""

    def shares_of(self, segment: str | None, category: str | None) -> Shares:
        """Probabilities by arm."""


@dataclass(frozen=True)
class Choice:
    """The arm, the probability with which it was chosen, and what it was drawn from.

    `drawn` is False if the caller named the arm: its probability is 1, and it is no evidence on a policy.
    """

    arm: str
    propensity: float
    shares: Shares
    policy_version: str
    drawn: bool


def draw(policy: Policy, conversation: str, segment: str | None = None, category: str | None = None) -> Choice:
    """The arm of a conversation, by its number."""
    shares, policy_version = policy.shares_of(segment, category), policy.policy_version
    arm = arm_at(shares, uniform(policy.salt, policy_version, conversation))
    return Choice(arm, shares[arm], shares, policy_version, drawn=True)


def named(routing: Routing, arm: str) -> Choice:
    """The choice of a caller who names an arm."""
    return Choice(arm, 1.0, {arm: 1.0}, routing.policy_version, drawn=False)
