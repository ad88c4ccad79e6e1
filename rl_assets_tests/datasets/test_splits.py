"""The split of a prompt: one for all datasets, and it never moves."""

from collections import Counter

import pytest

from rl_assets.datasets.policies import Policy
from rl_assets_tests.support.logs import Product, judged, later
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


@pytest.fixture
def grown(product: Product) -> Product:
    """A log whose second day repeats prompts of the first and has new ones."""
    product.log(*lines(range(PROMPTS)))
    product.log(*lines(range(PROMPTS // 2, 2 * PROMPTS), "2026-10-02"), day=later(1))
    product.ingest()
    product.ingest(later(1))
    return product


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
