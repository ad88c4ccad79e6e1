"""Raters at the pages and callers at the gateway for some minutes, while service and gateway are killed in turns.

`python -m rl_assets_tests.benchmarks.raters_and_chats [--minutes 10] [--raters 20] [--chats 16] [--kills 2]`. Service,
gateway and model server are processes of their own; raters give stars or compare, and take back one act in ten.
Promised: every act that a rater was told is saved is one row of `feedback` after landing, and nothing else is; answers
that callers have in full are lines, but for those that the gateway counts as lost.
"""

import argparse
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from rl_assets.core.home import Home
from rl_assets.service.landing import land
from rl_assets.service.state import open_service
from rl_assets.service.tokens import Signer
from rl_assets.serving.routing import write_routing
from rl_assets.settings import Settings
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES
from rl_assets_tests.support.feedback_pages import Person, answers, rated_home, rivals
from rl_assets_tests.support.gateways import CHAMPION_ARM, arm, landed_lines, routing
from rl_assets_tests.support.killed_gateway import RETRY_S, Calls, Counts, Gateways, RestartedServer, model_process
from rl_assets_tests.support.logs import DAY, Product

MODES = ("rate", "compare")
UNDONE_SHARE = 0.1
SERVICE = {"RL_ASSETS_SERVICE_LAND_SECONDS": "5"}
SPARE_ITEMS = 1.5


class PatientBrowser(httpx2.Client):
    """Sends a request again while nobody listens; `waits` are the seconds of those that were answered at once."""

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url, follow_redirects=True, timeout=60, headers={"Sec-Fetch-Site": "none"})
        self.waits: dict[str, list[float]] = {"GET": [], "POST": []}

    def request(self, method: str, *values: Any, **named: Any) -> httpx2.Response:
        tries = 0
        while True:
            began = time.perf_counter()
            try:
                reply = super().request(method, *values, **named)
            except httpx2.TransportError:
                tries += 1
                time.sleep(RETRY_S)
                continue
            if not tries:
                self.waits[method].append(time.perf_counter() - began)
            return reply


@dataclass
class Rater:
    """One person, who opens the link of an invitation first. `saved` are ids of acts that the page said are kept,
    `refused` counts what it said otherwise."""

    name: str
    mode: str
    invitation: str
    browser: PatientBrowser
    signer: Signer
    saved: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    @cached_property
    def person(self) -> Person:
        """The person, signed in."""
        person = Person(self.browser)  # type: ignore[arg-type]
        person.open(f"/join/{self.invitation}")
        person.send("main form")
        return person

    def act(self, drawn: random.Random) -> None:
        """Judge the item on the page, and sometimes take that back."""
        selector = "#rating" if self.mode == "rate" else "form.main-form"
        if not self.person.page.css(selector):
            self.person.open(f"/{self.mode}")
        if not self.person.page.css(selector):
            self.refused[self.person.text("h1")] += 1
            return
        token = self.signer.read(self.person.filled(selector)[1]["token"])
        said = {"stars-0": str(drawn.randint(1, 5))} if self.mode == "rate" else {"choice": drawn.choice("ab")}
        self.person.send(selector, **said)
        status = self.person.text("#status")
        if not status.startswith("Saved") or token is None:
            self.refused[status or self.person.text("h1")] += 1
            return
        act = f"{token.form}-{'stars-overall' if self.mode == 'rate' else 'choice'}"
        self.saved.append(act)
        if drawn.random() < UNDONE_SHARE:
            self.person.send("form[action='/undo']")
            self.saved.append(f"{act}-undo")


@dataclass
class Crowd:
    """Raters and callers, who act until the time is over; `pause_s` is a rater's mean time to think."""

    raters: list[Rater]
    pause_s: float
    until: float = 0.0

    def goes_on(self) -> bool:
        return time.monotonic() < self.until

    def act(self, seconds: float, calls: Calls, chats: int, servers: Sequence[RestartedServer], kills: int) -> None:
        """Act while each server is killed so often, evenly spread."""
        for server in servers:
            server.start()
        began, number = time.monotonic(), kills * len(servers)
        self.until = began + seconds
        with ThreadPoolExecutor(len(self.raters) + chats) as pool:
            people = [pool.submit(self._rate, rater) for rater in self.raters]
            people += [pool.submit(calls.call, caller) for caller in range(chats)]
            for kill in range(number):
                time.sleep(max(0.0, began + (kill + 1) * seconds / (number + 1) - time.monotonic()))
                server = servers[kill % len(servers)]
                server.kill()
                server.start()
            for one in people:
                one.result()
        for server in servers:
            server.end()

    def _rate(self, rater: Rater) -> None:
        drawn = random.Random(rater.name)
        while self.goes_on():
            rater.act(drawn)
            time.sleep(drawn.expovariate(1 / self.pause_s))


def main() -> None:
    """Print what became of acts and answers; the exit code is 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m rl_assets_tests.benchmarks.raters_and_chats", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--raters", type=int, default=20)
    parser.add_argument("--chats", type=int, default=16)
    parser.add_argument("--kills", type=int, default=2, help="of each process")
    parser.add_argument("--pause", type=float, default=3.0, help="mean seconds between acts of a rater")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, model_process() as model:
        home = Home(Path(folder))
        log_items(home, int(SPARE_ITEMS * given.raters * given.minutes * 60 / given.pause) + 2 * given.raters)
        write_routing(home, routing({CHAMPION_ARM: arm(model)}))
        gateways = Gateways(home)
        service = RestartedServer("rl_assets.service", home, environment=SERVICE)
        crowd = Crowd([invite(home, service.url, number) for number in range(given.raters)], given.pause)
        calls = Calls(gateways.url, lambda _: crowd.goes_on(), pause_s=1.0)
        with closing(service), closing(gateways):
            crowd.act(given.minutes * 60, calls, given.chats, [service, gateways], given.kills)
        broken = report(crowd, calls, gateways.counts, home)
    print(f"{given.minutes:g} minutes, {given.kills} kills of each, load {os.getloadavg()[0]:.1f}")
    raise SystemExit(int(broken))


def log_items(home: Home, items: int) -> None:
    """A rated log with as many answers as pairs, `items` together."""
    home.landing.mkdir(parents=True)
    lines = answers(*(f"part-{number}" for number in range(items // 2)))
    for number in range(items // 2):
        lines += rivals(f"How long does parcel {number} take?")
    rated_home(home.folder, *lines)


def invite(home: Home, url: str, number: int) -> Rater:
    """A rater with an invitation."""
    service, name = open_service(Settings(home=home.folder)), f"rater-{number}"
    invitation = service.store.add_invite(name)
    service.store.database.close()
    return Rater(name, MODES[number % 2], invitation, PatientBrowser(url), Signer(service.session_key, name))


def report(crowd: Crowd, calls: Calls, counts: Counts, home: Home) -> bool:
    """Land the rest, print the sums and the times; whether a promise is broken."""
    service = open_service(Settings(home=home.folder))
    land(service.store, home)
    product = Product.at(home.folder)
    for day in sorted({date.fromisoformat(path.name) for path in (home.folder / "landing").glob("*/*")} - {DAY}):
        product.ingest(day)
    files = product.rows(INGESTED_FILES)
    rows = Counter(row["feedback_id"] for row in product.rows(FEEDBACK))
    saved = Counter(act for rater in crowd.raters for act in rater.saved)
    refused = sum((rater.refused for rater in crowd.raters), Counter[str]())
    lines = Counter(line["interaction_id"] for line in landed_lines(home) if line["interaction_id"].startswith("call-"))
    unlogged, missed = set(calls.whole) - set(lines), counts.lost + counts.dropped
    undone = sum(act.endswith("-undo") for act in saved)
    checks = {
        f"{saved.total()} acts saved ({undone} of them undo), {rows.total()} rows, each once": rows == saved,
        f"{sum(row['rejects'] for row in files)} rejects": not any(row["rejects"] for row in files),
        f"nothing refused to raters: {dict(refused) or 'no'}": not refused,
        f"{len(calls.whole)} answers, {len(unlogged)} not logged; {missed} counted as lost": (
            len(unlogged) <= missed and set(lines.values()) == {1}
        ),
        f"{counts.accepted} lines accepted = {lines.total()} landed + {missed}": (
            counts.accepted == lines.total() + missed
        ),
    }
    print("\n".join(f"{'ok    ' if holds else 'BROKEN'} {what}" for what, holds in checks.items()))
    browsers = [rater.browser for rater in crowd.raters]
    for what, waits in (
        ("open a page", [wait for browser in browsers for wait in browser.waits["GET"]]),
        ("send a form, see the next page", [wait for browser in browsers for wait in browser.waits["POST"]]),
        ("answer of a chat", calls.seconds),
    ):
        p50, p99 = np.percentile([wait * 1000 for wait in waits], (50, 99))
        print(f"       {what:31} {len(waits):6} times, p50 {p50:5.0f} ms, p99 {p99:5.0f} ms")
    print(f"       {calls.cut_off} calls cut off or refused while no gateway ran")
    return not all(checks.values())


if __name__ == "__main__":
    main()
