"""A gateway whose process is killed and started again, its own counts of lines, and callers who go on meanwhile."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import httpx2

from rl_assets.core.home import Home
from rl_assets.serving.spool_counts import SUFFIX, SpoolCounts
from rl_assets_tests.support.gateways import QUESTION, wait_for
from rl_assets_tests.support.servers import free_port, serving

LAND_SECONDS = 2.0
RETRY_S, START_S = 0.1, 120
# Who leaves asks for a long answer, so that it is not complete when they do.
WORDS, LEFT_WORDS = 2, 50


@dataclass
class Counts:
    """Lines by the gateways' own counts, over all that ran."""

    accepted: int = 0
    dropped: int = 0
    lost: int = 0
    torn: int = 0


@dataclass
class RestartedServer:
    """A module of this project that serves a home at one port, as a process that is started again and again. `close`
    kills the one that runs."""

    module: str
    home: Home
    options: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start one, and wait until it listens."""
        environment = {**os.environ, "RL_ASSETS_HOME": str(self.home.folder), **self.environment}
        command = [sys.executable, "-m", self.module, "--port", str(self.port), *self.options]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        wait_for(lambda: is_up(self.url), START_S)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def end(self) -> None:
        """Let it end by itself."""
        self._signal(signal.SIGTERM)

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            self.kill()

    def _signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait()


class Gateways(RestartedServer):
    """The gateway of a home, whose counts of lines are kept over all that ran."""

    def __init__(self, home: Home) -> None:
        super().__init__("rl_assets.serving.gateway", home, ["--land-seconds", str(LAND_SECONDS)])
        self.counts = Counts()

    def kill(self) -> None:
        """Kill it, and read the counts that it leaves behind."""
        self._note_losses()
        super().kill()
        [file] = (path for path in (self.home.serving / "spool").glob(f"*{SUFFIX}") if path.name[0] != ".")
        counts = SpoolCounts.read(file)
        self.counts.accepted += counts.accepted
        self.counts.dropped += counts.dropped

    def end(self) -> None:
        """Let it end by itself, after its last line."""
        wait_for(lambda: self._metric("lines_waiting") == 0)
        self.counts.accepted += self._metric("lines_accepted_total")
        self.counts.dropped += self._metric("lines_dropped_total")
        self._note_losses()
        super().end()

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            super().kill()

    def _note_losses(self) -> None:
        """Note what it found, when it started, that its predecessor had lost."""
        self.counts.lost += self._metric("lines_lost_total")
        self.counts.torn += self._metric("lines_torn_total")

    def _metric(self, name: str) -> int:
        text = httpx2.get(f"{self.url}/metrics").text
        prefix = f"rl_assets_gateway_{name} "
        return int(next(line.removeprefix(prefix) for line in text.splitlines() if line.startswith(prefix)))


def is_up(url: str) -> bool:
    """Whether a server listens, whatever it says of its health."""
    try:
        httpx2.get(f"{url}/health")
    except httpx2.HTTPError:
        return False
    return True


@dataclass
class Calls:
    """Callers that go on while `more` says so, and what they saw, by the ids that they gave: whole answers, answers
    that they left, and how many calls were cut off. `seconds` are those of the whole answers."""

    url: str
    more: Callable[["Calls"], bool]
    leaving_share: float = 0.0
    pause_s: float = 0.0
    whole: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    cut_off: int = 0
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def done(self) -> int:
        return len(self.whole) + len(self.left)

    def call(self, caller: int) -> None:
        """Ask for one streamed answer after the other."""
        drawn = random.Random(caller)
        with httpx2.Client(timeout=60) as client:
            while self.more(self):
                try:
                    self._ask(client, f"call-{next(self.numbers)}", drawn.random() < self.leaving_share)
                except httpx2.HTTPError:
                    # The gateway was killed: what callers do then is to try again.
                    self.cut_off += 1
                    time.sleep(RETRY_S)
                time.sleep(drawn.expovariate(1 / self.pause_s) if self.pause_s else 0)

    def _ask(self, client: httpx2.Client, name: str, leaves: bool) -> None:
        body = {"model": "auto", "messages": QUESTION, "stream": True, "words": LEFT_WORDS if leaves else WORDS}
        headers, began = {"x-interaction-id": name}, time.perf_counter()
        with client.stream("POST", f"{self.url}/v1/chat/completions", json=body, headers=headers) as answer:
            answer.raise_for_status()
            pieces = answer.iter_bytes()
            if leaves:
                next(pieces)
                self.left.append(name)
            elif b"".join(pieces).endswith(b"[DONE]\n\n"):
                self.whole.append(name)
                self.seconds.append(time.perf_counter() - began)
            else:
                self.cut_off += 1


@contextmanager
def model_process() -> Iterator[str]:
    """The address of a model server of tests in a process of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with serving([sys.executable, "-m", "rl_assets_tests.support.model_server", str(port)], url):
        yield url
