"""Figures on published feedback: what length control does to pairs, and what stratified groups carry.

python -m rl_assets_tests.benchmarks.real_data --source <folder that holds rl-gsm8k and pref-finegrained-qa>
"""

import argparse
import tempfile
from datetime import date
from pathlib import Path

from rl_assets.datasets.builders import Built, build_grpo, build_pairs
from rl_assets.datasets.policies import DpoPolicy, GrpoPolicy, Policy
from rl_assets.datasets.ratings import Window, rate_interactions, rated_as_of
from rl_assets.ingest.day import ingest_day
from rl_assets.ingest.landing import files_of
from rl_assets.lake import Lake
from rl_assets.quickstart.landing_files import lines_by_file, write_files
from rl_assets.quickstart.sources import finegrained_qa, gsm8k

SOURCES = {"gsm8k": gsm8k, "finegrained-qa": finegrained_qa}
LAST = date(2026, 10, 14)


def rated(source: Path, name: str, home: Path) -> Lake:
    """A lake with one source's log, rated as of its last day."""
    write_files(home / "landing", lines_by_file(SOURCES[name].entries(source)))
    lake = Lake(str(home / "lake"))
    for day in (date(2026, 10, number) for number in range(1, 15)):
        ingest_day(lake, files_of(home / "landing", day), day, b"benchmark")
    rate_interactions(lake, Window(LAST, None))
    return lake


def measured(lake: Lake, policy: Policy) -> Built:
    connection = rated_as_of(lake, Window(LAST, None), "1GB")
    if isinstance(policy, GrpoPolicy):
        return build_grpo(connection, policy)
    assert isinstance(policy, DpoPolicy)
    return build_pairs(connection, policy)


def pair_lines(name: str, lake: Lake) -> list[str]:
    """Pairs of every margin, with and without length control, and best against worst."""
    lines = []
    for strategy in ("all_margin", "best_worst"):
        for ratio in (1000.0, 2.0):
            built = measured(lake, DpoPolicy(strategies=[strategy], max_len_ratio=ratio, per_prompt=6, margin=0.2))
            share = built.measures["longer_is_chosen"]
            lines.append(
                f"{name:16} {strategy:12} length ratio <= {ratio:6g} {built.taken:6} pairs, longer chosen {share}"
            )
    return lines


def group_lines(name: str, lake: Lake) -> list[str]:
    """What groups of two of four answers carry, by how the two are selected."""
    lines = []
    for selection in ("stratified", "top", "random"):
        built = measured(lake, GrpoPolicy(group_size=2, selection=selection, failed_below=0))
        lines.append(f"{name:16} groups of 2, {selection:10} {built.measures}")
    return [*lines, f"{name:16} groups of 4            {measured(lake, GrpoPolicy()).measures}"]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Figures of the builders on published feedback.")
    parser.add_argument("--source", type=Path, required=True)
    source = parser.parse_args().source
    for name in SOURCES:
        with tempfile.TemporaryDirectory() as home:
            lake = rated(source, name, Path(home))
            print("\n".join([*pair_lines(name, lake), *group_lines(name, lake)]), flush=True)


if __name__ == "__main__":
    main()
