"""Names of served adapters and arms. A name is made of contents, so its weights never change.

A server that loaded an adapter under a name therefore never has to reload it, and no cached answer of other weights can
be given for it. Which of the names is the champion says `routing.json` alone.
"""

from rl_assets.models.adapters import Adapter

PRODUCT = "product"
BASE = "base"
HASH_DIGITS = 12


def content_name(adapter: Adapter, segment: str | None) -> str:
    """`<segment>--<kind>-<first 12 digits of the weights' sha256>`, as `product--dpo-0f3a5c779e21`."""
    return f"{segment or PRODUCT}--{adapter.kind}-{adapter.sha256[:HASH_DIGITS]}"


def arm_name(agent: str, model: str) -> str:
    """An agent with what answers for it, as `assistant@product--dpo-0f3a5c779e21`; the base is `assistant@base`."""
    return f"{agent}@{model}"
