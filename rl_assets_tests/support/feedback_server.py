"""A feedback service that listens on a port of this machine, in a thread of the test."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from rl_assets.service.app import app_of
from rl_assets.service.state import Service
from rl_assets_tests.support.servers import free_port

START_S = 60


@contextmanager
def listening(service: Service) -> Iterator[str]:
    """The address of the service, from when it answers to the end of the block."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app_of(service), port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + START_S
    while not server.started:
        assert thread.is_alive() and time.monotonic() < until, "the service did not start"
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
