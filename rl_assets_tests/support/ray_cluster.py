"""A Ray cluster of one machine that says it has a GPU: `python -m rl_assets_tests.support.ray_cluster`.

Prints its address and lives until its standard input closes.
"""

import sys
from typing import Any

import ray

ATTEMPTS = 3


def start() -> Any:
    """Start it; Ray gives its node 30 seconds, which a busy machine may exceed."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return ray.init(num_cpus=2, num_gpus=1, include_dashboard=True, dashboard_port=0, log_to_driver=False)
        except Exception as error:  # noqa: BLE001 - Ray raises no narrower one
            print(f"attempt {attempt}: {error}", file=sys.stderr, flush=True)
            ray.shutdown()
    raise SystemExit("the cluster did not start")


if __name__ == "__main__":
    context = start()
    print(f"http://{context.dashboard_url}", flush=True)
    sys.stdin.read()
    ray.shutdown()
