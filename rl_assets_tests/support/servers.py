"""Servers that tests start as processes of their own, on a free port of this machine, and leave none of behind."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

START_S = 120


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(command: Sequence[str], url: str, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run the command, from when it answers at the URL, whatever it says there, to the end of the block."""
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(url, server)
        yield
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str, server: subprocess.Popen) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        assert server.poll() is None, f"the server of {url} ended before it listened"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"no server at {url} after {START_S} s")
