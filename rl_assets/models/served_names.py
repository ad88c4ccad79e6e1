"""Names under which servers and logs know adapters, made of contents: the weights behind a name never change."""

from rl_assets.models.adapters import Adapter

PRODUCT = "product"
BASE = "base"
HASH_DIGITS = 12


def content_name(adapter: Adapter, segment: str | None) -> str:
    """`<segment>--<kind>-<first 12 digits of the weights' sha256>`, as `product--dpo-0f3a5c779e21`."""
    return f"{segment or PRODUCT}--{adapter.kind}-{adapter.sha256[:HASH_DIGITS]}"
