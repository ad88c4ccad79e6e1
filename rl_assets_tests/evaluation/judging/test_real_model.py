"""The judge asks a real model behind a real OpenAI-compatible server: `transformers serve` with the tiny base."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from rl_assets.evaluation.judging.cache import ReplyCache
from rl_assets.evaluation.judging.gateway import Endpoint, Judge
from rl_assets.evaluation.judging.pairwise import Duel
from rl_assets.evaluation.judging.summary import compare_by_judge

pytestmark = pytest.mark.slow
START_S = 120


@pytest.fixture(scope="module")
def address(base) -> Iterator[str]:
    """Where the server listens; it answers with the barely trained base, offline."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = shutil.which("transformers", path=Path(sys.executable).parent)
    assert program is not None
    command = [program, "serve", base.path, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    server = subprocess.Popen(command, env={**os.environ, "HF_HUB_OFFLINE": "1"}, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", server)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str, server: subprocess.Popen) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        assert server.poll() is None, "the server ended before it listened"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(f"no server at {url} after {START_S} s")


def test_a_model_that_cannot_judge_gives_no_verdict_and_is_found_out(address, base, tmp_path):
    endpoint = Endpoint(address, base.path, "none", timeout_s=120, retries=0, concurrency=1)
    judge = Judge(endpoint, ReplyCache(tmp_path), 100, print)
    prompt = ({"role": "user", "content": "Where is the rotor?"},)
    duels = [Duel(prompt, "In aisle 4.", "I do not know.", "a"), Duel(prompt, "Aisle 4.", "Aisle 5.", "b")]
    found = compare_by_judge(judge, "candidate", "base", duels)
    assert (found.pairs, found.invalid, found.wins, found.losses, found.failures) == (2, 2, 0, 0, {})
    assert found.tokens > 0 and found.win_rate is None and not found.usable
    assert found.doubts[0] == "2 of 2 pairs got no valid verdict."
    again = Judge(endpoint, ReplyCache(tmp_path), 0, print)
    assert compare_by_judge(again, "candidate", "base", duels).invalid == 2
    assert again.calls == 0
