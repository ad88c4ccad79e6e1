"""Resources that a step requests from the cluster, as tags on the asset, since tags reach every launch.

Pools, which limit steps over all runs, are on the assets themselves.
"""

from typing import Any


def gpu_step(gpus: int) -> dict[str, Any]:
    """Tags of a step that trains or generates: `gpus` whole GPUs from Ray or Kubernetes; with 0 it requests none.

    Executors of one machine read neither.
    """
    if gpus == 0:
        return {}
    return {
        # Its environment in place of the executor's, which shows no GPU.
        "dagster-ray/config": {"num_gpus": gpus, "runtime_env": {"env_vars": {}}},
        "dagster-k8s/config": {
            "container_config": {
                "resources": {"limits": {"nvidia.com/gpu": str(gpus)}},
                # Processes that train together exchange gradients in shared memory, of which a pod has 64 MB.
                "volume_mounts": [{"name": "shared-memory", "mount_path": "/dev/shm"}],
            },
            "pod_spec_config": {"volumes": [{"name": "shared-memory", "empty_dir": {"medium": "Memory"}}]},
            # The step's own retries know its checkpoints and are counted; the cluster's are not.
            "job_spec_config": {"backoff_limit": 0},
        },
    }
