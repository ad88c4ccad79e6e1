"""Whether any test prompt, or one nearly the same, is trained on: the two weeks of the quickstart, then a month more.

python -m rl_assets_tests.benchmarks.overlap --days 30
"""

import argparse
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from math import ceil
from pathlib import Path

import pyarrow as pa

from rl_assets.datasets.builders import build_grpo, build_kto, build_pairs, build_sft
from rl_assets.datasets.policies import DpoPolicy, GrpoPolicy, KtoPolicy, RewardPolicy, SftPolicy
from rl_assets.datasets.ratings import Window, rate_interactions, rated_as_of
from rl_assets.features.words import words
from rl_assets.lake.delta import Lake
from rl_assets.quickstart.install import install
from rl_assets.tables.records import INTERACTIONS
from rl_assets_tests.support.logs import Product, all_rows, judged, later

QUICKSTART_DAYS = 14
PROMPTS_A_DAY = 150
BUILDERS = {
    "sft": (build_sft, SftPolicy(min_reward=0)),
    "dpo": (build_pairs, DpoPolicy()),
    "reward": (build_pairs, RewardPolicy()),
    "kto": (build_kto, KtoPolicy()),
    "grpo": (build_grpo, GrpoPolicy()),
}
Prompts = dict[str, tuple[str, frozenset[str]]]


def prompts_of(lake: Lake, day: date) -> Prompts:
    """Split and words of every prompt in any of the five datasets as of the day, by prompt key."""
    found: Prompts = {}
    for build, policy in BUILDERS.values():
        connection = rated_as_of(lake, Window(day, None), "1GB")
        for key, split, texts in _asked(all_rows(build(connection, policy))):
            said = frozenset(word for text in texts for word in words(text))
            assert found.setdefault(key, (split, said))[0] == split, f"{key} is in two splits"
    return found


def _asked(rows: pa.Table) -> Iterator[tuple[str, str, list[str]]]:
    for row in rows.to_pylist():
        prompt = row["messages"][:-1] if "messages" in row else row["prompt"]
        yield row["prompt_key"], row["split"], [turn["content"] for turn in prompt if turn["role"] != "system"]


def near_pairs(tested: dict[str, frozenset[str]], trained: dict[str, frozenset[str]]) -> list[tuple[str, str]]:
    """Every pair of a tested and a trained prompt with a Jaccard similarity of 0.9 or more; none is missed.

    Two such sets share one of the first words of each in any fixed order, of n words the first n - ceil(0.9 n) + 1
    (prefix filtering: Bayardo et al. 2007, "Scaling up all pairs similarity search"); here the rarest come first.
    """
    often = Counter(word for said in (*tested.values(), *trained.values()) for word in said)
    holders = defaultdict(list)
    for key, said in trained.items():
        for word in _rarest(said, often):
            holders[word].append(key)
    return [
        (key, other)
        for key, said in tested.items()
        for other in {other for word in _rarest(said, often) for other in holders[word]}
        if 10 * len(said & trained[other]) >= 9 * len(said | trained[other])
    ]


def _rarest(said: frozenset[str], often: Counter[str]) -> list[str]:
    ordered = sorted(said, key=lambda word: (often[word], word))
    return ordered[: len(ordered) - ceil(0.9 * len(ordered)) + 1]


def overlap(prompts: Prompts) -> tuple[int, int, int, int]:
    """(test prompts, other prompts, exact overlaps, near overlaps) of the test split with the two others."""
    tested = {key: said for key, (split, said) in prompts.items() if split == "test"}
    trained = {key: said for key, (split, said) in prompts.items() if split != "test"}
    return len(tested), len(trained), len(tested.keys() & trained.keys()), len(near_pairs(tested, trained))


def more_logs(product: Product, days: int) -> Iterator[date]:
    """Land days of prompts that are those of the quickstart again, variants of them by a word, and new ones."""
    rng = random.Random(1)
    rows = product.lake.read(INTERACTIONS, product.lake.days(INTERACTIONS)).to_table(columns=["prompt"]).to_pylist()
    known = sorted({row["prompt"][-1]["content"] for row in rows})
    vocabulary = sorted({word for text in known for word in text.split()})
    for number in range(QUICKSTART_DAYS, QUICKSTART_DAYS + days):
        asked = [_another(rng, known, vocabulary) for _ in range(PROMPTS_A_DAY)]
        known += asked
        product.log(*_answers(number, asked), day=later(number), name="more.jsonl")
        yield later(number)


def _another(rng: random.Random, known: list[str], vocabulary: list[str]) -> str:
    said = rng.choice(known).split()
    if rng.random() < 0.8:
        for _ in range(rng.choice([1, 1, 2])):
            said[rng.randrange(len(said))] = rng.choice(vocabulary)
    return " ".join(said if rng.random() < 0.9 else rng.sample(vocabulary, 25))


def _answers(number: int, asked: list[str]) -> Iterator[dict]:
    for place, text in enumerate(asked):
        for score in (0.9, 0.1):
            identity, answer = f"more-{number}-{place}-{score}", f"{score} is what {place} said on {number}."
            yield judged(identity, score, query=text, answer=answer, timestamp=f"{later(number)}T10:00:00Z")


def report(when: str, before: Prompts, now: Prompts) -> str:
    """One line of what was found, and how many prompts have another split than before."""
    tested, trained, exact, near = overlap(now)
    moved = sum(now[key][0] != split for key, (split, _) in before.items() if key in now)
    return f"{when}: {tested} test prompts, {trained} others, exact overlap {exact}, near {near}, moved {moved}"


def main() -> None:
    """Print a line after the quickstart's days, and one after every ten days more."""
    parser = argparse.ArgumentParser(description="Overlap of the test split with what is trained on.")
    parser.add_argument("--days", type=int, default=30)
    days = parser.parse_args().days
    with tempfile.TemporaryDirectory() as home:
        install(Path(home))
        product = Product(Path(home) / "landing", Lake(f"{home}/lake"))
        for number in range(QUICKSTART_DAYS):
            product.ingest(later(number))
        rate_interactions(product.lake, Window(later(QUICKSTART_DAYS - 1), None))
        prompts = prompts_of(product.lake, later(QUICKSTART_DAYS - 1))
        print(report("quickstart", {}, prompts), flush=True)
        for number, day in enumerate(more_logs(product, days), 1):
            product.ingest(day)
            rate_interactions(product.lake, Window(day, None))
            if number % 10 == 0 or number == days:
                before, prompts = prompts, prompts_of(product.lake, day)
                print(report(f"{number} days later", before, prompts), flush=True)


if __name__ == "__main__":
    main()
