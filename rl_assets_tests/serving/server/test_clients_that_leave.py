"""Who leaves frees the batch: the answer is dropped before the next token, whether it was streamed or not."""

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from rl_assets_tests.serving.server.conftest import SFT
from rl_assets_tests.support.embedded_server import QUESTION, EmbeddedServer, wait_until


def begin(server: EmbeddedServer, **fields: Any) -> socket.socket:
    """A request for a long answer, of which nothing is read yet."""
    body = json.dumps({"model": SFT, "messages": QUESTION, "temperature": 0, "max_tokens": 1500} | fields).encode()
    address = urlsplit(server.url)
    client = socket.create_connection((address.hostname, address.port))
    head = ("POST /v1/chat/completions HTTP/1.1", "host: a", "content-type: application/json")
    client.sendall("\r\n".join((*head, f"content-length: {len(body)}", "", "")).encode() + body)
    return client


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_while_it_is_answered_frees_the_batch_within_a_step(server: EmbeddedServer, stream: bool):
    server.gate.held = True
    client = begin(server, stream=stream)
    server.gate.release(4)
    wait_until(lambda: len(server.gate.slots) == 4 and server.worker.running == 1)
    (answer,) = server.worker._running_answers()
    if stream:
        assert b"chat.completion.chunk" in client.recv(4096)
    client.close()
    wait_until(lambda: answer.abandoned)
    passed = len(server.gate.slots)
    server.gate.open()
    wait_until(lambda: server.worker.running == 0)
    assert len(server.gate.slots) <= passed + 1
    assert len(answer.ids) < 10


def test_a_client_that_leaves_before_its_turn_costs_nothing(server: EmbeddedServer):
    server.gate.held = True
    first = begin(server, max_tokens=3)
    server.gate.wait_for_pass()
    second = begin(server, stream=True)
    wait_until(lambda: server.worker.waiting == 1)
    answer = server.worker._waiting[0]
    second.close()
    wait_until(lambda: answer.abandoned)
    server.gate.open()
    wait_until(lambda: server.worker.running == server.worker.waiting == 0)
    assert answer.ids == []
    assert b"200 OK" in first.recv(4096)
    first.close()


def test_others_are_answered_on(server: EmbeddedServer):
    alone = server.tokens("base")
    client = begin(server)
    assert server.tokens("base") == alone
    client.close()
    wait_until(lambda: server.worker.running == 0)
