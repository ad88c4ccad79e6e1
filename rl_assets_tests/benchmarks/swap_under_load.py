"""Streamed requests through the gateway and the embedded server while the champion is swapped by real rollouts.

`python -m rl_assets_tests.benchmarks.swap_under_load [--requests 500] [--at-once 8] [--swaps 5]`. Both are processes of
their own. Promised: no error; the tokens of each answer are those of the adapter that its header names, by their
log-probabilities; whoever asks a second after a commit or later is answered by the new champion; each call lands once.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from rl_assets.core.home import Home
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel, ensure_base_model
from rl_assets.models.encoding import prompt_ids
from rl_assets.serving.names import content_name
from rl_assets.serving.offline import OfflineModels
from rl_assets.serving.parity import MAX_DISTANCE_EMBEDDED, distance
from rl_assets_tests.support.evaluation_samples import BARELY_TRAINED, random_adapter
from rl_assets_tests.support.gateways import landed_lines
from rl_assets_tests.support.served_homes import conversation
from rl_assets_tests.support.served_rollouts import held_out, name_champion, roll_out
from rl_assets_tests.support.servers import free_port, serving

MAX_TOKENS = 24
NOTICED_WITHIN_S = 1.0


@dataclass(frozen=True)
class Answer:
    """A streamed answer: its time in s (of the epoch, then durations), and its tokens with their log-probabilities."""

    asked_at: float
    first_s: float
    last_s: float
    name: str
    adapter: str
    prompt: list[dict[str, str]]
    tokens: list[int]
    scores: list[float]


@dataclass
class Load:
    """Callers that ask one after the other until there are enough answers and `over` is set."""

    gateway: str
    requests: int
    answers: list[Answer] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    numbers: Iterator[int] = field(default_factory=count)

    def call(self, _caller: int) -> None:
        with httpx2.Client(timeout=60) as client:
            while not self.over.is_set() or len(self.answers) + len(self.errors) < self.requests:
                try:
                    self.answers.append(self._ask(client, next(self.numbers)))
                except (httpx2.HTTPError, ValueError, LookupError) as error:
                    self.errors.append(f"{type(error).__name__}: {error}")

    def _ask(self, client: httpx2.Client, number: int) -> Answer:
        prompt = conversation(number)["messages"][:-1]
        body = {"model": "auto", "messages": prompt, "max_tokens": MAX_TOKENS, "stream": True, "logprobs": True}
        asked_at, first, tokens, scores, is_done = time.time(), 0.0, list[int](), list[float](), False
        url = f"{self.gateway}/v1/chat/completions"
        with client.stream("POST", url, json=body | {"return_token_ids": True}) as answer:
            answer.raise_for_status()
            for line in answer.iter_lines():
                first = first or time.time() - asked_at
                is_done = is_done or line == "data: [DONE]"
                for choice in [] if is_done or not line else json.loads(line.removeprefix("data: "))["choices"]:
                    tokens += choice.get("token_ids", [])
                    scores += [each["logprob"] for each in (choice["logprobs"] or {}).get("content", [])]
            if not is_done or len(tokens) != len(scores):
                raise ValueError(f"the stream ends after {len(tokens)} tokens with {len(scores)} log-probabilities")
        names = (answer.headers["x-interaction-id"], answer.headers["x-adapter"])
        return Answer(asked_at, first, time.time() - asked_at, *names, prompt, tokens, scores)

    def wait_for(self, requests: int) -> None:
        while len(self.answers) + len(self.errors) < requests:
            time.sleep(0.02)


@contextmanager
def servers(home: Home, base: BaseModel) -> Iterator[tuple[str, str]]:
    """The addresses of the embedded server and of the gateway."""
    server, gateway = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    environment = {**os.environ, "RL_ASSETS_HOME": str(home.folder), "RL_ASSETS_BASE_MODEL": base.path}
    commands = {server: ("rl_assets.serving.server", "--dtype", "float32"), gateway: ("rl_assets.serving.gateway",)}
    with ExitStack() as stack:
        for url, (module, *options) in commands.items():
            command = [sys.executable, "-m", module, "--port", url.rsplit(":", 1)[1], *options]
            stack.enter_context(serving(command, f"{url}/health", environment))
        yield server, gateway


@dataclass
class Champions:
    """The adapters, which become the champion one after the other by rollouts; `commits` are the times in s."""

    home: Home
    base: BaseModel
    adapters: Sequence[Adapter]
    commits: list[float] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [content_name(adapter, None) for adapter in self.adapters]

    def serve(self, number: int, server: str, gateway: str) -> None:
        """Promote and serve one of them, after the one before it."""
        name_champion(self.home, self.adapters[number], self.adapters[number - 1] if number else None)
        outcome = roll_out(self.home, self.base, server, gateway, self._note_commit)
        if not any("through the gateway" in name for name in outcome.figures):
            raise SystemExit("the rollout did not ask the gateway")

    def _note_commit(self, sentence: str) -> None:
        if sentence.startswith("routing.json is version"):
            self.commits.append(time.time())

    def swap_under(self, load: Load, server: str) -> None:
        """Serve all but the first, evenly spread over the requests."""
        for number in range(1, len(self.adapters)):
            load.wait_for(number * load.requests // len(self.adapters))
            self.serve(number, server, load.gateway)
        time.sleep(2 * NOTICED_WITHIN_S)


def of_another(answers: Sequence[Answer], commits: Sequence[float], names: Sequence[str]) -> list[str]:
    """Answers that a champion gave before its time, or after its successor's by more than a second."""
    wrong = []
    for answer in answers:
        newest = sum(commit <= answer.asked_at for commit in commits) - 1
        newest_surely = sum(commit + NOTICED_WITHIN_S <= answer.asked_at for commit in commits) - 1
        newest_at_end = sum(commit <= answer.asked_at + answer.first_s for commit in commits) - 1
        if answer.adapter not in names[newest_surely : newest_at_end + 1]:
            wrong.append(f"{answer.adapter}, {answer.asked_at - commits[newest]:.2f} s after {names[newest]}")
    return wrong


def distances(answers: Sequence[Answer], champions: Sequence[Adapter], base: BaseModel) -> list[tuple[float, float]]:
    """Of each answer, the distance of its log-probabilities from its own adapter's and from the nearest other one's."""
    offline, found = OfflineModels(base, lambda _: None), list[dict[str, float]]()
    rows = [(prompt_ids(offline.tokenizer(champions[0]), answer.prompt), answer.tokens) for answer in answers]
    values = {content_name(one, None): offline.token_values(one, 1.0, rows) for one in champions}
    for row, answer in enumerate(answers):
        found.append({name: distance([answer.scores], [scores[row]]) for name, scores in values.items()})
    own = [by_name.pop(answer.adapter) for by_name, answer in zip(found, answers, strict=True)]
    return [(mine, min(others.values())) for mine, others in zip(own, found, strict=True)]


def main() -> None:
    """Print what was measured; the exit code is 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m rl_assets_tests.benchmarks.swap_under_load", description=__doc__)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--swaps", type=int, default=5, choices=range(1, 7))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        champions = make_champions(Home(Path(folder)), given.swaps + 1)
        with servers(champions.home, champions.base) as (server, gateway):
            champions.serve(0, server, gateway)
            load = Load(gateway, given.requests)
            with ThreadPoolExecutor(given.at_once) as pool:
                callers = [pool.submit(load.call, caller) for caller in range(given.at_once)]
                try:
                    champions.swap_under(load, server)
                finally:
                    load.over.set()
                for caller in callers:
                    caller.result()
        raise SystemExit(report(load, champions, landed_lines(champions.home)))


def make_champions(home: Home, number: int) -> Champions:
    """A home with a tiny base and so many adapters of it."""
    base = ensure_base_model("tiny", home.models, lambda _: None, BARELY_TRAINED)
    folder = home.adapters() / "dpo"
    adapters = [random_adapter(base, folder / f"{seed:04}", "dpo", seed) for seed in range(number)]
    home.folder.joinpath("landing").mkdir()
    held_out(home, 6)
    return Champions(home, base, adapters)


def report(load: Load, champions: Champions, landed: list[dict[str, Any]]) -> int:
    """Print the table; 1 if a promise is broken."""
    answers, swaps = load.answers, len(champions.adapters) - 1
    if not answers:
        raise SystemExit(f"no call was answered: {load.errors[:3]}")
    wrong = of_another(answers, champions.commits, champions.names)
    found = distances(answers, champions.adapters, champions.base)
    mixed = sum(own > MAX_DISTANCE_EMBEDDED or own >= other for own, other in found)
    lines = Counter((line["interaction_id"], line["adapter"]) for line in landed)
    missing = lines != Counter((answer.name, answer.adapter) for answer in answers)
    print(f"{len(answers)} answers, {len(load.errors)} errors {load.errors[:3]}, {swaps} swaps")
    print(f"answers by adapter: {list(Counter(answer.adapter for answer in answers).values())}")
    print(f"last request that the champion before answered, s after each commit: {', '.join(late(answers, champions))}")
    print(f"answers of another champion than the one in force: {len(wrong)} {wrong[:3]}")
    own, other = max(own for own, _ in found), min(other for _, other in found)
    print(f"nats per token: own adapter at most {own:.6f}, nearest other at least {other:.4f}")
    print(f"answers whose tokens are not those of one adapter: {mixed}")
    for what, field_name in (("first byte", "first_s"), ("last byte", "last_s")):
        p50, p99 = np.percentile([getattr(answer, field_name) * 1000 for answer in answers], (50, 99))
        print(f"{what}: p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    print(f"lines landed: {lines.total()}, {'NOT those of the answers' if missing else 'each answer once'}")
    return int(bool(load.errors or wrong or mixed or missing or len(champions.commits) != swaps + 1))


def late(answers: Sequence[Answer], champions: Champions) -> Iterator[str]:
    """How long after each commit a request began that the champion before answered."""
    for before, commit in zip(champions.names, champions.commits[1:], strict=False):
        yield f"{max([0.0, *(answer.asked_at - commit for answer in answers if answer.adapter == before)]):.2f}"


if __name__ == "__main__":
    main()
