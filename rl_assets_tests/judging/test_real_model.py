"""The judge asks a real model behind a real OpenAI-compatible server: `transformers serve` with the tiny base."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rl_assets.judging.pairwise import AnswerPair
from rl_assets.judging.summary import compare_by_judge
from rl_assets.llm.cache import ReplyCache
from rl_assets.llm.client import Endpoint, Judge
from rl_assets_tests.support.servers import free_port, serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(base) -> Iterator[str]:
    """Where the server listens; it answers with the barely trained base, offline."""
    port = free_port()
    program = shutil.which("transformers", path=Path(sys.executable).parent)
    assert program is not None
    command = [program, "serve", base.path, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    with serving(command, f"http://127.0.0.1:{port}/health", {**os.environ, "HF_HUB_OFFLINE": "1"}):
        yield f"http://127.0.0.1:{port}/v1"


def test_a_model_that_cannot_judge_gives_no_verdict_and_is_found_out(address, base, tmp_path):
    endpoint = Endpoint(address, base.path, "none", timeout_s=120, retries=0, concurrency=1)
    judge = Judge(endpoint, ReplyCache(tmp_path), 100, print)
    prompt = ({"role": "user", "content": "Where is the rotor?"},)
    pairs = [AnswerPair(prompt, "In aisle 4.", "I do not know.", "a"), AnswerPair(prompt, "Aisle 4.", "Aisle 5.", "b")]
    found = compare_by_judge(judge, "candidate", "base", pairs)
    assert (found.pairs, found.invalid, found.wins, found.losses, found.failures) == (2, 2, 0, 0, {})
    assert found.tokens > 0 and found.win_rate is None and not found.reliable
    assert found.problems[0] == "2 of 2 pairs got no valid verdict."
    again = Judge(endpoint, ReplyCache(tmp_path), 0, print)
    assert compare_by_judge(again, "candidate", "base", pairs).invalid == 2
    assert again.calls == 0
