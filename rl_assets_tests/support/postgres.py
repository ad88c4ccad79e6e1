"""A real PostgreSQL server in a folder of its own, on a free port of this machine, that tests may stop and start.

Use the fixture with `from rl_assets_tests.support.postgres import postgres_server  # noqa: F401`. It needs the binaries
(`apt-get install postgresql`) and skips, with the reason, where there are none.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rl_assets_tests.support.servers import free_port

USER = "postgres"
DEBIAN = Path("/usr/lib/postgresql")
MISSING = "no PostgreSQL server programs here: apt-get install postgresql"


@dataclass(frozen=True)
class PostgresServer:
    """A cluster in `folder` whose server listens on `port` of 127.0.0.1 and trusts who connects."""

    binaries: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Of the database `postgres`."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    @property
    def variables(self) -> dict[str, str]:
        """libpq's, which `dagster-postgres.yaml` names."""
        where = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": USER, "PGPASSWORD": "none"}
        return {**where, "PGDATABASE": "postgres"}

    def create(self) -> None:
        """Make the cluster and start its server."""
        self._run("initdb", "--auth", "trust", "--username", USER, "--encoding", "UTF8", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        options = f"-c port={self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        log = str(self.folder / "server.log")
        self._run("pg_ctl", "start", "--wait", "--log", log, "--options", options)

    def stop(self) -> None:
        """Stop the server at once, as a power cut would: connections break and nothing is written any more."""
        self._run("pg_ctl", "stop", "--wait", "--mode", "immediate")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), "--pgdata", str(self.folder / "data"), *arguments]
        # The server refuses to run as root.
        user = USER if os.geteuid() == 0 else None
        done = subprocess.run(
            command, user=user, group=user, cwd=self.folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{program} ended with {done.returncode}: {done.stderr or done.stdout}")


def postgres_binaries() -> Path | None:
    """The folder of the server's programs: the newest of Debian's, or where `initdb` is found."""
    found = [path.parent for path in DEBIAN.glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: float(path.parent.name))
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """A running server with an empty database; RuntimeError where there are no binaries."""
    binaries = postgres_binaries()
    if binaries is None:
        raise RuntimeError(MISSING)
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, USER, USER)
        server = PostgresServer(binaries, folder, free_port())
        server.create()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[PostgresServer]:
    """A running server for the tests of a module."""
    if postgres_binaries() is None:
        pytest.skip(MISSING)
    with running_server() as server:
        yield server
