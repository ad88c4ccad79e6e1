"""The routing in force: the file's newest valid version, read again when it changes."""

import asyncio
import time
from dataclasses import dataclass, field

from rl_assets.core.home import Home
from rl_assets.serving.routing import Routing, read_routing

POLL_S = 0.25
# Longer than a disk that answers takes for one look.
STALE_S = 10.0
NOTHING_SERVED = (
    "Nothing is served yet: there is no {path}. Materialize the asset `served_champion`, or run `make gateway`, "
    "which serves the demo's champion."
)


@dataclass
class CurrentRouting:
    """`value` is None until the first valid file; a damaged one keeps the previous, and is `problem`."""

    home: Home
    value: Routing | None = None
    problem: str | None = None
    looked_at: float = field(default_factory=time.monotonic)
    _seen: tuple[int, ...] | None = field(default=None, repr=False)

    def look(self) -> None:
        """Read the file if it is another one than at the last look."""
        try:
            self._read()
        finally:
            self.looked_at = time.monotonic()

    def _read(self) -> None:
        try:
            status = self.home.routing.stat()
        except OSError as error:
            self._seen, self.problem = None, self._missing(error)
            return
        seen = (status.st_mtime_ns, status.st_size, status.st_ino)
        if seen == self._seen:
            return
        try:
            # A file that was removed since `stat` is None: the next look says so.
            self.value, self.problem = read_routing(self.home) or self.value, None
        except (OSError, ValueError) as error:
            self.problem = str(error)
        # Last: another thread that looks meanwhile reads the file too, and does not take it for known.
        self._seen = seen

    @property
    def stale(self) -> str | None:
        """That the disk does not answer, if the last look was long ago."""
        waited = time.monotonic() - self.looked_at
        if waited < STALE_S:
            return None
        return f"{self.home.routing} has not been read for {waited:.0f} s: its disk does not answer"

    def _missing(self, error: OSError) -> str:
        if self.value is None and isinstance(error, FileNotFoundError):
            return NOTHING_SERVED.format(path=self.home.routing)
        return f"{self.home.routing} cannot be read ({error.strerror}): what it said last stays in force."

    async def watch(self) -> None:
        """Look again and again, until cancelled. A disk that does not answer keeps a thread waiting, and no call."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(POLL_S)
