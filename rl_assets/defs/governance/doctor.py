"""The doctor as a job: the checks of `python -m rl_assets.doctor`, run where runs execute."""

import dagster as dg

from rl_assets.defs.shared.metadata import markdown_table
from rl_assets.doctor.__main__ import run_checks


@dg.op
def run_health_checks(context: dg.OpExecutionContext) -> None:
    """Check settings, packages, folders, tables, disk, memory, accelerator, judge, teacher, storage, clock,
    base model, and what would train tonight."""
    results = list(run_checks())
    for result in results:
        (context.log.info if result.status == "ok" else context.log.warning)(str(result))
    context.add_output_metadata({"checks": markdown_table(result.model_dump() for result in results)})
    if errors := [result for result in results if result.status == "error"]:
        raise dg.Failure("; ".join(map(str, errors)), allow_retries=False)


@dg.job(description="Health checks where runs execute, one log line per check; fails if one is an error.")
def doctor() -> None:
    run_health_checks()
