"""Tokens in forms: which item a form is about, the id of what it does, and when it was made, signed for one rater.

A token of another rater or item is worth nothing. It names an item by its key, so nothing in a page tells who answered.
"""

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

DIGITS = 32
TOKEN = re.compile(r"(?P<key>[0-9a-f]{24})\.(?P<form>[0-9a-f]{32})\.(?P<made>[0-9a-f]{8})\.(?P<mac>[0-9a-f]{32})")


@dataclass(frozen=True)
class Token:
    """A token that was signed for the rater: the key of an item, the id of a form, and when the form was made."""

    key: str
    form: str
    made_at: datetime


@dataclass(frozen=True)
class Signer:
    """Signs for one rater with the service's session key."""

    session_key: bytes
    rater: str

    def sign(self, key: str, now: datetime, form: str | None = None) -> str:
        """A token for the item of that key and a new form, or the `form` that was sent before."""
        form, made = form or uuid4().hex, f"{int(now.timestamp()):08x}"
        return f"{key}.{form}.{made}.{self._mac('form', key, form, made)}"

    def read(self, text: str) -> Token | None:
        """What the token says; None if it was not signed for this rater."""
        match = TOKEN.fullmatch(text)
        if match is None:
            return None
        signature = self._mac("form", match["key"], match["form"], match["made"])
        if not hmac.compare_digest(match["mac"], signature):
            return None
        return Token(match["key"], match["form"], datetime.fromtimestamp(int(match["made"], 16), UTC))

    def shows_second_first(self, key: str) -> bool:
        """Whether the second answer of a pair is shown first: the same on every reload, true for half of all pairs."""
        return int(self._mac("side", key)[:8], 16) % 2 == 1

    def _mac(self, *parts: str) -> str:
        signed = "\x1f".join((self.rater, *parts)).encode("utf-8", "replace")
        return hmac.digest(self.session_key, signed, "sha256").hex()[:DIGITS]
