"""Serving: the port, the worker processes, and what is refused before anything listens."""

import ipaddress
import socket
import sys
from pathlib import Path

import psutil
import uvicorn
from uvicorn.supervisors import Multiprocess

from rl_assets.service.database import Database, sqlite_file
from rl_assets.service.state import open_service
from rl_assets.settings import Settings

HOST, PORT = "127.0.0.1", 8802
APP = "rl_assets.service.app:app_from_environment"
BACKLOG = 512
# The write-ahead log of SQLite needs memory that processes share, which these do not give.
NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "lustre", "glusterfs", "fuse.sshfs", "fuse.gcsfuse")


class ServeError(RuntimeError):
    """The service cannot listen as it was told to; the message says why and what to do."""


def serve(settings: Settings, host: str = HOST, port: int = PORT, workers: int = 1) -> None:
    """Serve until the process is ended. Raises ServeError or StoreError before anything listens."""
    if workers < 1:
        raise ServeError(f"--workers is {workers}: use 1 or more")
    service = open_service(settings)
    if not _is_loopback(host) and not any(not key.revoked for key in service.store.all_keys()):
        raise ServeError(
            f"without any key the service listens on {HOST} only, not on {host}: "
            "make one with `python -m rl_assets.service keys add <name> --scope log`"
        )
    if warning := network_warning(service.store.database, sqlite_file(settings.paths)):
        print(warning, file=sys.stderr)
    service.store.database.close()
    listening = _listen(host, port)
    print(f"feedback service on http://{_shown(host)}:{listening.getsockname()[1]}", file=sys.stderr, flush=True)
    # An access log would hold the secrets of invitation links.
    config = uvicorn.Config(
        APP, factory=True, workers=workers, access_log=False, log_level="warning", server_header=False
    )
    if workers == 1:
        uvicorn.Server(config).run(sockets=[listening])
    else:
        Multiprocess(config, sockets=[listening]).run()


def network_warning(database: Database, file: Path) -> str | None:
    """A sentence if the SQLite file lies on a network file system; None otherwise."""
    if not database.is_sqlite:
        return None
    kind = _file_system(file)
    if not kind.startswith(NETWORK_FILE_SYSTEMS):
        return None
    return (
        f"{file} lies on a network file system ({kind}), where SQLite's write-ahead log does not work: keep "
        "RL_ASSETS_HOME on a local disk, or set RL_ASSETS_SERVICE_DATABASE to a PostgreSQL server"
    )


def _file_system(file: Path) -> str:
    """The kind of file system that holds a file: that of the innermost mount point above it."""
    resolved = file.resolve()
    mounts = [part for part in psutil.disk_partitions(all=True) if resolved.is_relative_to(part.mountpoint)]
    return max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises ServeError if the address is taken or is none of this machine."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ServeError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; choose another with --host and --port"
        ) from error
    listening.set_inheritable(True)
    return listening


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
