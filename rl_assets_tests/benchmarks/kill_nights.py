"""Kills whole nights at random points: `python -m rl_assets_tests.benchmarks.kill_nights <folder> 0 20`.

A small night (each question has one good and one bad answer, few training steps, the real `tiny` base model) is run
undisturbed, then again and again in fresh homes: its process is killed with SIGKILL after a random time, a second
process runs the same night, and the champion's weights must be those of the undisturbed night. Prints a line a kill
with what was there by then; ends with 1 where any differ. `folder` keeps the prepared home and the undisturbed night:
it can go on later. The numbers are those of the first kill and of the one that is not made any more.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import dagster as dg

from rl_assets.core.files import write_json
from rl_assets.core.home import Home
from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.promotion.champion import read_champion
from rl_assets.models.base_models import ensure_base_model
from rl_assets.settings import Settings
from rl_assets_tests.support.night_logs import row

DAY = "2026-10-01"
QUESTIONS = range(160)
GOOD, BAD = "It is on the shelf.", "I do not know."
RECIPE = """preset: tiny_cpu
min_rows_sft: 20
min_rows_dpo: 20
max_length: 128
sft: {max_steps: 40, save_steps: 8}
dpo: {max_steps: 12, save_steps: 3}
"""
# The night is about equal weights; whether they deserve promotion is tested elsewhere.
EASY = {"min_clusters": 2, "max_quality_loss": 1, "max_validity_loss": 1, "max_latency_ratio": 100}
LEFT = {
    "lake": "lake/interactions/_delta_log/*.json",
    "datasets": "datasets/*/*/manifest.json",
    "checkpoints": "adapters/*/*/checkpoints/*",
    "adapters": "adapters/*/*/manifest.json",
    "report": "reports/*/report.json",
    "champion": "champion.json",
}


def prepare(home: Path) -> None:
    """A home with a day's log and a base model, before its first night."""
    if (home / "recipe.yaml").exists():
        return
    answers = ((GOOD, 1.0), (BAD, 0.0))
    rows = [
        row(DAY, number, copy, answer=answer, quality_scores={"overall": score}, segment="parts-manual")
        for number in QUESTIONS
        for copy, (answer, score) in enumerate(answers)
    ]
    log = home / "landing" / "interaction_log" / DAY / "log.jsonl"
    log.parent.mkdir(parents=True)
    log.write_text("".join(json.dumps(line) + "\n" for line in rows), encoding="utf-8")
    ensure_base_model("tiny", home / "models", print)
    (home / "recipe.yaml").write_text(RECIPE, encoding="utf-8")


def night(home: Path) -> bool:
    """Run the whole night in this process; whether it ended well."""
    settings = Settings(home=home, recipe=str(home / "recipe.yaml"))
    defs = build_defs(resources={"home": HomeResource.from_settings(settings)}, executor=dg.in_process_executor)
    done = defs.resolve_job_def("full_job").execute_in_process(
        partition_key=DAY,
        raise_on_error=False,
        run_config={"ops": {"promotion_decision": {"config": EASY}}},
    )
    return done.success


def in_a_process(home: Path, kill_after_s: float | None = None) -> float:
    """Run the night in a forked process, which is killed after that time; seconds it lived. It is warm: imported."""
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        with (home / "night.log").open("a") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            os._exit(0 if night(home) else 1)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if kill_after_s is None and status:
        raise RuntimeError(f"the night in {home} failed: see {home / 'night.log'}")
    return time.monotonic() - started


def champion_of(home: Path) -> str:
    """The hash of the champion's weights."""
    champion = read_champion(Home(home))
    if champion is None:
        raise RuntimeError(f"the night in {home} promoted nothing")
    return champion.hash


def undisturbed(folder: Path) -> tuple[str, float]:
    """Champion and seconds of the night that nobody kills."""
    kept = folder / "undisturbed.json"
    if not kept.exists():
        home = fresh(folder, "undisturbed")
        seconds = in_a_process(home)
        write_json(kept, {"champion": champion_of(home), "seconds": seconds})
    said = json.loads(kept.read_text(encoding="utf-8"))
    return said["champion"], said["seconds"]


def fresh(folder: Path, name: str) -> Path:
    """A copy of the prepared home."""
    home = folder / name
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(folder / "prepared", home)
    return home


def main(folder: Path, first: int, last: int) -> int:
    # In a process of its own: training leaves OpenMP's threads behind, and a process that has them cannot fork well.
    with get_context("spawn").Pool(1) as pool:
        pool.apply(prepare, (folder / "prepared",))
    # Heavy libraries are imported once, before any fork.
    import great_expectations  # noqa: F401
    import torch  # noqa: F401
    import trl  # noqa: F401
    from trl import DPOTrainer, SFTTrainer  # noqa: F401

    champion, seconds = undisturbed(folder)
    print(f"undisturbed: champion {champion[:12]}, {seconds:.0f} s", flush=True)
    different = 0
    for number in range(first, last):
        after = random.Random(number).uniform(0.02, 1.0) * seconds
        home = fresh(folder, "killed")
        in_a_process(home, after)
        left = {name: len(list(home.glob(pattern))) for name, pattern in LEFT.items()}
        in_a_process(home)
        same = champion_of(home) == champion
        different += not same
        print(f"kill {number} after {after:.1f} s, left {left}: {'equal' if same else 'DIFFERENT'}", flush=True)
    return int(different > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(int, sys.argv[2:4])))
