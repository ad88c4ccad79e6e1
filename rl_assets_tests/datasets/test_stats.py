"""Statistics as of a day: rates that never divide by nothing, and a recommendation that follows from what is there."""

import json

import pytest

from rl_assets.datasets.ratings import Window
from rl_assets.datasets.stats import StatsOfDay, recommendation, write_stats
from rl_assets.tables.dataset_ledger import DATASETS
from rl_assets.tables.interaction_stats import STATS
from rl_assets_tests.support.dataset_samples import write_dataset_manifest
from rl_assets_tests.support.logs import DAY, Product, interaction, judged, later
from rl_assets_tests.support.published_datasets import publish_datasets


def stats(product: Product, root) -> StatsOfDay:
    product.ingest()
    publish_datasets(product, root)
    return write_stats(product.lake, Window(DAY, 30), root)


def test_a_product_is_counted_by_quality_errors_agents_and_categories(product: Product, tmp_path):
    product.log(
        judged("a", 0.9, latency_ms=100, category="orders"),
        judged("b", 0.8, latency_ms=200, agent_type="other", category="orders"),
        judged("c", 0.9, latency_ms=300, error_occurred=True),
        judged("d", 0.79, latency_ms=400),
        interaction("e", latency_ms=500),
    )
    found = stats(product, tmp_path).window
    assert (found["answers"], found["rated"], found["high_quality"], found["errors"]) == (5, 4, 2, 1)
    assert (found["high_quality_rate"], found["error_rate"]) == (0.5, 0.2)
    assert (found["latency_p50_ms"], found["latency_p95_ms"]) == (300, pytest.approx(480))
    assert json.loads(found["by_agent"]) == {"desk": 4, "other": 1}
    assert json.loads(found["by_category"]) == {"": 3, "orders": 2}


def test_a_day_without_answers_has_rates_of_0(product: Product, tmp_path):
    found = stats(product, tmp_path)
    for row in (found.day, found.window):
        assert (row["answers"], row["high_quality_rate"], row["error_rate"]) == (0, 0, 0)
        assert (row["by_agent"], row["latency_p50_ms"]) == ("{}", None)
    assert found.window["recommendation"] == "few-shot prompting, not training (0 usable rows)"


def test_the_day_is_what_landed_on_it_and_the_window_is_all_of_it(product: Product, tmp_path):
    product.log(judged("a", 0.9))
    product.ingest()
    product.log(judged("b", 0.1, query="B", timestamp=f"{later(1)}T01:00:00Z"), day=later(1))
    product.ingest(later(1))
    product.rated(later(1))
    for name in DATASETS:
        folder = tmp_path / name / str(later(1))
        folder.mkdir(parents=True)
        write_dataset_manifest(folder, {"train": 3, "test": 1})
    found = write_stats(product.lake, Window(later(1), 30), tmp_path)
    assert (found.day["answers"], found.window["answers"]) == (1, 2)
    assert (found.day["sft_rows"], found.window["sft_rows"]) == (None, 4)
    assert len(product.rows(STATS, later(1))) == 2


def test_what_could_be_built_is_what_was_built(product: Product, tmp_path):
    product.log(
        *(judged(f"{q}-{i}", i, query=f"Q {q}?", answer=f"{'Yes, it is' if i else 'No, never'} {q}")
          for q in range(30) for i in (0, 1))
    )  # fmt: skip
    found = stats(product, tmp_path).window
    assert {name: found[name] for name in ("sft_rows", "dpo_pairs", "reward_pairs", "kto_rows", "grpo_groups")} == {
        "sft_rows": 30,
        "dpo_pairs": 30,
        "reward_pairs": 30,
        "kto_rows": 60,
        "grpo_groups": 30,
    }


def test_a_missing_dataset_is_named(product: Product, tmp_path):
    product.ingest()
    product.rated()
    with pytest.raises(FileNotFoundError, match=r"there is no dataset in .*: materialize sft_dataset of 2026-10-01"):
        write_stats(product.lake, Window(DAY, 30), tmp_path)


@pytest.mark.parametrize(
    ("rows", "pairs", "groups", "said"),
    [
        (99, 500, 500, "few-shot prompting, not training (99 usable rows)"),
        (100, 0, 0, "SFT (100 usable rows)"),
        (999, 0, 0, "SFT (999 usable rows)"),
        (1_000, 500, 0, "SFT, then DPO (1000 usable rows)"),
        (1_000, 7, 0, "SFT, then DPO (1000 usable rows; 7 pairs, DPO needs 100 or more)"),
        (10_000, 900, 99, "SFT, then DPO, then GRPO (10000 usable rows; 99 groups, GRPO needs 100 or more)"),
    ],
)
def test_the_recommendation_follows_from_the_rows(rows, pairs, groups, said):
    assert recommendation(rows, pairs, groups) == said
