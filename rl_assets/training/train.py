"""Training an adapter: one job, one table of trainers. Start reading here; each trainer is a file of `trainers/`."""

from collections.abc import Callable, Mapping

from rl_assets.models.adapters import Adapter
from rl_assets.models.runtime import gpu_count, start
from rl_assets.recipes.stages import GrpoMethod
from rl_assets.training.job import Kind, TrainingJob
from rl_assets.training.preconditions import require_context
from rl_assets.training.runner.memory import explain_exhausted_memory
from rl_assets.training.runner.processes import train_in_processes
from rl_assets.training.runner.progress import Observe, observe_nothing
from rl_assets.training.runner.publishing import publish_adapter
from rl_assets.training.runner.run import Log, Trained, TrainingRun, open_run
from rl_assets.training.trainers.awr import train_awr
from rl_assets.training.trainers.dpo import train_dpo
from rl_assets.training.trainers.kto import train_kto
from rl_assets.training.trainers.offline_grpo import train_offline_grpo
from rl_assets.training.trainers.online_grpo import train_online_grpo
from rl_assets.training.trainers.ppo import train_ppo
from rl_assets.training.trainers.raft import train_raft
from rl_assets.training.trainers.reward_model import train_reward_model
from rl_assets.training.trainers.sft import train_sft
from rl_assets.training.trainers.vision import train_vision

Trainer = Callable[[TrainingRun], Trained]

GROUP_TRAINERS: Mapping[GrpoMethod, Trainer] = {
    "raft": train_raft,
    "awr": train_awr,
    "offline_grpo": train_offline_grpo,
    "online_grpo": train_online_grpo,
}


def train_on_groups(run: TrainingRun) -> Trained:
    """Train by the method that the recipe names."""
    return GROUP_TRAINERS[run.job.recipe.grpo.method](run)


TRAINERS: Mapping[Kind, Trainer] = {
    "sft": train_sft,
    "dpo": train_dpo,
    "kto": train_kto,
    "grpo": train_on_groups,
    "ppo": train_ppo,
    "reward": train_reward_model,
    "vision": train_vision,
}


def train(job: TrainingJob, log: Log, processes: int | None = None, observe: Observe = observe_nothing) -> Adapter:
    """The adapter of this job: the one that exists, the rest of an interrupted run, or a new one.

    It is trained over `processes`, by default one for each visible GPU, and is the same on any number of them. While it
    trains, `observe` gets values to plot. Raises NotEnoughRows, TrainingRefused, TrainingDiverged, DeviceMemoryError,
    WrongBaseModelError; if there are several processes TrainingRefused for all that data or configuration cause, and
    ProcessesFailed for what may pass.
    """
    processes = gpu_count() if processes is None else processes
    if processes < 2:
        return train_in_this_process(job, log, observe)
    return train_in_processes(job, log, processes, observe)


def train_in_this_process(job: TrainingJob, log: Log, observe: Observe = observe_nothing) -> Adapter:
    """The adapter of this job, trained here, alone or with other workers."""
    run = open_run(job, log, observe)
    if adapter := run.existing():
        return adapter
    require_context(job)
    start(offline=True, seed=job.recipe.seed)
    with explain_exhausted_memory(job):
        return publish_adapter(run, TRAINERS[job.kind](run))
