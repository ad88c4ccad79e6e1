"""The daemon, which kills itself when a sensor's tick gets to a point: `python killed_daemon.py <sensor> <point> ...`.

The points are those that Dagster's own tests crash at: TICK_CREATED, TICK_HELD, RUN_CREATED, RUN_LAUNCHED. What follows
are the arguments of `dagster-daemon`.
"""

import signal
import sys
from functools import partial

from dagster._daemon import sensor
from dagster._daemon.cli import main

if __name__ == "__main__":
    name, point = sys.argv[1:3]
    sensor.execute_sensor_iteration = partial(
        sensor.execute_sensor_iteration, debug_crash_flags={name: {point: signal.SIGKILL}}
    )
    sys.argv[1:3] = []
    main()
