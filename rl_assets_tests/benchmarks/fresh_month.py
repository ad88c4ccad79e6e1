"""Whether any prompt that a night counts was learned by a model under comparison: a month of nights through Dagster.

    python -m rl_assets_tests.benchmarks.fresh_month --days 30

Prompts recur, come again with a word changed, or are new. Each night builds its datasets; its entrant learned those of
the night before, and the champion, which changes every week, those of its own. What the night would count is compared
with every prompt that the two learned: equal, or nearly so (a Jaccard similarity of words of 0.9).
"""

import argparse
import logging
import random
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq

from rl_assets.core.home import Home
from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.run.fresh import fresh_items, learned_keys, with_clusters_of_tonight
from rl_assets.evaluation.run.inputs import TRAINING_SPLITS, EvalInputs, Item
from rl_assets.features.words import words
from rl_assets.models.adapters import WEIGHTS, Adapter, publish
from rl_assets.settings import Settings
from rl_assets.tables.dataset_manifest import require_manifest
from rl_assets_tests.benchmarks.overlap import near_pairs
from rl_assets_tests.support.adapter_samples import sample_manifest
from rl_assets_tests.support.logs import Product, judged

FIRST = date(2026, 10, 1)
PROMPTS_A_NIGHT = 120
CHAMPION_NIGHTS = 7
VOCABULARY = [
    f"{syllable}{ending}"
    for syllable in ["ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru"]
    for ending in "nrstlmk"
]


def asked_on(rng: random.Random, known: list[str]) -> list[str]:
    """The prompts of a night: a third recur, a third are variants of known ones by a word, the others are new."""
    said = []
    for _ in range(PROMPTS_A_NIGHT):
        text = rng.choice(known).split() if known and rng.random() < 2 / 3 else rng.sample(VOCABULARY, 25)
        if rng.random() < 0.5:
            text[rng.randrange(len(text))] = rng.choice(VOCABULARY)
        said.append(" ".join(text))
    return said


def answers(day: date, asked: Sequence[str]) -> Iterator[dict]:
    """A good and a bad answer to each prompt."""
    for place, text in enumerate(asked):
        for score in (0.95, 0.1):
            identity, answer = f"{day}-{place}-{score}", f"{score} is what {place} said on {day}."
            yield judged(identity, score, query=text, answer=answer, timestamp=f"{day}T10:00:00Z")


def planted_adapter(home: Home, day: str) -> Adapter:
    """An adapter that learned the SFT dataset of the day."""
    dataset = require_manifest(home.datasets("sft_dataset", day))
    folder = home.adapters() / "sft" / day
    folder.mkdir(parents=True)
    (folder / WEIGHTS).write_bytes(day.encode())
    used = {"name": "sft_dataset", "day": day, "sha256": dataset.sha256, "used": 1, "dropped": {}, "cut": 0}
    return publish(folder, sample_manifest(day=day, dataset=used))


def learned_prompts(home: Home, adapters: Sequence[Adapter]) -> dict[str, frozenset[str]]:
    """The words of each prompt that the adapters were trained on, by its text."""
    files = [
        home.datasets("sft_dataset", adapter.manifest.dataset.day) / f"{split}.parquet"
        for adapter in adapters
        for split in TRAINING_SPLITS
    ]
    rows = (row for file in files for row in pq.read_table(file, columns=["messages"]).to_pylist())
    texts = {row["messages"][-2]["content"] for row in rows}
    return {text: frozenset(words(text)) for text in texts}


def counted_tonight(home: Home, day: str, compared: Sequence[Adapter], counted: frozenset[str]) -> list[Item]:
    """What `eval_report` asks of the compared models: fresh prompts, and test prompts that are new to both."""
    inputs = EvalInputs(home.datasets("sft_dataset", day), home.datasets("dpo_dataset", day))
    known = learned_keys(home, compared) | with_clusters_of_tonight(home, counted)
    tested = [item for item in inputs.held_out()[0] if item.cluster not in known and item.counted_as not in known]
    return fresh_items(inputs, known) + tested


def nights(folder: Path, count: int) -> Iterator[str]:
    """A line for each night, and one for all."""
    settings = Settings(home=folder, start_date=FIRST)
    home, rng, known, counted = settings.paths, random.Random(1), list[str](), frozenset[str]()
    defs = build_defs(resources={"home": HomeResource.from_settings(settings)}, executor=dg.in_process_executor)
    job, product = defs.resolve_job_def("datasets_job"), Product(home.landing, None)  # type: ignore[arg-type]
    adapters: list[Adapter] = []
    totals = [0, 0, 0]
    with dg.DagsterInstance.ephemeral() as instance:
        for number in range(count):
            day = FIRST + timedelta(days=number)
            asked = asked_on(rng, known)
            known += asked
            product.log(*answers(day, asked), day=day)
            job.execute_in_process(partition_key=str(day), instance=instance)
            if adapters:
                compared = [adapters[-1], adapters[(number - 1) // CHAMPION_NIGHTS * CHAMPION_NIGHTS]]
                items = counted_tonight(home, str(day), compared, counted)
                asked_tonight = {
                    item.prompt[-1]["content"]: frozenset(words(item.prompt[-1]["content"])) for item in items
                }
                learned = learned_prompts(home, compared)
                found = [
                    len(items),
                    len(asked_tonight.keys() & learned.keys()),
                    len(near_pairs(asked_tonight, learned)),
                ]
                totals = [total + one for total, one in zip(totals, found, strict=True)]
                counted |= {item.counted_as for item in items}
                yield f"{day}: {found[0]} prompts counted; learned before: {found[1]} equal, {found[2]} nearly equal"
            adapters.append(planted_adapter(home, str(day)))
    yield f"all nights: {totals[0]} prompts counted; learned before: {totals[1]} equal, {totals[2]} nearly equal"


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(description="Whether a night counts what a compared model has learned.")
    parser.add_argument("--days", type=int, default=30)
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        for line in nights(Path(folder), parser.parse_args().days):
            print(line, flush=True)


if __name__ == "__main__":
    main()
