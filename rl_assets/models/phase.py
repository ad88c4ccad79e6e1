"""Progress of a phase that may take long: a line with the time that is left, every 10 s."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

LINE_EVERY_S = 10.0


@dataclass
class Phase:
    """What is done of `total`: "timed requests: 5 of 24, about 38 s left". A phase of under 10 s writes nothing."""

    what: str
    total: int
    log: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    started: float = field(init=False)
    last_line: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.last_line = self.clock()

    def report(self, done: float) -> None:
        """So many are done, the part of one that is being worked on included."""
        now = self.clock()
        if now - self.last_line < LINE_EVERY_S or done <= 0:
            return
        self.last_line = now
        left = (now - self.started) / done * max(0.0, self.total - done)
        self.log(f"{self.what}: {int(done)} of {self.total}, about {left:,.0f} s left")


def progress_of(what: str, log: Callable[[str], None]) -> Callable[[int], Callable[[float], None]]:
    """For who learns the total later: given it, a function that is told how many are done."""
    return lambda total: Phase(what, total, log).report
