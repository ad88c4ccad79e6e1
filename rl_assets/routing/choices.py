"""Drawing an arm with a known probability: the same arm for the same conversation, without state, and replayable."""

import hashlib
from collections.abc import Mapping
from typing import TypeVar

from rl_assets.models.served_names import PRODUCT
from rl_assets.routing.config import ANY

Shares = Mapping[str, float]
S = TypeVar("S", bound=Shares)
# Of a hash: 52 bits, which a float holds exactly. More could round to 1.
DIGITS = 13


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


def shares_at(shares: Mapping[str, Mapping[str, S]], segment: str | None, category: str | None) -> S:
    """What is drawn from, of shares by segment and category. KeyError if the product has no `*`.

    A segment that is not listed is drawn as the product, and a category that is not as `*`.
    """
    categories = shares.get(segment or PRODUCT) or shares[PRODUCT]
    return categories.get(category or ANY) or categories.get(ANY) or shares[PRODUCT][ANY]
