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

from rl_assets.core import sql
from rl_assets.core.identity import prompt_key
from rl_assets.datasets.builders import build_grpo, build_kto, build_pairs, build_sft
from rl_assets.datasets.policies import DpoPolicy, GrpoPolicy, KtoPolicy, RewardPolicy, SftPolicy
from rl_assets.features.clusters import NewPrompts, assign_clusters
from rl_assets.features.words import word_hashes, words
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


def bridged() -> tuple[str, str, str]:
    """Two prompts of different splits that are not nearly the same, and one that is nearly the same as both."""
    rng = random.Random(3)
    while True:
        first = rng.sample(VOCABULARY, 40)
        between, second = [*first[:-2], "x1", "x2"], [*first[2:-2], "x1", "x2", "y1", "y2"]
        one, bridge, two = (" ".join(said) for said in (first, between, second))
        if split(key(one)) == "train" and split(key(two)) == "test":
            assert jaccard(one, two) < 0.9 <= min(jaccard(one, bridge), jaccard(bridge, two))
            return one, bridge, two


@pytest.mark.slow
def test_after_a_month_no_prompt_has_moved_and_none_is_near_one_of_another_split(tmp_path):
    lake, texts = Lake(str(tmp_path)), {}
    before: dict[str, str | None] = {}
    days = month(random.Random(1))
    one, bridge, two = bridged()
    days[0] += [one, two]
    days[1].append(bridge)
    for number, day in enumerate(days):
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
    assert splits[key(bridge)] is None
    assert told_apart == []


def test_a_day_that_is_read_again_changes_nothing(tmp_path):
    lake, days = Lake(str(tmp_path)), month(random.Random(2))[:3]
    for number, day in enumerate(days):
        place(lake, later(number), day)
    version = lake.open(PROMPT_CLUSTERS).version()
    assert place(lake, later(1), days[1]) == NewPrompts(0, 0)
    assert lake.open(PROMPT_CLUSTERS).version() == version


def chains(rng: random.Random) -> list[list[str]]:
    """Five days, over two months, of chains of prompts, each nearly the same as the next and unlike the one after."""
    days: list[list[str]] = [[] for _ in range(5)]
    for chain in range(6):
        said = [f"c{chain}w{number}" for number in range(40)]
        for link in range(8):
            said[5 * link : 5 * link + 2] = [f"c{chain}l{link}{side}" for side in "ab"]
            rng.choice(days).append(" ".join(said))
    one, bridge, two = bridged()
    days[0] += [one, two, days[2][0]]  # A prompt that comes again on an earlier day, too.
    days[1] += [bridge, days[3][0], days[4][0]]
    return days


@pytest.mark.slow  # Several seconds of CPU.
def test_clusters_are_the_same_in_whatever_order_the_days_and_their_files_are_read(tmp_path):
    days, rng = chains(random.Random(4)), random.Random(7)
    landings = [(number * 10, file) for number, day in enumerate(days) for file in (day[::2], day)]
    results = []
    for order in range(5):
        lake = Lake(str(tmp_path / str(order)))
        for number, day in enumerate(days) if order == 0 else rng.sample(landings, len(landings)):
            place(lake, later(number * 10 if order == 0 else number), day)
        results.append(placed(lake))
    assert len(results[0]) == 6 * 8 + 3 and results[0][key(bridged()[1])] is None
    assert all(result == results[0] for result in results)


def test_a_late_day_moves_those_prompts_of_later_days_that_are_near_its_own_and_no_others(tmp_path):
    lake = Lake(str(tmp_path))
    one, bridge, _ = bridged()
    place(lake, later(40), [one, "Where is my order?"])
    assert place(lake, later(0), [bridge]) == NewPrompts(1, 1, moved_prompts=1)
    assert placed(lake) == {key(bridge): key(bridge), key(one): key(bridge)} | dict.fromkeys(
        [key("Where is my order?")], key("Where is my order?")
    )


def test_a_prompt_between_two_splits_moves_neither_and_joins_none(tmp_path):
    lake = Lake(str(tmp_path))
    one, bridge, two = bridged()
    place(lake, later(0), [one, two])
    place(lake, later(1), [bridge])
    assert placed(lake) == {key(one): key(one), key(two): key(two), key(bridge): None}


def test_prompts_that_differ_by_a_common_system_turn_only_are_compared_without_it(tmp_path):
    lake = Lake(str(tmp_path))
    place(lake, later(0), ["Where is my order?", "How do I return a shoe?"], system=SYSTEM)
    assert placed(lake) == {key(text): key(text) for text in ("Where is my order?", "How do I return a shoe?")}


def test_a_template_that_very_many_prompts_fill_costs_in_proportion_and_keeps_them_apart(tmp_path):
    lake = Lake(str(tmp_path))
    assert place(lake, later(0), [f"Where is order {number}?" for number in range(3000)]) == NewPrompts(3000, 3000)


def test_prompts_without_letters_and_digits_are_compared_by_their_characters(tmp_path):
    lake = Lake(str(tmp_path))
    place(lake, later(0), ["\U0001f44d", "\U0001f44d\ufe0f \U0001f44d", "\U0001f389", "-->", "--> -->", "???"])
    clusters = placed(lake)
    assert clusters[key("\U0001f44d")] == clusters[key("\U0001f44d\ufe0f \U0001f44d")]
    assert clusters[key("-->")] == clusters[key("--> -->")]
    assert len(set(clusters.values())) == 4


def test_prompts_of_a_template_with_two_places_to_fill_in_share_a_cluster_if_they_share_a_name(tmp_path):
    lake, rng = Lake(str(tmp_path)), random.Random(1)
    words_of_it = " ".join(VOCABULARY[:28])
    texts = [f"{words_of_it} name{rng.randrange(40)} number{number}" for number in range(3000)]
    place(lake, later(0), texts)
    clusters = placed(lake)
    by_name = {text.split()[-2]: clusters[key(text)] for text in texts}
    assert all(clusters[key(text)] == by_name[text.split()[-2]] for text in texts)
    assert len(set(clusters.values())) == 40


def test_the_hashes_of_words_stay_what_they_were():
    assert word_hashes(["Where is my order?"]) == [495948614, 1022026391, 3092500109, 4113142680]


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


@pytest.mark.slow
def test_no_dataset_trains_on_what_is_near_a_test_prompt_of_any(product: Product):
    days = month(random.Random(6))[:4]
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
    assert len(tested) >= 3 and len(trained) > 50
    assert near_pairs(tested, trained) == []


@pytest.mark.slow
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
