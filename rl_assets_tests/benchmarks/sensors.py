"""How long a look of the sensors takes, by length of history, as
`RL_ASSETS_START_DATE=2023-01-01 python -m rl_assets_tests.benchmarks.sensors` prints it.

Of `new_log_files`: the first look (no cursor), one when nothing changed, and one after a new file of the last day;
`stat` is what the file system itself takes to list the files, so the rest is ours. Of `enough_new_feedback`: a look at
the newest of that many datasets, with 10,000 prompts. CPU seconds of one process, on an idle machine those that pass.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

from rl_assets.definitions import defs
from rl_assets.defs.ingestion.new_log_files import new_log_files
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.enough_new_feedback import enough_new_feedback
from rl_assets.settings import Settings
from rl_assets_tests.support.dataset_samples import write_dataset_manifest

LAST = date(2026, 11, 20)
FORMATS = ("interaction_log", "reward_log", "feedback_table")
PROMPTS = 10_000
LINE = '{"interaction_id": "a"}\n'


def write_history(landing: Path, days: int, files: int) -> None:
    """`files` small files a day and format, for that many days."""
    for ago in range(days):
        for name in FORMATS:
            folder = landing / name / str(LAST - timedelta(days=ago))
            folder.mkdir(parents=True)
            for number in range(files):
                (folder / f"part-{number}.jsonl").write_text(LINE, encoding="utf-8")


def write_datasets(dataset: Path, days: int) -> None:
    """A published folder for each day, of which the newest holds training rows."""
    for ago in range(days):
        folder = dataset / str(LAST - timedelta(days=ago))
        folder.mkdir(parents=True)
        write_dataset_manifest(folder, {"train": 0})
    messages = [{"role": "user", "content": "Where is it?"}, {"role": "assistant", "content": "In bin 2."}]
    rows = [{"messages": messages, "metadata": {"prompt_key": str(number)}} for number in range(PROMPTS)]
    pq.write_table(pa.Table.from_pylist(rows), dataset / str(LAST) / "train.parquet")


def tick(
    home: Path, instance: dg.DagsterInstance, cursor: str | None, sensor: dg.SensorDefinition = new_log_files
) -> Any:
    """One look, as the daemon's code server takes it."""
    resources = {"home": HomeResource.from_settings(Settings(home=home))}
    context = dg.build_sensor_context(instance, cursor=cursor, resources=resources, definitions=defs)
    return sensor.evaluate_tick(context)


def listed(landing: Path) -> int:
    """Every file's size and time, and nothing else."""
    return sum((Path(root) / name).stat().st_size for root, _, names in os.walk(landing) for name in names)


def seconds(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def measure(days: int, files: int, rounds: int) -> str:
    """A line of the table."""
    with tempfile.TemporaryDirectory() as folder, dg.instance_for_test() as instance:
        home = Path(folder)
        write_history(home / "landing", days, files)
        write_datasets(home / "datasets" / "sft_dataset", days)
        bare = seconds(lambda: listed(home / "landing"), rounds)
        first = seconds(lambda: tick(home, instance, None), rounds)
        cursor = None
        for _ in range(days):
            found = tick(home, instance, cursor)
            cursor = found.cursor
            if not found.run_requests:
                break
        same = seconds(lambda: tick(home, instance, cursor), rounds)
        (home / "landing" / FORMATS[0] / str(LAST) / "new.jsonl").write_text(LINE, encoding="utf-8")
        new = seconds(lambda: tick(home, instance, cursor), rounds)
        enough = seconds(lambda: tick(home, instance, None, enough_new_feedback), rounds)
        asked = len(tick(home, instance, cursor).run_requests or [])
    times = (bare, first, same, new, enough)
    return f"{days:>6,} {days * files * len(FORMATS):>8,} {asked:>6}" + "".join(f"{taken:>11.3f}" for taken in times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Seconds that a look at the landing folder takes.")
    parser.add_argument("--days", type=int, nargs="+", default=[10, 100, 1_000])
    parser.add_argument("--files", type=int, default=3, help="files a day and format")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print("  days    files  asked       stat      first  unchanged    one new   feedback")
    for days in options.days:
        print(measure(days, options.files, options.rounds), flush=True)


if __name__ == "__main__":
    main()
