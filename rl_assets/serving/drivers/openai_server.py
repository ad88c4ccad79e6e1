"""What all drivers share: HTTP calls to one server with time limits, and errors that name it and say what to do."""

from typing import Any
from urllib.parse import urlsplit

from rl_assets.serving.drivers.protocol import ServerError
from rl_assets.serving.ports import is_here

CONNECT_S = 5.0
READ_S = 30.0
# A large adapter comes from a slow disk, and is copied to a device.
LOAD_S = 300.0
MAX_SHOWN = 400


class OpenAIServer:
    """One OpenAI-compatible server. `token` is sent as a bearer token; it is in no message."""

    def __init__(self, url: str, token: str | None = None):
        self.url = _root(url)
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    def cards(self) -> list[dict[str, Any]]:
        """What `/v1/models` lists: each with `id`, adapters with `parent`."""
        body = self.get("/v1/models")
        cards = body.get("data") if isinstance(body, dict) else None
        if not isinstance(cards, list) or not all(isinstance(card, dict) and "id" in card for card in cards):
            raise ServerError(f"{self.url}/v1/models answered {_shown(body)}, which is no list of models: {CHECK_URL}.")
        return cards

    def get(self, path: str) -> Any:
        """The JSON at that path; ServerError if there is none, or the server cannot be reached."""
        status, body = self.call("GET", path)
        if status != 200:
            raise ServerError(f"{self.url}{path} answered {status} ({error_text(body)}): {CHECK_URL}.")
        return body

    def call(self, method: str, path: str, value: Any = None, read_s: float = READ_S) -> tuple[int, Any]:
        """Status and body, as JSON where it is that and as text where not. ServerError if no answer comes."""
        response = self.send(method, path, value, read_s)
        try:
            return response.status_code, response.json()
        except ValueError:
            return response.status_code, response.text

    def send(self, method: str, path: str, value: Any = None, read_s: float = READ_S) -> Any:
        """The whole response. ServerError if the server cannot be reached, or takes longer than `read_s` seconds."""
        import httpx2

        limits = httpx2.Timeout(read_s, connect=CONNECT_S)
        try:
            # Without a session: a driver calls seldom, and a restarted server must not be met by an old connection.
            return httpx2.request(
                method,
                f"{self.url}{path}",
                json=value,
                headers=self._headers,
                timeout=limits,
                trust_env=not is_here(self.url),
            )
        except httpx2.TimeoutException as error:
            raise ServerError(
                f"{self.url}{path} did not answer within {read_s:g} s ({type(error).__name__}): see the server's log, "
                "and whether it is overloaded."
            ) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ServerError(
                f"{self.url} cannot be reached ({error}): start the server, or correct `urls` in the serving file."
            ) from error


CHECK_URL = "check that `urls` in the serving file names an OpenAI-compatible server, without /v1"


class OpenAIDriver:
    """What the drivers of such servers share; each adds how its server loads adapters."""

    def __init__(self, url: str, token: str | None = None):
        self.server = OpenAIServer(url, token)
        self.url = self.server.url

    def names(self) -> frozenset[str]:
        """The base's names and those of the adapters."""
        return frozenset(str(card["id"]) for card in self.server.cards())

    def request_name(self, name: str) -> str:
        """The name itself."""
        return name


def error_text(body: Any) -> str:
    """The message in an error's body, in the forms of OpenAI, vLLM, SGLang and FastAPI; else its first characters."""
    if isinstance(body, dict):
        error = body.get("error")
        nested = error.get("message") if isinstance(error, dict) else error
        found = nested or body.get("error_message") or body.get("message") or body.get("detail")
        return _shown(found or body)
    return _shown(body)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def _root(url: str) -> str:
    """The URL without a trailing slash or `/v1`. ServerError unless it is one of http or https."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ServerError(f"{url!r} is no address of a server: write it as http://host:port in the serving file.")
    return url.rstrip("/").removesuffix("/v1")
