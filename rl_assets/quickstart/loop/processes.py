"""The programs that the loop runs beside itself: model server, gateway and feedback service, each on a free port."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2

READY_S = 120.0
STOP_S = 20.0


class ProgramError(RuntimeError):
    """A program of the loop did not start or failed; the message holds the end of what it wrote."""


def free_port() -> int:
    """A port of this machine that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(
    module: str, arguments: Sequence[str], health: str, log: Path, environment: Mapping[str, str]
) -> Iterator[None]:
    """`python -m module` until the block ends; it begins once `health` answers. Raises ProgramError if it never does.

    The program is asked to end, so that what waits in it is landed.
    """
    command = [sys.executable, "-m", module, *arguments]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as output:
        program = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
        try:
            _await_ready(program, module, health, log)
            yield
        finally:
            program.terminate()
            program.wait(STOP_S)


def _await_ready(program: "subprocess.Popen[bytes]", module: str, health: str, log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while not _answers(health):
        if program.poll() is not None or time.monotonic() > deadline:
            state = "did not get ready" if program.poll() is None else f"ended with code {program.returncode}"
            raise ProgramError(f"{module} {state}; the end of {log}:\n{_end_of(log)}")
        time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=5).status_code < httpx2.codes.INTERNAL_SERVER_ERROR
    except httpx2.TransportError:
        return False


def run_dagster(arguments: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
    """`dg` with the arguments, to its end. Raises ProgramError if it fails."""
    dg = Path(sys.executable).with_name("dg")
    with log.open("w", encoding="utf-8") as output:
        settings = {**os.environ, **environment}
        done = subprocess.run([dg, *arguments], check=False, env=settings, stdout=output, stderr=output)
    if done.returncode:
        raise ProgramError(f"dg {' '.join(arguments)} failed; the end of {log}:\n{_end_of(log)}")


def run_module(module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """What `python -m module` prints. Raises ProgramError if it fails."""
    command = [sys.executable, "-m", module, *arguments]
    settings = {**os.environ, **environment}
    done = subprocess.run(command, check=False, env=settings, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise ProgramError(f"{module} {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
