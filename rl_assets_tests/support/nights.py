"""A home and a Dagster instance of their own, with the real daemon as a process that tests start, kill and wait for."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.scheduler.instigation import InstigatorTick, TickStatus

REPOSITORY = Path(__file__).parents[2]
STAND_IN = "rl_assets_tests.support.stand_in"
PATIENCE_S = 300.0
# As in dagster.yaml, only that a test does not wait for long.
IMPATIENT = {"poll_interval_seconds": 2, "free_slots_after_run_end_seconds": 1}
# Tests open the instance from a process whose DAGSTER_HOME is another: there Dagster's own defaults serve.
LOCAL_STORAGE = ("storage", "local_artifact_storage", "compute_logs")


@dataclass
class Nights:
    """A folder with `home` and `instance`; `environment` is what the daemon is started with beside its own."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    instance_file: str = "dagster.yaml"
    module: str = STAND_IN
    processes: list[subprocess.Popen] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.home / "landing").mkdir(parents=True, exist_ok=True)
        self.dagster_home.mkdir(exist_ok=True)
        instance = yaml.safe_load((REPOSITORY / self.instance_file).read_text(encoding="utf-8"))
        for local in LOCAL_STORAGE if self.instance_file == "dagster.yaml" else ():
            del instance[local]
        instance["run_monitoring"] |= IMPATIENT
        (self.dagster_home / "dagster.yaml").write_text(yaml.safe_dump(instance), encoding="utf-8")
        (self.folder / "recipe.yaml").write_text("preset: tiny_cpu\nmin_rows_sft: 1\n", encoding="utf-8")

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def dagster_home(self) -> Path:
        return self.folder / "instance"

    @property
    def variables(self) -> dict[str, str]:
        ours = {
            "DAGSTER_HOME": str(self.dagster_home),
            "RL_ASSETS_HOME": str(self.home),
            "RL_ASSETS_EXECUTOR": "in_process",
            "RL_ASSETS_RECIPE": str(self.folder / "recipe.yaml"),
            "RL_ASSETS_SENSOR_SECONDS": "3",
            "RL_ASSETS_RETRAIN_MIN_HOURS": "0",
        }
        return {**os.environ, **ours, **self.environment}

    def start(self, *program: str, log: str = "daemon.log") -> subprocess.Popen:
        """Start the daemon, or `program` with the daemon's arguments, in a group of its own."""
        command = [*(program or ("-m", "dagster._daemon")), "run", "-m", self.module]
        return self.spawn(command, log)

    def spawn(self, command: list[str], log: str) -> subprocess.Popen:
        """Start `python <command>` here, in a group of its own, with its output in a file."""
        with (self.folder / log).open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *command],
                env=self.variables,
                cwd=self.folder,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def dagster(self, *arguments: str) -> None:
        """Run a `dagster` command on this instance and code location."""
        command = [sys.executable, "-m", "dagster", *arguments, "-m", self.module]
        subprocess.run(command, env=self.variables, cwd=self.folder, check=True, capture_output=True)

    def ask_for_backfill(self, first: str, last: str) -> str:
        """Ask for a backfill of all of `datasets_job`; its id."""
        command = [sys.executable, "-m", "rl_assets_tests.support.ask_for_backfill", self.module, first, last]
        asked = subprocess.run(command, env=self.variables, cwd=self.folder, check=True, capture_output=True, text=True)
        return asked.stdout.split()[-1]

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """The instance as another process sees it."""
        # The file may name variables of the environment.
        kept = dict(os.environ)
        os.environ.update(self.environment)
        try:
            with dg.DagsterInstance.from_config(str(self.dagster_home)) as instance:
                yield instance
        finally:
            os.environ.clear()
            os.environ.update(kept)

    def runs(self, job: str, **filters: Any) -> list[dg.DagsterRun]:
        """Runs of the job, the newest first."""
        with self.instance() as instance:
            return list(instance.get_runs(dg.RunsFilter(job_name=job, **filters)))

    def ticks(self, sensor: str) -> list[InstigatorTick]:
        """Finished ticks of the sensor, the newest first."""
        with self.instance() as instance:
            (state,) = [state for state in instance.all_instigator_state() if state.instigator_name == sensor]
            ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id)
        return [tick for tick in ticks if tick.status is not TickStatus.STARTED]

    def wait_for(self, what: str, condition: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
        """What the condition gives as soon as it is true; fails with the daemon's last lines when it never is."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := condition():
                return found
            time.sleep(2)
        raise AssertionError(f"{what} did not come in {seconds:.0f} s:\n{self.last_lines()}")

    def wait_for_ticks(self, sensor: str, count: int = 2) -> None:
        """Wait until the sensor has looked `count` times more."""
        started = time.time()
        self.wait_for(
            f"{count} ticks of {sensor}",
            lambda: len([tick for tick in self.ticks(sensor) if tick.timestamp > started]) >= count,
        )

    def wait_until_idle(self, job: str, runs: int, seconds: float = PATIENCE_S) -> list[dg.DagsterRun]:
        """Wait until the job has had that many runs and all have ended."""
        return self.wait_for(
            f"the end of {runs} runs of {job}",
            lambda: len(found := self.runs(job)) >= runs and all(run.is_finished for run in found) and found,
            seconds,
        )

    def last_lines(self, lines: int = 30) -> str:
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join("\n".join(log.read_text(encoding="utf-8").splitlines()[-lines:]) for log in logs)

    def kill(self, process: subprocess.Popen) -> None:
        """SIGKILL to the process and all of its group, as a power cut would."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        """Leave no process behind."""
        for process in self.processes:
            self.kill(process)


@contextmanager
def nights(folder: Path, **options: Any) -> Iterator[Nights]:
    """Nights in an empty folder, all of whose processes are gone at the end."""
    found = Nights(folder, **options)
    try:
        yield found
    finally:
        found.end()
