"""What every route of the service works with: one value, made when the service starts."""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from rl_assets.core.home import Home
from rl_assets.service.clock import Clock, utc_now
from rl_assets.service.database import StoreError, make_folder, open_database
from rl_assets.service.rates import Rates
from rl_assets.service.store import Store
from rl_assets.settings import Settings

KEY_BYTES = 32


@dataclass(frozen=True)
class Service:
    """`session_key` signs sessions and invitations, and orders the sides of pairs."""

    settings: Settings
    home: Home
    store: Store
    session_key: bytes = field(repr=False)
    clock: Clock = utc_now
    rates: Rates = field(default_factory=Rates)


def open_service(settings: Settings, clock: Clock = utc_now) -> Service:
    """The service of a deployment: database and session key are made if they are missing. Raises StoreError."""
    home = settings.paths
    store = Store(open_database(settings.service_database, home), clock)
    return Service(settings, home, store, session_key(settings.service_session_key, home), clock, Rates(clock))


def session_key(setting: str | None, home: Home) -> bytes:
    """The key of the setting, or the one kept in the home, which is made once. Raises StoreError."""
    if setting:
        return setting.encode("utf-8")
    path = home.service / "session.key"
    make_folder(home.service)
    try:
        return _kept_key(path)
    except OSError as error:
        raise StoreError(f"cannot keep the session key in {path}: {error.strerror}; make it writable") from error


def _kept_key(path: Path) -> bytes:
    """The key in a file that only its owner reads. Of workers that start together, all use the first one's."""
    if not path.exists():
        part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="ascii") as opened:
            opened.write(secrets.token_hex(KEY_BYTES))
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        finally:
            part.unlink()
    text = path.read_text(encoding="ascii").strip()
    if len(text) < KEY_BYTES:
        raise StoreError(f"{path} holds no session key: delete it, and sessions begin again with a new one")
    return text.encode("ascii")
