"""Which arm answers a conversation: drawn with a known probability, the same for all of its turns, without state."""

import hashlib
from dataclasses import dataclass

from rl_assets.serving.routing import Routing, Shares

# Of a hash: 52 bits, which a float holds exactly. More could round to 1.
DIGITS = 13


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


def uniform(salt: str, policy_version: str, conversation: str) -> float:
    """A number in [0, 1) that looks random and is the same each time: 52 bits of a SHA-256."""
    digest = hashlib.sha256("\x1f".join((salt, policy_version, conversation)).encode("utf-8", "surrogatepass"))
    return int(digest.hexdigest()[:DIGITS], 16) / float(16**DIGITS)


def arm_at(shares: Shares, number: float) -> str:
    """The arm at a number in [0, 1), on the shares laid side by side in the order of their names."""
    reached, possible = 0.0, [name for name in sorted(shares) if shares[name] > 0]
    for arm in possible:
        reached += shares[arm]
        if number < reached:
            return arm
    # The shares sum to 1 but for rounding: what is left belongs to the last.
    return possible[-1]


def draw(routing: Routing, conversation: str, segment: str | None = None, category: str | None = None) -> Choice:
    """The arm of a conversation, by its number."""
    shares, policy_version = routing.shares_of(segment, category), routing.policy_version
    arm = arm_at(shares, uniform(routing.salt, policy_version, conversation))
    return Choice(arm, shares[arm], shares, policy_version, drawn=True)


def named(routing: Routing, arm: str) -> Choice:
    """The choice of a caller who names an arm."""
    return Choice(arm, 1.0, {arm: 1.0}, routing.policy_version, drawn=False)
