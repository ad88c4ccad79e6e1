"""`python -m rl_assets.serving`: one command from a home with a champion to answers that land."""

import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import httpx2
import pytest

from rl_assets.core.files import write_json
from rl_assets.core.home import Home
from rl_assets.evaluation.promotion.champion import Champion
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.serving.__main__ import ServingError, check_home
from rl_assets.serving.names import content_name
from rl_assets.tables.records import FEEDBACK, INTERACTIONS
from rl_assets_tests.support.evaluation_folders import dataset
from rl_assets_tests.support.evaluation_samples import DAY
from rl_assets_tests.support.gateways import QUESTION
from rl_assets_tests.support.logs import Product
from rl_assets_tests.support.served_homes import decision
from rl_assets_tests.support.servers import free_port


def row(number: int) -> dict:
    """A held-out conversation."""
    question = {"role": "user", "content": f"Which colour has the rotor in drawer {number}?"}
    metadata = {"prompt_key": f"k{number}", "cluster_key": f"k{number}", "reward": 1.0}
    return {"messages": [question, {"role": "assistant", "content": f"red {number}"}], "metadata": metadata}


@pytest.fixture
def champion_home(tmp_path: Path, models: Path, candidate: Adapter) -> Home:
    """A home whose champion is the candidate."""
    home = Home(tmp_path / "home")
    shutil.copytree(models / "adapters", home.adapters())
    (home.folder / "landing").mkdir()
    dataset(home.datasets("sft_dataset", DAY), test=[row(number) for number in range(24)])
    champion = Champion(
        adapter=f"adapters/{candidate.kind}/{candidate.inputs_hash}",
        hash=candidate.sha256,
        day=date.fromisoformat(DAY),
        decision=decision(candidate, "PROMOTE"),
    )
    write_json(home.champion(), champion.model_dump(mode="json"))
    return home


@pytest.mark.server
@pytest.mark.slow
def test_one_command_serves_the_champion_and_lands_what_it_answered(
    champion_home: Home, base: BaseModel, candidate: Adapter, tmp_path: Path
):
    gateway, server = free_port(), free_port()
    file = tmp_path / "serving.yaml"
    file.write_text(f"endpoints:\n  local: {{urls: ['http://127.0.0.1:{server}']}}\n", encoding="utf-8")
    environment = {
        **os.environ,
        "RL_ASSETS_HOME": str(champion_home.folder),
        "RL_ASSETS_BASE_MODEL": str(base.path),
        "RL_ASSETS_SERVING": str(file),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "rl_assets.serving", "--port", str(gateway), "--land-seconds", "3600"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert any("to see them" in line for line in process.stdout), "it ended before it was ready"
        body = {"model": "auto", "messages": QUESTION, "max_tokens": 8}
        answer = httpx2.post(f"http://127.0.0.1:{gateway}/v1/chat/completions", json=body, timeout=60)
        assert answer.headers["x-adapter"] == content_name(candidate, None)
        assert answer.json()["choices"][0]["message"]["role"] == "assistant"
        thumb = {"interaction_id": answer.headers["x-interaction-id"], "thumbs": "up"}
        assert httpx2.post(f"http://127.0.0.1:{gateway}/v1/feedback", json=thumb).status_code == 202
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
    assert process.returncode == 0
    for port in (gateway, server):
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"http://127.0.0.1:{port}/health")
    product, today = Product.at(champion_home.folder), datetime.now(UTC).date()
    assert product.ingest(today).rejects == {}
    [interaction] = product.rows(INTERACTIONS)
    [feedback] = product.rows(FEEDBACK)
    assert interaction["adapter"] == content_name(candidate, None) and interaction["propensity"] == 1.0
    assert feedback["interaction_id"] == interaction["interaction_id"] and feedback["value"] == 1.0


def test_a_home_without_a_champion_says_what_to_run(home: Path):
    with pytest.raises(ServingError, match="make demo"):
        check_home(Home(home))
    with pytest.raises(ServingError, match="make demo"):
        check_home(Home(home / "elsewhere"))


def test_a_home_that_cannot_be_written_is_named(home: Path):
    (home / "champions").mkdir()
    (home / "champions" / "a-segment.json").touch()
    (home / "serving").write_text("no folder", encoding="utf-8")
    with pytest.raises(ServingError) as refused:
        check_home(Home(home))
    assert str(home / "serving") in str(refused.value) and "RL_ASSETS_HOME" in str(refused.value)
