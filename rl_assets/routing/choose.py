"""Draw an arm by the newest learned shares, as the gateway does, and print the choice as JSON.

python -m rl_assets.routing.choose --category factual [--segment acme] [--session id]
python -m rl_assets.routing.choose --question "How do I reset the router?"

The same session gives the same arm until other shares are learned; without one, each call draws anew.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

from rl_assets.models.served_names import PRODUCT
from rl_assets.routing.categories import category_of
from rl_assets.routing.choices import arm_at, uniform
from rl_assets.routing.config import ANY, agent_of
from rl_assets.routing.learned import LearnedShares, read_learned
from rl_assets.settings import load_settings


class UnknownNameError(ValueError):
    """A segment or category of which nothing was learned; the message names those that are known."""


def choose(learned: LearnedShares, segment: str | None, category: str | None, session: str | None) -> dict[str, Any]:
    """The drawn arm with its propensity, and the shares that it was drawn from. Raises UnknownNameError."""
    categories = learned.shares.get(segment or PRODUCT)
    if categories is None:
        raise _unknown("segment", segment or PRODUCT, learned.shares)
    if (category or ANY) not in categories:
        raise _unknown("category", category or ANY, categories)
    shares, version = categories[category or ANY], learned.policy_version
    arm = arm_at(shares, uniform(learned.salt, version, session or uuid4().hex))
    agent = agent_of(arm)
    return {
        "decision_id": uuid4().hex,
        "arm": arm,
        "agent": agent,
        "adapter": arm.removeprefix(agent).removeprefix("@") or None,
        "propensity": shares[arm],
        "arms": shares,
        "policy_version": version,
        "category": category or ANY,
        "as_of": learned.day,
    }


def _unknown(what: str, name: str, known: Iterable[str]) -> UnknownNameError:
    return UnknownNameError(
        f"{name!r} is no {what} of which something was learned: known are {', '.join(sorted({*known} - {ANY}))}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a choice; 1 with a sentence on stderr if none can be made."""
    parser = argparse.ArgumentParser(prog="python -m rl_assets.routing.choose", description="Draw an arm.")
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--category", help="kind of question; without one, what is known over all categories")
    asked.add_argument("--question", help="the question, whose words tell its category")
    parser.add_argument("--segment", help="slice of the product")
    parser.add_argument("--session", help="id of the conversation, which keeps its arm")
    options = parser.parse_args(arguments)
    try:
        learned = read_learned(load_settings().paths)
        if learned is None:
            raise UnknownNameError("Nothing was learned yet: materialize bandit_state of a day with rated answers.")
        print(json.dumps(_choice(learned, options), indent=2))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _choice(learned: LearnedShares, options: argparse.Namespace) -> dict[str, Any]:
    category = options.category
    if options.question is not None:
        by_words = category_of(options.question)
        # Of a category that no answer had, what is known over all of them.
        category = by_words if by_words in learned.shares.get(options.segment or PRODUCT, {}) else None
    return choose(learned, options.segment, category, options.session)


if __name__ == "__main__":
    sys.exit(main())
