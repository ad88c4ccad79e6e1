"""A Ray cluster of one machine that says it has a GPU: `python -m rl_assets_tests.support.ray_cluster`.

Prints its address and lives until its standard input closes.
"""

import sys

import ray

if __name__ == "__main__":
    context = ray.init(num_cpus=2, num_gpus=1, include_dashboard=True, dashboard_port=0, log_to_driver=False)
    print(f"http://{context.dashboard_url}", flush=True)
    sys.stdin.read()
    ray.shutdown()
