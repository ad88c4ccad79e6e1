"""A day of prompts made from one template: features, rating and the check of splits, and what they cost per row.

    python -m rl_assets_tests.benchmarks.templates --rows 100000 300000 1000000 --shapes order slots

Each step is measured in a fresh process. The baseline is the smallest size: `per row` compares the CPU time of a row,
so 1.0 at every size is linear. Shapes:

- `order`: nine words and an order number;
- `slots`: a city, a product and an amount of small vocabularies in 25 words, so that no word is rare;
- `long`: 60 words and a number;
- `half`: every other prompt is a different text of made-up words, the others are those of `long`.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random

import pyarrow as pa

from rl_assets.core import sql
from rl_assets.datasets import near_prompts
from rl_assets.datasets.ratings import Window, rate_interactions
from rl_assets.features.benchmarks import read_benchmarks
from rl_assets.features.day import describe_day
from rl_assets.lake.delta import Lake
from rl_assets.lake.duckdb_views import register_view
from rl_assets.tables.features import PROMPT_CLUSTERS
from rl_assets.tables.records import INTERACTIONS
from rl_assets_tests.benchmarks import ingest
from rl_assets_tests.benchmarks.logs import piece, words
from rl_assets_tests.benchmarks.measure import alone

CITIES, PRODUCTS, AMOUNTS = 50, 100, 1000
NATURAL_CHARACTERS = 350
SPLITS = """
SELECT list_transform(prompt, lambda turn: {'role': turn.role, 'content': turn.content}) AS prompt,
    split_of(cluster_key) AS split
FROM interactions JOIN prompt_clusters USING (prompt_key) WHERE cluster_key IS NOT NULL
"""


@cache
def _words(count: int) -> str:
    return " ".join(sorted(set(words()[:20_000].split()))[:count])


def order(row: int, random: Random) -> str:
    return f"Hello, please tell me where I can find order number {row} today?"


def slots(row: int, random: Random) -> str:
    city, product = random.randrange(CITIES), random.randrange(PRODUCTS)
    return f"{_words(22)} city{city} product{product} amount{random.randrange(AMOUNTS)}"


def long(row: int, random: Random) -> str:
    return f"{_words(60)} case {row}"


def half(row: int, random: Random) -> str:
    return long(row, random) if row % 2 else f"{piece(random, NATURAL_CHARACTERS)} {row}?"


SHAPES: dict[str, Callable[[int, Random], str]] = {"order": order, "slots": slots, "long": long, "half": half}


def write_log(landing: Path, shape: str, rows: int) -> None:
    """A day's `interaction_log` of `rows` different prompts."""
    path = landing / "interaction_log" / str(ingest.DAY) / "part-0.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    random, seen, fill = Random(7), set[str](), SHAPES[shape]
    with path.open("w", encoding="utf-8") as file:
        while len(seen) < rows:
            query = fill(len(seen), random)
            if query in seen:
                continue
            seen.add(query)
            line = {
                "interaction_id": f"{random.getrandbits(128):032x}",
                "timestamp": f"{ingest.DAY}T12:00:00Z",
                "query": query,
                "answer": f"Answer {len(seen)}.",
                "agent_type": "desk",
                "quality_scores": {"overall": len(seen) % 11 / 10},
            }
            file.write(json.dumps(line) + "\n")


def describe(home: Path) -> str:
    """The features of the day, clusters included."""
    day = describe_day(Lake(str(home / "lake")), ingest.DAY, read_benchmarks(None))
    return f"{day.new.new_clusters:,} clusters"


def rate(home: Path) -> str:
    """`rated_interactions` as of the day."""
    return f"{rate_interactions(Lake(str(home / 'lake')), Window(ingest.DAY, 30)).rows:,} rated"


def check(home: Path) -> str:
    """The check that no prompt is near one of another split, on a dataset of all prompts."""
    lake, connection = Lake(str(home / "lake")), sql.connect()
    register_view(connection, "interactions", lake, INTERACTIONS, [ingest.DAY])
    register_view(connection, "prompt_clusters", lake, PROMPT_CLUSTERS, lake.keys(PROMPT_CLUSTERS))
    noted = []
    for batch in connection.sql(SPLITS).to_arrow_reader(10_000):
        rows = pa.Table.from_batches([batch])
        noted.append(pa.table({"prompt_words": near_prompts.prompt_words(rows), "prompt_split": rows.column("split")}))
    connection.register("noted", pa.concat_tables(noted))
    near_prompts.find_leaks(connection)
    return f"{connection.sql('SELECT count(*) FROM leaking_prompts').fetchall()[0][0]} leaks"


STEPS = {"describe": describe, "rate": rate, "check": check}


def with_cpu(step: str, home: Path) -> tuple[str, float]:
    """What a step says, and its CPU time."""
    start = time.process_time()
    result = STEPS[step](home)
    return result, time.process_time() - start


def lines(shape: str, sizes: list[int], steps: list[str]) -> Iterator[str]:
    """The lines of a shape, from the smallest size on."""
    bases: dict[str, float] = {}
    for rows in sorted(sizes):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            write_log(home / "landing", shape, rows)
            alone(ingest.ours, home / "landing", home / "lake")
            for step in STEPS:
                (result, cpu), wall, peak = alone(with_cpu, step, home)
                ratio = cpu / rows / bases.setdefault(step, cpu / rows)
                if step in steps:
                    yield (
                        f"{shape:6} {step:9} {rows:>9,} rows  {wall:7.1f} s  CPU {cpu:7.1f} s  per row {ratio:5.2f}  "
                        f"peak memory {peak:>6,.0f} MiB  {result}"
                    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Prompts of one template: cost per row.")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS))
    options = parser.parse_args()
    for shape in options.shapes:
        for line in lines(shape, options.rows, options.steps):
            print(line, flush=True)


if __name__ == "__main__":
    main()
