"""`router/shares.json`: the newest shares that the router learned, by segment and category, for whoever draws by them.

It is written when `bandit_state` is materialized for the newest day, so that no draw reads the lake.
"""

import secrets
from pathlib import Path

from pydantic import Field, ValidationError

from rl_assets.core.files import sha256_json, write_json
from rl_assets.core.home import Home
from rl_assets.core.validation import Record, problems

VERSION_DIGITS = 12


class LearnedShares(Record):
    """Probabilities by segment (`product` for none), category (`*` for every other one) and arm, as of a day.

    `new` are the arms with too few rewards for a share of their own, by segment and category.
    """

    day: str
    salt: str = Field(min_length=8)
    shares: dict[str, dict[str, dict[str, float]]]
    new: dict[str, dict[str, list[str]]] = Field(default_factory=dict)

    @property
    def policy_version(self) -> str:
        """12 hex digits: the same shares and salt draw the same arm for a conversation."""
        return sha256_json({"salt": self.salt, "shares": self.shares})[:VERSION_DIGITS]


def read_learned(home: Home) -> LearnedShares | None:
    """The newest learned shares, or None before anything was learned. Raises ValueError for a file that is none."""
    path: Path = home.router / "shares.json"
    if not path.is_file():
        return None
    try:
        return LearnedShares.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(
            f"{path} is invalid: {problems(error)}. Materialize bandit_state to write it again."
        ) from error


def salt_of(home: Home) -> str:
    """The salt of the file, so that a conversation keeps its number; a new one if there is no valid file."""
    try:
        learned = read_learned(home)
    except ValueError:
        learned = None
    return learned.salt if learned else secrets.token_hex(16)


def write_learned(home: Home, learned: LearnedShares) -> None:
    """Replace the file atomically."""
    write_json(home.router / "shares.json", learned.model_dump(mode="json"))
