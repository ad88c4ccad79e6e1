"""How long an evaluation takes and how that grows with held-out items, on the adapters and datasets of a home.

Run it after a night, with `python -m rl_assets_tests.benchmarks.evaluation <day> --items 50 100 200`.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rl_assets.evaluation.run.evaluate import evaluate
from rl_assets.evaluation.run.inputs import EvalInputs
from rl_assets.evaluation.run.models import EvaluatedModels, models_of_day
from rl_assets.models.base_models import ensure_base_model
from rl_assets.recipes.recipe import named_recipe
from rl_assets.settings import load_settings
from rl_assets_tests.support.dataset_samples import write_dataset_manifest


def grown(source: Path, folder: Path, segment: str | None, items: int) -> Path:
    """A dataset whose test split has `items` distinct prompts of the segment, the later ones numbered copies."""
    folder.mkdir(parents=True)
    rows = [row for row in pq.read_table(source / "test.parquet").to_pylist() if _fits(row, segment)]
    test = [_numbered(rows[n % len(rows)], n // len(rows)) for n in range(items)]
    schema = pq.read_schema(source / "test.parquet")
    for split, content in (("train", []), ("validation", []), ("test", test)):
        pq.write_table(pa.Table.from_pylist(content, schema=schema), folder / f"{split}.parquet")
    rows_by_split = {"train": 0, "validation": 0, "test": items}
    write_dataset_manifest(folder, rows_by_split, name=source.parent.name, day=source.name)
    return folder


def _fits(row: dict[str, Any], segment: str | None) -> bool:
    own = row["metadata"]
    return (segment is None or own["segment"] == segment) and (own.get("reward") is None or own["reward"] >= 0.9)


def _numbered(row: dict[str, Any], copy: int) -> dict[str, Any]:
    column = "messages" if "messages" in row else "prompt"
    messages = [dict(message) for message in row[column]]
    asked = messages[-2] if column == "messages" else messages[-1]
    asked["content"] += " ?" * copy
    key = f"{row['metadata']['prompt_key']}{copy}"
    return row | {column: messages, "metadata": row["metadata"] | {"prompt_key": key, "cluster_key": key}}


def seconds(models: EvaluatedModels, home: Path, day: str, segment: str | None, items: int) -> tuple[float, float]:
    """Wall and CPU time of one evaluation of that many items and as many pairs."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = [
            grown(home / "datasets" / name / day, Path(scratch) / name / day, segment, items)
            for name in ("sft_dataset", "dpo_dataset")
        ]
        start, busy = time.perf_counter(), time.process_time()
        evaluate(day, models, EvalInputs(*folders, segment=segment), lambda _: None)
        return time.perf_counter() - start, time.process_time() - busy


def main() -> None:
    """Print a line a size."""
    parser = argparse.ArgumentParser(description="Wall time of an evaluation by the number of held-out items.")
    parser.add_argument("day")
    parser.add_argument("--items", type=int, nargs="+", default=[50, 100, 200, 400])
    options = parser.parse_args()
    settings = load_settings()
    recipe = named_recipe(settings.recipe)
    base = ensure_base_model(settings.base_model, settings.paths.models, print)
    models = models_of_day(settings.paths, options.day, base, recipe.candidate)
    seconds(models, settings.home, options.day, recipe.segment, 4)  # Imports and warm caches are not measured.
    for items in options.items:
        wall, busy = seconds(models, settings.home, options.day, recipe.segment, items)
        print(
            f"{items:>6} items and pairs  wall {wall:6.1f} s  CPU {busy:6.1f} s  {1000 * busy / items:6.0f} ms an item"
        )


if __name__ == "__main__":
    main()
