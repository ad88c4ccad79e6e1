"""Addresses of servers: whether others reach them, whether they are free, and requests to them without a proxy."""

import ipaddress
import socket
import urllib.request
from typing import Any
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; a name does so only if it is `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_here(url: str) -> bool:
    """Whether the URL is one of this machine, for which no proxy is to be asked, whatever the environment says."""
    return is_loopback(urlsplit(url).hostname or "")


def open_url(request: str | urllib.request.Request, timeout: float) -> Any:
    """The response, as of `urlopen`; servers of this machine are never reached through a proxy. Raises OSError."""
    url = request if isinstance(request, str) else request.full_url
    proxies = urllib.request.ProxyHandler({} if is_here(url) else None)
    return urllib.request.build_opener(proxies).open(request, timeout=timeout)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises OSError with a sentence that says what to do if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(
            f"Port {port} of {host} cannot be used ({error.strerror}): stop what listens there, or choose another."
        ) from None
    return listener


def check_port(host: str, port: int) -> None:
    """Raise OSError if a port is taken."""
    listen(host, port).close()
