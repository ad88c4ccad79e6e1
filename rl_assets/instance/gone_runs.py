"""Ends the runs whose process is gone, and gives the pools back what they hold.

    python -m rl_assets.instance.gone_runs

A daemon does this automatically. Without one, `dg launch` would wait for ever for the slot of a run that was killed.
"""

import dagster as dg

from rl_assets.instance.run_launcher import is_alive, process_of

UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def end_gone_runs(instance: dg.DagsterInstance) -> list[str]:
    """Ids of the runs that were reported as failed because their process is gone."""
    ended = []
    for run in instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY)):
        process = process_of(instance, run.run_id)
        if process is not None and not is_alive(*process):
            instance.report_run_failed(run, f"process {process[0]} of the run is gone")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            ended.append(run.run_id)
    return ended


def main() -> None:
    """End them, and say which."""
    with dg.DagsterInstance.get() as instance:
        for run in end_gone_runs(instance):
            print(f"run {run} was killed: it is reported as failed, and its place is free again")


if __name__ == "__main__":
    main()
