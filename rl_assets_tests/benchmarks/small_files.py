"""The same lines in one file and in many small ones: time and peak memory of the day's ingestion, as ratios.

python -m rl_assets_tests.benchmarks.small_files --files 2000 --lines 50
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from rl_assets_tests.benchmarks import ingest
from rl_assets_tests.benchmarks.logs import interaction, piece
from rl_assets_tests.benchmarks.measure import alone

Row = dict[str, Any]
NOON = f"{ingest.DAY}T12:00:00Z"


def _interaction(row: int, random: Random) -> Row:
    return interaction(ingest.DAY, row, 6, f"{piece(random, 80)} {row}?", random)


def _reward(row: int, random: Random) -> Row:
    if row % 2:
        return {"type": "feedback", "interaction_id": f"q{row - 1}", "reward": 0.5, "timestamp": NOON}
    return {"interaction_id": f"q{row}", "question": f"{piece(random, 80)} {row}?", "agent": "solver", "answer": "21."}


def _opinion(row: int, random: Random) -> Row:
    return {
        "id": f"f{row}",
        "brand_id": "acme",
        "user_id": f"user-{row // 9}",
        "task_type": "haiku",
        "prompt": f"{piece(random, 80)} {row}?",
        "model_output": piece(random, 300),
        "feedback_type": "thumbs_up",
        "created_at": NOON,
    }


def _chat(row: int, random: Random) -> Row:
    turns = [{"role": "user", "content": f"{piece(random, 80)} {row}?"}]
    return {"messages": [*turns, {"role": "assistant", "content": piece(random, 300)}]}


FORMATS: dict[str, Callable[[int, Random], Row]] = {
    "interaction_log": _interaction,
    "reward_log": _reward,
    "feedback_table": _opinion,
    "openai_chat": _chat,
}


def write_files(landing: Path, log_format: str, files: int, lines: int) -> None:
    """A day of `files` files of `lines` lines each; the same lines in the same order, however many files."""
    folder = landing / log_format / str(ingest.DAY)
    folder.mkdir(parents=True)
    random = Random(7)
    for number in range(files):
        rows = (FORMATS[log_format](number * lines + line, random) for line in range(lines))
        (folder / f"part-{number:06}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def ingested(home: Path) -> float:
    """CPU time of the ingestion of the day."""
    start = time.process_time()
    ingest.ours(home / "landing", home / "lake")
    return time.process_time() - start


def compare(log_format: str, files: int, lines: int) -> Iterator[str]:
    """A line for the one file, and one for the many with their ratios."""
    base: tuple[float, ...] = ()
    for many, each in ((1, files * lines), (files, lines)):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            write_files(home / "landing", log_format, many, each)
            cpu, wall, peak = alone(ingested, home)
        base = base or (wall, cpu, peak)
        ratios = [value / before for value, before in zip((wall, cpu, peak), base, strict=True)]
        yield (
            f"{log_format:16} {many:>6,} files of {each:>7,} lines  {wall:6.2f} s ({ratios[0]:.2f})  "
            f"CPU {cpu:6.2f} s ({ratios[1]:.2f})  peak memory {peak:>6,.0f} MiB ({ratios[2]:.2f})"
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Many small files against one.")
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--lines", type=int, default=50)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    options = parser.parse_args()
    for log_format in options.formats:
        for line in compare(log_format, options.files, options.lines):
            print(line, flush=True)


if __name__ == "__main__":
    main()
