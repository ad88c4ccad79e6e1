"""Sets the clock of every Python process that has this folder on its path, as the file SIMULATED_CLOCK says.

`libfaketime` would also move the deadlines of gRPC and of sleeping threads. Only what Python calls the time moves here:
`time.time` and the present of `datetime`. The file holds seconds to add to the real clock, and is read again and again.
"""

import ctypes
import gc
import os
import sys
import time
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path

FILE = Path(os.environ["SIMULATED_CLOCK"])
REREAD_S = 0.2
# Deadlines and heartbeats of gRPC go by the real clock, which its C code knows.
ON_REAL_TIME = ("grpc", "dagster._grpc")
_real_time, _monotonic = time.time, time.monotonic
_read = {"at": float("-inf"), "offset": 0.0}


def _now() -> float:
    if _monotonic() - _read["at"] > REREAD_S:
        _read.update(at=_monotonic(), offset=float(FILE.read_text(encoding="utf-8")))
    return _real_time() + _read["offset"]


def _time() -> float:
    caller = sys._getframe(1).f_globals.get("__name__", "")
    return _real_time() if caller.startswith(ON_REAL_TIME) else _now()


def _present(cls: type[datetime], tz: tzinfo | None = None) -> datetime:
    return cls.fromtimestamp(_now(), tz)


def _replace(of: type, **methods: object) -> None:
    """Methods of a built-in type can only be set in its own dictionary."""
    gc.get_referents(of.__dict__)[0].update(methods)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(of))


time.time = _time
time.time_ns = lambda: int(_now() * 1e9)
_replace(
    datetime,
    now=classmethod(_present),
    utcnow=classmethod(lambda cls: cls.fromtimestamp(_now(), UTC).replace(tzinfo=None)),
    today=classmethod(_present),
)
_replace(date, today=classmethod(lambda cls: cls.fromtimestamp(_now())))
