"""One request to one server of models, up to the first byte of its answer: what can still be given to another arm."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from rl_assets.serving.routing import Arm

# What is no fault of the caller: another arm may answer. A wrong key (401, 403) is the gateway's own.
FAILED = frozenset({401, 403, 404, 408, 429})
PASSED_HEADERS = ("content-type", "x-request-id", "retry-after", "openai-processing-ms")
# Below the 5 s after which uvicorn, which serves vLLM and others, closes a connection that is not in use.
KEEP_ALIVE_S = 2.0
MAX_RETRY_AFTER = 20


class AttemptError(Exception):
    """A server did not answer; `reason` is a word for logs and metrics."""

    def __init__(self, reason: str, retry_after: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.retry_after = reason, retry_after


@dataclass(frozen=True)
class Opened:
    """An answer that began: its first bytes, and the rest as it comes."""

    status: int
    headers: Mapping[str, str]
    first: bytes
    rest: AsyncIterator[bytes]
    response: httpx2.Response

    @property
    def is_stream(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")


def make_client() -> httpx2.AsyncClient:
    """A client without limits of its own; servers on this machine are never reached through a proxy."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=200, keepalive_expiry=KEEP_ALIVE_S)
    direct = httpx2.AsyncHTTPTransport(limits=limits)
    mounts = {"http://127.0.0.1": direct, "http://localhost": direct}
    return httpx2.AsyncClient(timeout=None, limits=limits, mounts=mounts)


def completions_url(url: str) -> str:
    """The address of chat completions; a URL without a path gets OpenAI's `/v1`."""
    base = url.rstrip("/")
    return f"{base}/chat/completions" if urlsplit(base).path else f"{base}/v1/chat/completions"


async def open_answer(client: httpx2.AsyncClient, url: str, arm: Arm, body: bytes, first_byte_s: float) -> Opened:
    """Ask, and wait for the first byte. Raises AttemptError if another arm should be asked."""
    request = client.build_request("POST", completions_url(url), content=body, headers=_headers(arm))
    try:
        async with asyncio.timeout(first_byte_s):
            response = await client.send(request, stream=True)
            try:
                return await _first_byte(response)
            except BaseException:
                await response.aclose()
                raise
    except TimeoutError:
        raise AttemptError("timeout") from None
    except httpx2.ConnectError:
        raise AttemptError("refused") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError):
        raise AttemptError("broken") from None


async def _first_byte(response: httpx2.Response) -> Opened:
    if response.status_code in FAILED or response.status_code >= 500:
        retry_after = response.headers.get("retry-after")
        raise AttemptError(f"status_{response.status_code}", retry_after and retry_after[:MAX_RETRY_AFTER])
    rest = response.aiter_bytes()
    first = await anext(rest, b"")
    if not first and response.status_code == 200:
        raise AttemptError("broken")
    headers = {name: response.headers[name] for name in PASSED_HEADERS if name in response.headers}
    return Opened(response.status_code, headers, first, rest, response)


def _headers(arm: Arm) -> dict[str, str]:
    """Of the gateway's own: none of the caller's is sent on, least of all their key."""
    headers = {"content-type": "application/json", "accept-encoding": "identity", "user-agent": "rl-assets-gateway"}
    if arm.token_env:
        token = os.environ.get(arm.token_env)
        if not token:
            raise AttemptError("no_key")
        headers["authorization"] = f"Bearer {token}"
    return headers
