"""The split of a prompt: one for all datasets, and it never moves."""

from collections import Counter

import pytest

from rl_assets.core.identity import PromptRules
from rl_assets.datasets.builders import build_grpo, build_pairs
from rl_assets.datasets.policies import DpoPolicy, GrpoPolicy, Policy
from rl_assets.datasets.ratings import Window, rate_interactions
from rl_assets.lake.delta import Lake
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets_tests.support.logs import DAY, Product, judged, later
from rl_assets_tests.support.published_datasets import BUILDERS

PROMPTS = 600


def lines(prompts: range, day: str = "2026-10-01") -> list[dict]:
    """Two different answers to each of the prompts."""
    return [
        judged(f"{day}-{i}-{side}", score, query=f"Question {i}?", answer=text, timestamp=f"{day}T10:00:00Z")
        for i in prompts
        for side, score, text in (("good", 0.9, f"{i}: yes, of course."), ("bad", 0.1, f"Not today, I am {i}."))
    ]


def splits(product: Product, builder, policy: Policy, day) -> dict[str, str]:
    _, rows = product.build(builder, policy, day)
    found = {row["prompt_key"]: row["split"] for row in rows}
    assert {(row["prompt_key"], row["split"]) for row in rows} == set(found.items())
    return found


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """A log whose second day repeats prompts of the first and has new ones."""
    home = tmp_path_factory.mktemp("grown")
    product = Product(home / "landing", Lake(str(home / "lake")))
    product.log(*lines(range(PROMPTS)))
    product.log(*lines(range(PROMPTS // 2, 2 * PROMPTS), "2026-10-02"), day=later(1))
    product.ingest()
    product.ingest(later(1))
    return product


@pytest.mark.slow  # Several seconds of CPU.
def test_all_datasets_agree_on_the_split_of_a_prompt_and_logs_that_grow_never_move_it(grown: Product):
    sft, *others = (splits(grown, *builder, later(0)) for builder in BUILDERS)
    assert len(sft) == PROMPTS
    assert others == [sft] * 4
    for builder in BUILDERS:
        grew = splits(grown, *builder, later(1))
        assert len(grew) == 2 * PROMPTS
        assert {key: grew[key] for key in sft} == sft


def test_splits_are_about_90_5_and_5_percent_of_the_prompts(grown: Product):
    counts = Counter(row["split"] for row in grown.rated(later(1)).values())
    shares = {split: count / sum(counts.values()) for split, count in counts.items()}
    assert shares == pytest.approx({"train": 0.9, "validation": 0.05, "test": 0.05}, abs=0.03)


def test_a_prompt_written_otherwise_stays_in_its_split(product: Product):
    product.log(
        *(judged(str(i), 0.9, query=text) for i, text in enumerate(["Hello you", "HELLO you?", " hello\tyou!! "]))
    )
    product.ingest()
    assert len({(row["prompt_key"], row["split"]) for row in product.rated().values()}) == 1


def test_a_date_in_the_system_turn_leaves_pairs_and_groups_and_stays_in_what_is_trained_on(product: Product):
    for number, (day, score) in enumerate([("10", 0.95), ("11", 0.05), ("12", 0.4)]):
        system = f"You are a helpful desk. Today is 2026-09-{day}, {day}:03:22 UTC."
        product.log(judged(f"d{number}", score, answer=f"{score} {day}", system=system), name=f"{number}.jsonl")
    product.ingest()
    _, pairs = product.build(build_pairs, DpoPolicy())
    _, groups = product.build(build_grpo, GrpoPolicy(group_size=2))
    assert len(pairs) > 0 and len(groups) == 1
    assert "Today is 2026-09-" in pairs[0]["prompt"][0]["content"]


def test_prompts_that_differ_in_numbers_only_share_a_split_if_digits_are_ignored(product: Product):
    product.log(*(judged(str(number), 0.9, query=f"What about case {number}?") for number in range(40)))
    product.ingest()
    rate_interactions(product.lake, Window(DAY, 30))
    assert len({row["cluster_key"] for row in product.rows(RATED_INTERACTIONS, DAY)}) == 40
    rate_interactions(product.lake, Window(DAY, 30), rules=PromptRules(ignore_digits=True))
    assert len({row["cluster_key"] for row in product.rows(RATED_INTERACTIONS, DAY)}) == 1


@pytest.mark.parametrize("size", [1, *(pytest.param(size, marks=pytest.mark.slow) for size in (5, 20))])
def test_clusters_of_every_size_are_held_out_alike(product: Product, size: int):
    """The words of each cluster are its own; its prompts differ in one of 27."""
    clusters = 400
    said = [" ".join(f"c{cluster}w{word}" for word in range(26)) for cluster in range(clusters)]
    product.log(
        *(
            judged(f"{cluster}-{member}", 0.9, query=f"{said[cluster]} variant{member}")
            for cluster in range(clusters)
            for member in range(size)
        )
    )
    product.ingest()
    rated = product.rated().values()
    splits = {row["cluster_key"]: row["split"] for row in rated}
    assert len(rated) == clusters * size and len(splits) == clusters
    held_out = sum(split != "train" for split in splits.values())
    assert abs(held_out - 0.1 * clusters) <= 3 * (clusters * 0.1 * 0.9) ** 0.5
