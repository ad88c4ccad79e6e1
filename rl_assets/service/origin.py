"""Requests that another site makes a browser send: refused, since the browser adds our cookie to them.

https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site says who caused a request. A browser
without it names the origin of a form. A request with a bearer key is the work of a program: no browser adds one by
itself, while it does add the name and password that a proxy in front of the service asked for.
"""

from collections.abc import Collection

from starlette.datastructures import URL, Headers

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def refusal(method: str, url: URL, headers: Headers, origins: Collection[str]) -> str | None:
    """Why a request may not be sent, or None if it may. `origins` may send forms besides the service's own."""
    if method in SAFE_METHODS or headers.get("authorization", "").lower().startswith("bearer "):
        return None
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site == "same-origin" or (origin is not None and origin in origins):
        return None
    if site is None and origin is None:
        if "cookie" not in headers:
            return None
        return "the request names no origin: send it from a page of this service"
    if site is None and origin == f"{url.scheme}://{url.netloc}":
        return None
    return (
        f"the request comes from {origin or f'a {site} page'}, not from a page of this service: open it here, or name "
        "that origin in RL_ASSETS_SERVICE_ORIGINS"
    )
