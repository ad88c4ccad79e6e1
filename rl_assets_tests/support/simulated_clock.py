"""A clock of processes that tests start: `clock/sitecustomize.py` reads from a file how far it is from the real one."""

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

FOLDER = Path(__file__).parent / "clock"
# More than a process takes to read the file again.
NOTICED_S = 0.5


@dataclass(frozen=True)
class Clock:
    """The clock of the processes with its `environment`, set by a file."""

    file: Path

    @property
    def environment(self) -> dict[str, str]:
        path = [str(FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {"PYTHONPATH": os.pathsep.join(path), "SIMULATED_CLOCK": str(self.file)}

    def set(self, moment: datetime) -> None:
        """Set the clock, and wait until every process has noticed."""
        part = self.file.with_suffix(".part")
        part.write_text(str((moment - datetime.now(UTC)).total_seconds()), encoding="utf-8")
        part.replace(self.file)
        time.sleep(NOTICED_S)

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(self.file.read_text(encoding="utf-8")))
