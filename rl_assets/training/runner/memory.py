"""Memory that ran out, explained once: what the recipe passes through the model at a time, and what makes it less."""

from collections.abc import Iterator
from contextlib import contextmanager

from rl_assets.models.memory import DeviceMemoryError, is_out_of_memory
from rl_assets.models.runtime import process_count
from rl_assets.recipes.stages import OptimizerRecipe
from rl_assets.training.job import TrainingJob


@contextmanager
def explain_exhausted_memory(job: TrainingJob) -> Iterator[None]:
    """Raise DeviceMemoryError in place of torch's error of a GPU or CPU without memory; other errors pass."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, DeviceMemoryError) or not is_out_of_memory(error):
            raise
        cause = str(error).partition(". ")[0]
        raise DeviceMemoryError(
            f"Memory ran out ({cause}) in training {job.kind}: {' '.join(_remedies(job))} It would run out again, so "
            "it is not tried again."
        ) from error


def _remedies(job: TrainingJob) -> Iterator[str]:
    """What the recipe does now, and what would need less, without what it does already."""
    stage: OptimizerRecipe = getattr(job.recipe, job.adapter_kind)
    rows = max(1, stage.micro_batch_size // process_count())
    yield f"{rows} rows of up to {job.recipe.max_length} tokens pass through the model at a time."
    if rows > 1:
        yield (
            f"Raise {job.adapter_kind}.gradient_accumulation_steps from {stage.gradient_accumulation_steps} to "
            f"{2 * stage.gradient_accumulation_steps}, which halves that and leaves the effective batch as it is."
        )
    if not stage.gradient_checkpointing:
        yield f"Set {job.adapter_kind}.gradient_checkpointing: true."
    if job.recipe.quantization is None:
        yield "Set quantization: nf4, which loads the base in 4 bits."
    yield "Lower max_length, or choose a smaller base model."
