"""Names of served adapters and arms. A name is made of contents, so its weights never change.

A server that loaded an adapter under a name therefore never has to reload it, and no cached answer of other weights can
be given for it. Which of the names is the champion says `routing.json` alone.
"""

from rl_assets.models.served_names import BASE, PRODUCT, content_name

__all__ = ["BASE", "PRODUCT", "arm_name", "content_name"]


def request_name(driver: str, name: str) -> str:
    """What a request's `model` must be for an endpoint of that driver to answer by the name.

    SGLang knows an adapter as `base:<name>`: a plain name is answered by the base, without an error.
    """
    return f"{BASE}:{name}" if driver == "sglang" and name != BASE else name


def arm_name(agent: str, model: str) -> str:
    """An agent with what answers for it, as `assistant@product--dpo-0f3a5c779e21`; the base is `assistant@base`."""
    return f"{agent}@{model}"
