"""Addresses to listen on: whether others reach them, and whether they are free."""

import ipaddress
import socket


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; a name does so only if it is `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
