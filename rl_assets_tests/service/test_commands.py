"""The service from the command line: where it listens, its keys and its invitations."""

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from rl_assets.service.serve import ServeError, network_warning, serve
from rl_assets.settings import Settings
from rl_assets_tests.support.servers import free_port, serving
from rl_assets_tests.support.service_clients import service_at

COMMAND = [sys.executable, "-m", "rl_assets.service"]


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RL_ASSETS_HOME": str(home)}
    return subprocess.run([*COMMAND, *arguments], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.server
def test_keys_and_invitations_are_printed_once_and_open_the_served_service(tmp_path: Path):
    key = run(tmp_path, "keys", "add", "reader", "--scope", "read").stdout.strip()
    link = run(tmp_path, "invites", "add", "mary", "--url", "https://rate.example/").stdout.strip()
    assert link.startswith("https://rate.example/join/") and key.startswith("rla_")
    (kept,) = service_at(tmp_path).store.all_keys()
    assert (kept.name, kept.scopes) == ("reader", {"read"})
    unknown = run(tmp_path, "keys", "revoke", "writer")
    assert (unknown.returncode, unknown.stderr) == (1, "there is no key writer: `keys list` names them\n")
    port = free_port()
    command = [*COMMAND, "--port", str(port)]
    environment = {**os.environ, "RL_ASSETS_HOME": str(tmp_path)}
    with serving(command, f"http://127.0.0.1:{port}/health", environment):
        asking = urllib.request.Request(f"http://127.0.0.1:{port}/rl/stats", headers={"Authorization": "Bearer x"})
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(asking, timeout=60)
        token = link.rpartition("/")[2]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/join/{token}", timeout=60) as page:
            assert page.status == 200


def test_without_a_key_it_refuses_to_listen_to_other_machines(tmp_path: Path):
    settings = Settings(home=tmp_path)
    with pytest.raises(ServeError, match=r"127\.0\.0\.1 only, not on 0\.0\.0\.0: make one with"):
        serve(settings, "0.0.0.0")
    store = service_at(tmp_path).store
    store.add_key("log", ["log"])
    store.revoke_key("log")
    with pytest.raises(ServeError, match="without any key"):
        serve(settings, "0.0.0.0")


def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=f"cannot listen on 127.0.0.1:{port}: .*choose another"):
            serve(Settings(home=tmp_path), port=port)


def test_a_local_disk_is_no_network_file_system(tmp_path: Path):
    assert network_warning(service_at(tmp_path).store.database, tmp_path / "service" / "service.db") is None
