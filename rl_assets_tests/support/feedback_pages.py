"""A feedback service with answers to judge, and people who open its pages: by HTTP, as a browser without JavaScript."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from httpx2 import Response
from selectolax.lexbor import LexborHTMLParser, LexborNode
from starlette.testclient import TestClient

from rl_assets.service.app import app_of
from rl_assets.service.state import Service, open_service
from rl_assets.settings import Settings
from rl_assets_tests.support.logs import Product, interaction

KEY = "a session key that tests sign with, 32 bytes"
HOST = "http://127.0.0.1:8802"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


def answers(
    *names: str, brand: str | None = "acme", task: str | None = "support", **fields: Any
) -> list[dict[str, Any]]:
    """Lines of answers, each to a question of its own."""
    return [
        interaction(
            name, query=f"What does part {name} cost?", answer=f"Part {name} costs 3 euros.", segment=brand, task=task
        )
        | fields
        for name in names
    ]


def rivals(question: str, brand: str | None = "acme") -> list[dict[str, Any]]:
    """Two answers of two agents to one question."""
    return [
        interaction(f"{question}-{n}", query=question, answer=text, segment=brand, task="support", agent_type=agent)
        for n, (agent, text) in enumerate((("zarquon_v1", "It takes two days."), ("vogon_v2", "No idea, call us.")))
    ]


@dataclass
class Clock:
    """A clock that tests move."""

    now: datetime = field(default_factory=lambda: datetime(2026, 10, 2, 9, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@dataclass
class Person:
    """Somebody with a browser: follows links, fills in forms, keeps cookies."""

    client: TestClient
    page: LexborHTMLParser = field(default_factory=lambda: LexborHTMLParser(""))
    last: Response | None = None

    def open(self, path: str) -> Response:
        return self._seen(self.client.get(path))

    def send(self, selector: str, **fields: str) -> Response:
        """Send a form of the page with these fields; others keep what the page has in them."""
        path, filled = self.filled(selector)
        return self.post(path, {**filled, **fields})

    def post(self, path: str, fields: dict[str, str]) -> Response:
        return self._seen(self.client.post(path, data=fields, headers=SAME_ORIGIN))

    def filled(self, selector: str) -> tuple[str, dict[str, str]]:
        """Where a form is sent, and what it holds as it stands."""
        (form,) = self.page.css(selector)
        fields: dict[str, str] = {}
        named = form.attributes.get("id")
        for node in [*form.css("[name]"), *(self.page.css(f'[form="{named}"]') if named else [])]:
            kind, name = node.attributes.get("type"), node.attributes.get("name")
            if name is None or node.tag == "button" or (kind == "radio" and "checked" not in node.attributes):
                continue
            fields[name] = _value(node)
        return form.attributes["action"] or "", fields

    def text(self, selector: str = "body") -> str:
        return " ".join(" ".join(node.text(separator=" ") for node in self.page.css(selector)).split())

    def _seen(self, response: Response) -> Response:
        self.last = response
        self.page = LexborHTMLParser(response.text)
        return response


@dataclass
class Deployment:
    """A service on a home with rated answers."""

    product: Product
    service: Service
    clock: Clock

    @contextmanager
    def person(self, name: str, brand: str | None = None, admin: bool = False) -> Iterator[Person]:
        """Somebody who has opened their invitation."""
        secret = self.service.store.add_invite(name, brand, admin=admin)
        with TestClient(app_of(self.service), base_url=HOST, headers={"Sec-Fetch-Site": "none"}) as client:
            person = Person(client)
            person.open(f"/join/{secret}")
            person.send("main form")
            yield person

    def kept(self, rater: str) -> list[dict[str, Any]]:
        """What a rater's acts that stand say, newest first."""
        return [act.model_dump(exclude_none=True) for act in self.service.store.acts_of(rater)]


def _value(node: LexborNode) -> str:
    if node.tag == "textarea":
        return node.text().removeprefix("\n")
    shown = node.css_first("option[selected]") or node.css_first("option") if node.tag == "select" else node
    return shown.attributes.get("value") or ""


def rated_home(home: Path, *lines: dict[str, Any]) -> Path:
    """A home whose answers were logged and rated, as a night does."""
    product = Product.at(home)
    product.log(*lines)
    product.ingest()
    product.rated()
    return home


def deploy(home: Path, rated: Path | None = None, **settings: Any) -> Deployment:
    """A service in `home` on the lake of a rated home, which it only reads; of its own lake by default."""
    product, clock = Product.at(rated or home), Clock()
    chosen = Settings(home=home, lake=product.lake.url, service_session_key=KEY, **settings)
    return Deployment(product, open_service(chosen, clock), clock)


def form_token(html: str) -> str:
    """The token of the first form of a page."""
    match = re.search(r'name="token" value="([^"]+)"', html)
    assert match is not None
    return match[1]
