"""Who may: bearer keys of programs, sessions of raters, and the dependencies by which routes ask for them.

A request with a key needs no session and gets no cookie; a request with neither is refused.
"""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request, Response

from rl_assets.service import rates
from rl_assets.service.errors import ServiceError, too_many
from rl_assets.service.key_rows import SCOPES, Key, Scope
from rl_assets.service.rater_rows import Rater
from rl_assets.service.state import Service

COOKIE = "rl_assets_session"
SESSION = timedelta(hours=12)
BEARER = "bearer "
LOOPBACK = ("127.0.0.1", "::1", "localhost")
NO_KEY = "this needs a key: send `Authorization: Bearer <key>`; `python -m rl_assets.service keys add` makes one"


def require_key(service: Service, scope: Scope) -> Callable[[Request], Key]:
    """The dependency of a route for programs: the request's key, or 401, 403 and 429.

    While there is no key at all, a program on this machine may do everything: the service listens to no other.
    """

    def dependency(request: Request) -> Key:
        key = key_of(service, request) or _keyless(service, request)
        if key is None:
            raise ServiceError(401, NO_KEY, headers={"WWW-Authenticate": "Bearer"})
        if not key.may(scope):
            raise ServiceError(403, f"the key {key.name} has no scope {scope}: ask for one that has")
        if wait := service.rates.count(rates.REQUESTS, key.name):
            raise too_many(wait, "requests of this key")
        return key

    return dependency


def _keyless(service: Service, request: Request) -> Key | None:
    """What stands for a key where none was ever made. A name that leads here from elsewhere is not let in."""
    address = request.client.host if request.client else ""
    if address not in LOOPBACK or request.url.hostname not in LOOPBACK or service.store.all_keys():
        return None
    return Key("this machine", frozenset(SCOPES), None, "")


def key_of(service: Service, request: Request) -> Key | None:
    """The key that the request sends, or None if it sends none. Raises ServiceError for a wrong one."""
    header = request.headers.get("authorization", "")
    if not header.lower().startswith(BEARER):
        return None
    address = request.client.host if request.client else "unknown"
    if wait := service.rates.wait_of(rates.FAILED_KEYS, address):
        raise too_many(wait, "wrong keys from this address")
    key = service.store.find_key(header[len(BEARER) :].strip())
    if key is None:
        service.rates.count(rates.FAILED_KEYS, address)
        raise ServiceError(401, "the key is unknown or revoked", headers={"WWW-Authenticate": "Bearer"})
    return key


def allowed_brand(who: Key | Rater, brand: str | None) -> str | None:
    """The brand that is asked for, or the only one that `who` may see. Raises 404 for another one's."""
    if who.brand is None or brand in (None, who.brand):
        return who.brand or brand
    raise ServiceError(404, f"there is no brand {brand} here", "brand")


def start_session(service: Service, request: Request, response: Response, rater: Rater) -> None:
    """Set the cookie that names the rater, signed, for 12 hours."""
    began = service.clock()
    content = {"rater": rater.rater, "began": began.timestamp(), "expires": (began + SESSION).timestamp()}
    value = sign(service.session_key, "session", content)
    response.set_cookie(
        COOKIE,
        value,
        max_age=int(SESSION.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/",
    )


def end_session(response: Response) -> None:
    """Take the cookie back."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")


def rater_of(service: Service, request: Request) -> Rater | None:
    """The rater of the request's session, as the database knows them now; None without a valid session."""
    content = signed_content(service.session_key, "session", request.cookies.get(COOKIE, ""))
    if content is None or content["expires"] <= service.clock().timestamp():
        return None
    rater = service.store.find_rater(content["rater"])
    is_over = rater is None or content.get("began", 0) < datetime.fromisoformat(rater.since).timestamp()
    return None if is_over else rater


def require_rater(service: Service) -> Callable[[Request], Rater]:
    """The dependency of a route for raters: the session's, or 401."""

    def dependency(request: Request) -> Rater:
        rater = rater_of(service, request)
        if rater is None:
            raise ServiceError(401, "your session has ended: open your invitation link again")
        return rater

    return dependency


def check_act_rate(service: Service, rater: str) -> None:
    """Raises 429 if the rater has sent 60 acts within a minute, counted over all workers."""
    if service.store.recent_acts(rater, rates.ACTS.seconds) >= rates.ACTS.limit:
        raise too_many(rates.ACTS.seconds, "acts within a minute")


def sign(key: bytes, purpose: str, content: dict[str, Any]) -> str:
    """A text that holds the content, readable and signed. What is signed for one purpose is not valid for another."""
    body = _encode(json.dumps(content, sort_keys=True, separators=(",", ":")).encode("utf-8"))
    return f"{body}.{_signature(key, purpose, body)}"


def signed_content(key: bytes, purpose: str, text: str) -> dict[str, Any] | None:
    """The content of a signed text; None if the signature is not that of the key and the purpose."""
    body, _, signature = text.partition(".")
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), _signature(key, purpose, body).encode("ascii")):
        return None
    content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return content


def _signature(key: bytes, purpose: str, body: str) -> str:
    return _encode(hmac.digest(key, f"{purpose}\x1f{body}".encode("utf-8", "replace"), "sha256"))


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")
