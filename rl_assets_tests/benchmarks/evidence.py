"""Seconds that it takes to read the evidence of years from the lake and to weigh it.

Run it with `python -m rl_assets_tests.benchmarks.evidence`. Each night is a commit of its own, as in production, and
holds rows of another segment and of another lineage too.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from rl_assets.core.files import sha256_text
from rl_assets.evaluation.promotion.nights import (
    earlier_nights,
    evidence_rows,
    night_table,
    publish_night,
    weigh_nights,
)
from rl_assets.evaluation.schema.evidence import ClusterDifference
from rl_assets.lake.delta import Lake
from rl_assets_tests.support.evaluation_samples import primary

FIRST = date(2026, 10, 1)
EPOCH = primary(day=str(FIRST))


def night(rng: np.random.Generator, number: int, clusters: int, judged: bool) -> list[ClusterDifference]:
    """New clusters of a night, half of them with differences of any size."""
    drawn = np.where(rng.random(clusters) < 0.5, rng.choice([-1.0, 0.0, 1.0], clusters), rng.uniform(-1, 1, clusters))
    ratios = rng.normal(0.2, 1, clusters) if judged else [None] * clusters
    return [
        ClusterDifference(
            cluster=sha256_text(f"{number}-{row}"), difference=float(value), source="fresh", log_length_ratio=ratio
        )
        for row, (value, ratio) in enumerate(zip(drawn, ratios, strict=True))
    ]


def record(lake: Lake, nights: int, clusters: int, judged: bool) -> None:
    """Publish the nights, each with as many rows of another lineage, and of a segment."""
    rng = np.random.default_rng(0)
    for number in range(nights):
        day = FIRST + timedelta(days=number)
        for segment, lineages in ((None, ("dpo", "sft")), ("billing", ("dpo",))):
            rows = [
                row
                for lineage in lineages
                for row in evidence_rows(
                    day, EPOCH, segment, lineage, ("m", "base"), night(rng, number, clusters, judged)
                )
            ]
            publish_night(lake, day, segment, rows)


def measured(nights: int, clusters: int, judged: bool) -> Iterator[str]:
    """The figures of one epoch."""
    with tempfile.TemporaryDirectory() as folder:
        lake, tonight = Lake(folder), FIRST + timedelta(days=nights)
        record(lake, nights, clusters, judged)
        rng = np.random.default_rng(1)
        found = night(rng, nights, clusters, judged)
        for turn in range(3):
            started = time.perf_counter()
            earlier = earlier_nights(lake, EPOCH, None, "dpo", tonight)
            read = time.perf_counter()
            said = weigh_nights(pa.concat_tables([earlier, night_table(tonight, found)]), tonight, judged)
            weighed = time.perf_counter()
            yield (
                f"{said.nights:,} nights, {said.clusters:,} clusters{', judged' if judged else ''}, run {turn + 1}: "
                f"read {read - started:.2f} s, weighed {weighed - read:.2f} s, in all {weighed - started:.2f} s"
            )


def main() -> None:
    """Print the figures, without a judge and with one."""
    parser = argparse.ArgumentParser(description="Reading and weighing the evidence of years.")
    parser.add_argument("--nights", type=int, default=1000)
    parser.add_argument("--clusters", type=int, default=200)
    options = parser.parse_args()
    for judged in (False, True):
        for line in measured(options.nights, options.clusters, judged):
            print(line, flush=True)


if __name__ == "__main__":
    main()
