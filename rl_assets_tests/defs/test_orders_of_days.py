"""Days in any order, and their lines in any files, through Dagster: equal splits, and datasets of equal content."""

import random
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.features.words import words
from rl_assets.lake.delta import Lake
from rl_assets.settings import Settings
from rl_assets.tables.dataset_ledger import DATASETS
from rl_assets.tables.dataset_manifest import require_manifest
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets_tests.support.logs import Product, judged, later

DAYS = 4
SYMBOLS = ("\U0001f44d", "\U0001f44d\ufe0f \U0001f44d", "-->", "--> -->", "???", "\U0001f389")
Lines = list[list[dict]]


def chains() -> list[list[str]]:
    """The prompts of each day: chains, each link nearly the same as the next and unlike the one after, and symbols."""
    rng, days = random.Random(4), [[] for _ in range(DAYS)]
    for chain in range(6):
        said = [f"c{chain}w{number}" for number in range(40)]
        for link in range(8):
            said[5 * link : 5 * link + 2] = [f"c{chain}l{link}{side}" for side in "ab"]
            rng.choice(days).append(" ".join(said))
    for number, symbols in enumerate(SYMBOLS):
        days[number % DAYS].append(symbols)
    days[0].append(days[2][0].upper() + "?")  # The same prompt again, on an earlier day.
    return days


def lines() -> Lines:
    """A good and a bad answer to each prompt of each day."""
    return [
        [
            judged(f"d{day}p{number}-{score}", score, query=prompt, answer=f"Answer {score} to {day}/{number}.",
                   timestamp=f"{later(day)}T10:00:00Z")
            for number, prompt in enumerate(prompts)
            for score in (1.0, 0.0)
        ]
        for day, prompts in enumerate(chains())
    ]  # fmt: skip


def land(product: Product, rng: random.Random) -> None:
    """Each day's lines in one to four files, in any order."""
    for day, of_day in enumerate(lines()):
        mixed, files = rng.sample(of_day, len(of_day)), rng.randint(1, 4)
        for number in range(files):
            product.log(*mixed[number::files], day=later(day), name=f"{rng.randrange(10**6)}-{number}.jsonl")


def materialize(home: Path, days: list[int]) -> None:
    """The features of the days in that order, one run each, and then all of the last day, whose window holds them."""
    resources = {"home": HomeResource.from_settings(Settings(home=home))}
    job = build_defs(resources=resources, executor=dg.in_process_executor).resolve_job_def("datasets_job")
    raw = [dg.AssetKey(name) for name in ("interactions", "feedback", "rejected_records", "ingested_files")]
    features = [*raw, dg.AssetKey("interaction_features")]
    with dg.DagsterInstance.ephemeral() as instance:
        for day in days:
            assert job.execute_in_process(
                partition_key=str(later(day)), asset_selection=features, instance=instance
            ).success
        assert job.execute_in_process(partition_key=str(later(DAYS - 1)), instance=instance).success


def result_of(home: Path, order: int) -> tuple[dict[str, str], dict[str, tuple[str, str | None]]]:
    """The hashes of the datasets, and each answer's prompt and split, after the days came in an order of their own."""
    rng = random.Random(order)
    product = Product(home / "landing", Lake(str(home / "lake")))
    land(product, rng)
    materialize(home, list(range(DAYS)) if order == 0 else rng.sample(range(DAYS), DAYS))
    last = later(DAYS - 1)
    hashes = {name: require_manifest(home / "datasets" / name / str(last)).sha256 for name in DATASETS}
    rated = product.rows(RATED_INTERACTIONS, last)
    return hashes, {row["interaction_id"]: (row["prompt_key"], row["split"]) for row in rated}


def check_no_prompt_in_two_splits(rated: dict[str, tuple[str, str | None]]) -> None:
    """Exact, near and symbol-only prompts, found by comparing texts here, not by trusting keys."""
    texts = {row["interaction_id"]: row["query"] for of_day in lines() for row in of_day}
    assert set(texts) == set(rated)
    sides = {texts[name]: split for name, (_, split) in rated.items() if split}
    assert len(set(sides.values())) > 1, "there is something to keep apart"
    for text, split in sides.items():
        for other, its_split in sides.items():
            if alike(text, other):
                assert split == its_split, (text, other)


def alike(one: str, other: str) -> bool:
    ours, theirs = (set(words(text)) or {*text.replace("\ufe0f", "").replace(" ", "")} for text in (one, other))
    return 10 * len(ours & theirs) >= 9 * len(ours | theirs)


# Few prompts in other orders are in the first tier: features/test_clusters.py and datasets/test_splits.py.
@pytest.mark.slow
def test_four_orders_of_days_and_groupings_of_files_give_equal_splits_and_datasets(tmp_path: Path):
    results = [result_of(tmp_path / str(order), order) for order in range(4)]
    assert all(result == results[0] for result in results)
    check_no_prompt_in_two_splits(results[0][1])
