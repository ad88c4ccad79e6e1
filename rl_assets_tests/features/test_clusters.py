"""Near-duplicate prompts share a cluster and a split, whatever lands later."""

import random
from collections.abc import Iterable
from datetime import date
from functools import cache
from itertools import combinations
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from rensa import RMinHash

from rl_assets.core import sql
from rl_assets.core.identity import prompt_key
from rl_assets.datasets.builders import build_grpo, build_kto, build_pairs, build_sft
from rl_assets.datasets.policies import DpoPolicy, GrpoPolicy, KtoPolicy, RewardPolicy, SftPolicy
from rl_assets.features.clusters import NearDuplicate, NewPrompts, assign_clusters, choose_clusters
from rl_assets.features.minhash import SignatureError, bands, word_hashes, words
from rl_assets.lake.delta import Lake
from rl_assets.tables.features import PROMPT_CLUSTERS
from rl_assets.tables.records import MESSAGES
from rl_assets_tests.support.logs import Product, judged, later

VOCABULARY = [f"word{number}" for number in range(400)]
BUILDERS = (
    (build_sft, SftPolicy()),
    (build_pairs, DpoPolicy()),
    (build_pairs, RewardPolicy()),
    (build_kto, KtoPolicy()),
    (build_grpo, GrpoPolicy()),
)
SYSTEM = "You are a helpful desk. " * 20


def key(text: str) -> str:
    return prompt_key(["user"], [text], None, None)


def jaccard(a: str, b: str) -> float:
    ours, theirs = set(words(a)), set(words(b))
    return len(ours & theirs) / len(ours | theirs)


def near_pairs(ours: dict[str, set[str]], theirs: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Pairs of one prompt of each whose sets of words have nine of ten in common."""
    return [
        (a, b)
        for a, said in ours.items()
        for b, other in theirs.items()
        if 10 * len(said & other) >= 9 * len(said | other)
    ]


def place(lake: Lake, day: date, texts: Iterable[str], system: str | None = None) -> NewPrompts:
    """Place prompts as if they had landed on `day`."""
    turns = [{"role": "system", "content": system}] if system else []
    prompts = [[*turns, {"role": "user", "content": text}] for text in texts]
    table = pa.table(
        {
            "interaction_id": [f"{day}-{number}" for number in range(len(prompts))],
            "prompt": pa.array(prompts, MESSAGES),
            "prompt_key": [key(text) for text in texts],
        }
    )
    landed = sql.connect()
    landed.register("interactions", table)
    return assign_clusters(landed, lake, day)


def placed(lake: Lake) -> dict[str, str | None]:
    """The cluster of every prompt that was placed."""
    rows = lake.read(PROMPT_CLUSTERS, lake.keys(PROMPT_CLUSTERS)).to_table().to_pylist()
    assert len({row["prompt_key"] for row in rows}) == len(rows)
    return {row["prompt_key"]: row["cluster_key"] for row in rows}


@cache
def connection() -> duckdb.DuckDBPyConnection:
    return sql.connect()


def split(cluster: str | None) -> str | None:
    return connection().sql("SELECT split_of($key)", params={"key": cluster}).fetchall()[0][0]


def varied(text: str, rng: random.Random) -> str:
    """The text with one word, or two, replaced: of 20 words or more most are still nearly the same."""
    said = text.split()
    for _ in range(rng.choice([1, 1, 1, 2])):
        said[rng.randrange(len(said))] = rng.choice(VOCABULARY)
    return " ".join(said)


def month(rng: random.Random) -> list[list[str]]:
    """Thirty days of prompts, of which most are variants of earlier ones, so that chains and bridges come up."""
    known = [" ".join(rng.sample(VOCABULARY, rng.randint(20, 40))) for _ in range(20)]
    days = []
    for _ in range(30):
        day = [varied(rng.choice(known), rng) for _ in range(25)]
        known += day
        days.append(day)
    return days


def test_after_a_month_no_prompt_has_moved_and_none_is_near_one_of_another_split(tmp_path):
    lake, texts = Lake(str(tmp_path)), {}
    before: dict[str, str | None] = {}
    for number, day in enumerate(month(random.Random(1))):
        place(lake, later(number), day)
        texts |= {key(text): text for text in day}
        now = placed(lake)
        assert {prompt: now[prompt] for prompt in before} == before
        before = now
    splits = {prompt: split(cluster) for prompt, cluster in before.items()}
    said = {prompt: set(words(text)) for prompt, text in texts.items()}
    near = [(a, b) for a, b in combinations(said, 2) if 10 * len(said[a] & said[b]) >= 9 * len(said[a] | said[b])]
    told_apart = [(a, b) for a, b in near if None not in (splits[a], splits[b]) and splits[a] != splits[b]]
    assert set(splits) == set(texts)
    assert len(near) > 300
    assert None in splits.values()  # Bridges came up, or this shows nothing.
    assert told_apart == []


def test_the_same_days_give_the_same_clusters_whatever_the_order_within_a_day(tmp_path):
    days = month(random.Random(2))[:6]
    straight, shuffled = Lake(str(tmp_path / "a")), Lake(str(tmp_path / "b"))
    for number, day in enumerate(days):
        place(straight, later(number), day)
        place(shuffled, later(number), random.Random(number).sample(day, len(day)))
    assert placed(straight) == placed(shuffled)
    again = straight.open(PROMPT_CLUSTERS).version()
    assert place(straight, later(3), days[3]) == NewPrompts(0, 0)
    assert straight.open(PROMPT_CLUSTERS).version() == again


def bridged(lake: Lake) -> tuple[str, str, str]:
    """Two prompts of different splits that are not nearly the same, and one that is nearly the same as both."""
    rng = random.Random(3)
    while True:
        first = rng.sample(VOCABULARY, 40)
        between, second = [*first[:-2], "x1", "x2"], [*first[2:-2], "x1", "x2", "y1", "y2"]
        one, bridge, two = (" ".join(said) for said in (first, between, second))
        if split(key(one)) == "train" and split(key(two)) == "test":
            assert jaccard(one, two) < 0.9 <= min(jaccard(one, bridge), jaccard(bridge, two))
            return one, bridge, two


def test_a_prompt_between_two_splits_moves_neither_and_joins_none(tmp_path):
    lake = Lake(str(tmp_path))
    one, bridge, two = bridged(lake)
    place(lake, later(0), [one, two])
    place(lake, later(1), [bridge])
    assert placed(lake) == {key(one): key(one), key(two): key(two), key(bridge): None}


def test_a_day_that_lands_late_moves_nothing(tmp_path):
    lake = Lake(str(tmp_path))
    one, bridge, two = bridged(lake)
    place(lake, later(5), [one])
    before = placed(lake)
    place(lake, later(0), [bridge])
    assert placed(lake) == {**before, key(bridge): key(one)}
    place(lake, later(1), [two])
    assert placed(lake)[key(two)] == key(one)  # It is nearly the same as the bridge, which is in that cluster.


def test_prompts_that_differ_by_a_common_system_turn_only_are_compared_without_it(tmp_path):
    lake = Lake(str(tmp_path))
    place(lake, later(0), ["Where is my order?", "How do I return a shoe?"], system=SYSTEM)
    assert placed(lake) == {key(text): key(text) for text in ("Where is my order?", "How do I return a shoe?")}


def test_a_template_that_very_many_prompts_fill_costs_in_proportion_and_keeps_them_apart(tmp_path):
    lake = Lake(str(tmp_path))
    assert place(lake, later(0), [f"Where is order {number}?" for number in range(3000)]) == NewPrompts(3000, 3000)


def test_prompts_without_words_are_their_own_clusters(tmp_path):
    lake = Lake(str(tmp_path))
    assert place(lake, later(0), ["???", "...!", "🙂"]) == NewPrompts(2, 2)


def test_of_fresh_prompts_the_first_founds_the_cluster_and_the_others_join_it():
    near = [
        NearDuplicate("b", "a", "a", "train"),
        NearDuplicate("c", "b", "b", "test"),
        NearDuplicate("d", "z", "y", "test"),
    ]
    assert choose_clusters(near) == {"b": "a", "c": "a", "d": "y"}


def test_signatures_stay_what_they_were_and_another_algorithm_is_refused(monkeypatch):
    assert word_hashes(["Where is my order?"]) == [495948614, 1022026391, 3092500109, 4113142680]
    assert bands([word_hashes(["Where is my order?"])])[0][:3] == [1057388755, 2911910553, 2364019709]
    assert RMinHash.ALGORITHM_VERSION == 2
    monkeypatch.setattr("rl_assets.features.minhash.ALGORITHM_VERSION", 1)
    with pytest.raises(SignatureError, match=r"version 2, stored ones are of version 1"):
        bands([[1]])


def lines(texts: list[str], day: int) -> list[dict]:
    """A good and a bad answer to each of the prompts."""
    return [
        judged(
            f"{day}-{number}-{score}",
            score,
            query=text,
            answer=f"{score} of {number} on {day}",
            timestamp=f"{later(day)}T10:00:00Z",
        )
        for number, text in enumerate(texts)
        for score in (0.9, 0.1)
    ]


def test_no_dataset_trains_on_what_is_near_a_test_prompt_of_any(product: Product):
    days = month(random.Random(4))[:4]
    trained: dict[str, set[str]] = {}
    tested: dict[str, set[str]] = {}
    for number, texts in enumerate(days):
        product.log(*lines(texts, number), day=later(number))
        product.ingest(later(number))
        for build, policy in BUILDERS:
            _, rows = product.build(build, policy, later(number))
            for row in rows:
                text = (row.get("prompt") or row["messages"])[0]["content"]
                (tested if row["split"] == "test" else trained)[text] = set(words(text))
    assert len(tested) > 3 and len(trained) > 50
    assert near_pairs(tested, trained) == []


def test_the_quickstart_tests_on_nothing_near_what_it_trains_on(tmp_path: Path):
    from rl_assets.ingest.landing import files_of
    from rl_assets.quickstart.install import install

    install(tmp_path)
    product = Product(tmp_path / "landing", Lake(str(tmp_path / "lake")))
    assert files_of(product.landing, later(0))
    trained: dict[str, set[str]] = {}
    tested: dict[str, set[str]] = {}
    for number in range(3):
        product.ingest(later(number))
    for build, policy in BUILDERS:
        _, rows = product.build(build, policy, later(2))
        for row in rows:
            said = row.get("prompt") or row["messages"][:-1]
            texts = [turn["content"] for turn in said if turn["role"] != "system"]
            (tested if row["split"] == "test" else trained)[row["prompt_key"]] = {
                word for text in texts for word in words(text)
            }
    assert len(tested) > 20 and len(trained) > 500
    assert near_pairs(tested, trained) == []
