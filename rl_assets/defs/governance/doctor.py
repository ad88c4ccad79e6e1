"""The doctor as a job: what `python -m rl_assets.doctor` says, from where the runs execute."""

import dagster as dg

from rl_assets.defs.shared.metadata import markdown_table
from rl_assets.doctor.__main__ import examined, line


@dg.op
def examine_everything(context: dg.OpExecutionContext) -> None:
    """Look at settings, packages, folders, tables, disk, memory, accelerator, judge, teacher, storage and clock."""
    findings = list(examined())
    for finding in findings:
        (context.log.info if finding.state == "well" else context.log.warning)(line(finding))
    context.add_output_metadata({"findings": markdown_table(vars(finding) for finding in findings)})
    if ill := [finding for finding in findings if finding.state == "ill"]:
        raise dg.Failure("; ".join(line(finding) for finding in ill), allow_retries=False)


@dg.job(
    description="Is everything in order? A sentence on each subject, from where runs execute; fails where one is ill."
)
def doctor() -> None:
    examine_everything()
