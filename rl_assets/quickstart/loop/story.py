"""The loop, once round: serve the champion, let users ask and raters compare, read what they said, train, decide."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx2
import yaml

from rl_assets.core.home import Home
from rl_assets.models.tiny.parts_manual import SEGMENT
from rl_assets.quickstart.loop.processes import free_port, run_dagster, run_module, running
from rl_assets.quickstart.loop.raters import Compared, let_rater_compare
from rl_assets.quickstart.loop.users import Doors, Traffic, let_users_ask

USERS, RATERS, PAIRS_PER_RATER = 200, 3, 30
CHAMPION_SHARE = 0.7
LANDED_S = 60.0
RAW = "group:raw or key:rated_interactions"
NIGHT = ("group:raw or group:datasets", "group:adapters or group:reports")


@dataclass(frozen=True)
class Step:
    """A step of the story, what came of it, and the seconds that it took."""

    name: str
    result: str
    seconds: float


@dataclass
class Story:
    """What happened: the log days on which lines landed, and what was acknowledged."""

    home: Home
    run: str
    log: Callable[[str], None]
    steps: list[Step] = field(default_factory=list)
    first_day: date = field(default_factory=lambda: datetime.now(UTC).date())
    traffic: Traffic = field(default_factory=Traffic)
    compared: dict[str, Compared] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Logs of the programs, and the serving file."""
        return self.home.folder / "loop"

    @property
    def days(self) -> list[date]:
        """The log days from the first call on: one, unless midnight (UTC) has passed."""
        today = datetime.now(UTC).date()
        return [self.first_day + timedelta(days=number) for number in range((today - self.first_day).days + 1)]

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Time a step; what the block appends to the list is its result."""
        self.log(f"{name} ...")
        started, result = time.monotonic(), list[str]()
        yield result
        self.steps.append(Step(name, "; ".join(result), time.monotonic() - started))


def go_round(story: Story, users: int = USERS) -> dict[str, str]:
    """Everything, in order; returns the settings that the programs ran with. Raises ProgramError if a part fails."""
    server, gateway, service = (f"http://127.0.0.1:{free_port()}" for _ in range(3))
    environment = _settings(story, server, gateway, service)
    with ExitStack() as stack:
        with story.step("serve the champion"):
            _start(stack, story, "rl_assets.serving.server", server, environment, ["--port", _port(server)])
            run_dagster(["launch", "--assets", "key:served_champion"], story.folder / "serve.log", environment)
            _start(stack, story, "rl_assets.service", service, environment, ["serve", "--port", _port(service)])
        with ExitStack() as answering:
            landing = ["--port", _port(gateway), "--land-seconds", "5"]
            _start(answering, story, "rl_assets.serving.gateway", gateway, environment, landing)
            with story.step(f"{users} users ask, and say what they think") as result:
                key = _new_key(story, environment)
                story.traffic = let_users_ask(Doors(gateway, service, key), users, story.run, story.log)
                result.append(f"{len(story.traffic.answers)} answers, {story.traffic.right} of them right")
            with story.step("land what the gateway logged"):
                _await_landed(gateway)
        with story.step("read the logs"):
            _launch(story, RAW, "read.log", environment)
        with story.step("raters compare at the pages") as result:
            for number in range(RATERS):
                name = f"{story.run}-rater-{number}"
                story.compared[name] = let_rater_compare(_invite(name, service, environment), PAIRS_PER_RATER)
            result.append(f"{sum(done.decided for done in story.compared.values())} pairs decided")
    with story.step("the night: datasets"):
        _launch(story, NIGHT[0], "datasets.log", environment)
    with story.step("the night: adapters, report, decision"):
        run_dagster(
            ["launch", "--assets", NIGHT[1], "--partition", str(story.days[-1])],
            story.folder / "night.log",
            environment,
        )
    return environment


def _settings(story: Story, server: str, gateway: str, service: str) -> dict[str, str]:
    """The programs' settings. The window is so short that the night learns from the users of the loop alone."""
    story.folder.mkdir(parents=True, exist_ok=True)
    shares = {"*": {"champion": CHAMPION_SHARE, "base": round(1 - CHAMPION_SHARE, 9)}}
    serving = {
        "endpoints": {"local": {"driver": "embedded", "urls": [server]}},
        "segments": {"product": {"endpoint": "local", "shares": shares}},
    }
    file = story.folder / "serving.yaml"
    file.write_text(yaml.safe_dump(serving), encoding="utf-8")
    return {
        "RL_ASSETS_HOME": str(story.home.folder),
        "RL_ASSETS_SERVING": str(file),
        "RL_ASSETS_GATEWAY_URL": gateway,
        "RL_ASSETS_WINDOW_DAYS": "1",
        "RL_ASSETS_SERVICE_LAND_SECONDS": "30",
    }


def _start(
    stack: ExitStack, story: Story, module: str, url: str, environment: dict[str, str], arguments: list[str]
) -> None:
    log = story.folder / f"{module.rsplit('.', 1)[-1]}.log"
    stack.enter_context(running(module, arguments, f"{url}/health", log, environment))


def _port(url: str) -> str:
    return str(httpx2.URL(url).port)


def _new_key(story: Story, environment: dict[str, str]) -> str:
    """A key for the users' program; the service shows it once."""
    return run_module("rl_assets.service", ["keys", "add", story.run, "--scope", "log"], environment)


def _invite(name: str, service: str, environment: dict[str, str]) -> str:
    """A rater's link."""
    return run_module("rl_assets.service", ["invites", "add", name, "--brand", SEGMENT, "--url", service], environment)


def _await_landed(gateway: str) -> None:
    """Wait until every line of the gateway lies in the landing folder."""
    deadline = time.monotonic() + LANDED_S
    while time.monotonic() < deadline:
        if _metric(gateway, "lines_landed_total") == _metric(gateway, "lines_accepted_total"):
            return
        time.sleep(0.5)
    raise TimeoutError(f"lines of the gateway have not landed within {LANDED_S:.0f} s: see {gateway}/health")


def _metric(gateway: str, name: str) -> float:
    lines = httpx2.get(f"{gateway}/metrics", timeout=10).raise_for_status().text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.split("{")[0].split(" ")[0].endswith(name))


def _launch(story: Story, assets: str, log: str, environment: dict[str, str]) -> None:
    """Materialize assets for the log days of the story."""
    days = f"{story.days[0]}...{story.days[-1]}"
    run_dagster(["launch", "--assets", assets, "--partition-range", days], story.folder / log, environment)
