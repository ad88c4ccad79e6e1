"""The manifests of steps as dagster-k8s itself renders them from the tags on our assets. No cluster is needed."""

from typing import Any

import dagster as dg
import pytest
from dagster_k8s import DagsterK8sJobConfig
from dagster_k8s.job import construct_dagster_k8s_job, get_user_defined_k8s_config
from kubernetes.client import ApiClient

from rl_assets.definitions import defs
from rl_assets.defs.shared.op_tags import gpu_step


def manifest(tags: dict[str, Any], step: str) -> dict[str, Any]:
    """The Kubernetes job of a step with these tags, as it is sent to the cluster."""
    job = construct_dagster_k8s_job(
        job_config=DagsterK8sJobConfig(job_image="registry.example/rl-assets:1", dagster_home="/opt/dagster"),
        args=["dagster", "api", "execute_step", "..."],
        job_name=f"dagster-step-{step.replace('_', '-')}",
        user_defined_k8s_config=get_user_defined_k8s_config(tags),
    )
    return ApiClient().sanitize_for_serialization(job)


def rendered(step: str) -> dict[str, Any]:
    """The manifest of a step of `full_job` or of the other adapters."""
    asset: dg.AssetsDefinition = defs.get_assets_def(step)
    return manifest(dict(asset.op.tags), step)


@pytest.mark.parametrize("step", ["base_model", "sft_adapter", "dpo_adapter", "grpo_adapter", "kto_adapter"])
def test_a_training_step_asks_for_a_gpu_and_shared_memory_and_is_not_repeated_by_the_cluster(step):
    job = rendered(step)["spec"]
    (container,) = job["template"]["spec"]["containers"]
    assert container["image"] == "registry.example/rl-assets:1"
    assert container["resources"] == {"limits": {"nvidia.com/gpu": "1"}}
    assert {"name": "shared-memory", "mountPath": "/dev/shm"} in container["volumeMounts"]
    assert {"name": "shared-memory", "emptyDir": {"medium": "Memory"}} in job["template"]["spec"]["volumes"]
    assert job["backoffLimit"] == 0
    assert job["template"]["spec"]["restartPolicy"] == "Never"


@pytest.mark.parametrize("step", ["interactions", "rated_interactions", "sft_dataset"])
def test_a_step_that_does_not_train_asks_for_no_gpu(step):
    (container,) = rendered(step)["spec"]["template"]["spec"]["containers"]
    assert "nvidia.com/gpu" not in str(container)


def test_a_cluster_without_gpus_is_asked_for_none():
    assert gpu_step(0) == {}
    (container,) = manifest(gpu_step(0), "sft_adapter")["spec"]["template"]["spec"]["containers"]
    assert "nvidia.com/gpu" not in str(container)


def test_several_gpus_are_asked_for_by_one_setting():
    op = dg.op(name="train", tags=gpu_step(4))(lambda: None)
    (container,) = manifest(dict(op.tags), "train")["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "4"}
