"""How the gateway knows the calls of a rollout, which it does not log: by a header that follows from the salt of
`routing.json`. Only who reads that file can make it, so no caller can hide a call from the log."""

import hmac

from rl_assets.serving.routing import Routing

HEADER = "x-rl-assets-probe"
PURPOSE = b"rl-assets-probe"


def probe_signature(routing: Routing) -> str:
    """The header's value, 64 hex digits; the same for all versions with one salt."""
    return hmac.digest(routing.salt.encode("utf-8"), PURPOSE, "sha256").hex()


def is_probe(routing: Routing, header: str | None) -> bool:
    """Whether the value of the header is that of this deployment; compared in constant time."""
    return header is not None and hmac.compare_digest(header.encode("utf-8"), probe_signature(routing).encode("ascii"))
