"""A real OpenAI-compatible server on this machine, whose judge is a Python function that may behave badly."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SHOWN = re.compile(
    r"<<< (?P<mark>DATA-\w+) (?P<name>answer ?\d*) begins\n(?P<text>.*?)\n>>> (?P=mark) (?P=name) ends", re.S
)

SECRET = "sk-do-not-write-me-anywhere"


@dataclass
class Asked:
    """A request as the server saw it; `answers` are what stands between the marks, in the order shown."""

    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def system(self) -> str:
        return self.body["messages"][0]["content"]

    @property
    def user(self) -> str:
        return self.body["messages"][1]["content"]

    @property
    def answers(self) -> list[str]:
        return [found["text"] for found in SHOWN.finditer(self.user)]


@dataclass
class Say:
    """What to answer: a text as the model's, or a status with a body."""

    text: str = ""
    status: int = 200
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)


Behaviour = Callable[[Asked], Say]


class Server(ThreadingHTTPServer):
    """Keeps every request; `behaviour` decides each reply."""

    daemon_threads = True

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour, self.asked = behaviour, list[Asked]()
        self.now, self.most_at_once, self.lock = 0, 0, threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = Asked(body, {name.title(): value for name, value in self.headers.items()})
        with self.server.lock:
            self.server.asked.append(asked)
            self.server.now += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.now)
        say = self.server.behaviour(asked)
        with self.server.lock:
            self.server.now -= 1
        self.reply(say)

    def reply(self, say: Say) -> None:
        message = {"index": 0, "message": {"role": "assistant", "content": say.text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}
        whole = {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": "m",
            "choices": [message],
            "usage": usage,
        }
        content = json.dumps(whole if say.body is None else say.body).encode()
        try:
            self.send_response(say.status)
            for name, value in {"Content-Type": "application/json", **say.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            pass  # The caller did not wait that long, which is what some tests are about.

    def log_message(self, format: str, *args: Any) -> None:
        """Silence: pytest shows what matters."""


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[Server]:
    server = Server(behaviour)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def verdict(choice: str) -> Say:
    return Say(json.dumps({"rationale": "Because.", "verdict": choice}))


# A right answer to a question of a test, or of the judge's own test questions.
GOOD = re.compile(r"good|seven|Bonjour|144|100 degrees|Blot it", re.I)


def honest(asked: Asked) -> Say:
    """Prefers the answer that is right, wherever it stands and whatever it says."""
    first, second = (bool(GOOD.search(text)) for text in asked.answers)
    return verdict("tie" if first == second else "1" if first else "2")


def always_first(asked: Asked) -> Say:
    return verdict("1")


def chatty(asked: Asked) -> Say:
    return Say(f"Sure! Here is my verdict:\n```json\n{honest(asked).text}\n```\nHope this helps.")


def gullible(asked: Asked) -> Say:
    """Gives an answer what it asks for, else judges honestly."""
    begs = [bool(re.search(r"verdict|1\.0", text)) for text in asked.answers]
    return verdict("1" if begs[0] else "2") if any(begs) else honest(asked)


def error(status: int, **headers: str) -> Say:
    return Say(status=status, body={"error": {"message": "no"}}, headers={"retry-after-ms": "1", **headers})


def group_scores(asked: Asked, score: Callable[[int, str], float]) -> Say:
    """A reply that scores each of a group's answers by its position, from 1, and its text."""
    scores = [{"id": str(n), "score": score(n, text)} for n, text in enumerate(asked.answers, 1)]
    return Say(json.dumps({"rationale": "Because.", "scores": scores}))
