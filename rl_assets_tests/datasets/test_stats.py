"""Statistics as of a day: rates that never divide by nothing, and a recommendation that follows from what is there."""

import json

import pytest

from rl_assets.datasets.ratings import Window
from rl_assets.datasets.stats import StatsOfDay, recommendation, write_stats
from rl_assets.tables.dataset_ledger import DATASETS
from rl_assets.tables.interaction_stats import STATS
from rl_assets.tables.usable_rows import UsableRows
from rl_assets_tests.support.dataset_samples import write_dataset_manifest
from rl_assets_tests.support.logs import DAY, Product, interaction, judged, later
from rl_assets_tests.support.published_datasets import publish_datasets


def trainable(**rows: int) -> dict[str, UsableRows]:
    """So many rows of each kind, of which a recipe asks for 50."""
    kinds = ("sft", "dpo", "reward", "kto", "grpo")
    counts = {kind: rows.get(kind, 0) for kind in kinds}
    return {
        kind: UsableRows(kind, count, 50, None if count >= 50 else f"{count} rows of 50")
        for kind, count in counts.items()
    }


def stats(product: Product, root) -> StatsOfDay:
    product.ingest()
    publish_datasets(product, root)
    return write_stats(product.lake, Window(DAY, 30), root, trainable())


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
    assert found.window["recommendation"].startswith("few-shot prompting, not training (sft would not train: ")


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
    found = write_stats(product.lake, Window(later(1), 30), tmp_path, trainable(sft=3))
    assert (found.day["answers"], found.window["answers"]) == (1, 2)
    assert (found.day["sft_rows"], found.window["sft_rows"]) == (None, 4)
    assert (found.day["sft_trainable"], found.window["sft_trainable"]) == (None, 3)
    assert len(product.rows(STATS, later(1))) == 2


@pytest.mark.slow
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
        write_stats(product.lake, Window(DAY, 30), tmp_path, trainable())


@pytest.mark.parametrize(
    ("rows", "pairs", "groups", "said"),
    [
        (49, 500, 500, "few-shot prompting, not training (sft would not train: 49 rows of 50; "),
        (99, 500, 500, "few-shot prompting, not training (sft would train on 99 rows; "),
        (100, 0, 0, "SFT (sft would train on 100 rows; dpo would not train: 0 rows of 50)"),
        (999, 60, 0, "SFT (sft would train on 999 rows; dpo would train on 60 rows)"),
        (1_000, 500, 0, "SFT, then DPO (sft would train on 1000 rows; dpo would train on 500 rows)"),
        (1_000, 7, 0, "SFT (sft would train on 1000 rows; dpo would not train: 7 rows of 50)"),
        (10_000, 900, 49, "SFT, then DPO (sft would train on 10000 rows; dpo would train on 900 rows; grpo would not"),
        (10_000, 900, 90, "SFT, then DPO, then GRPO (sft would train on 10000 rows; "),
    ],
)
def test_the_recommendation_follows_from_the_rows_that_would_be_trained_on(rows, pairs, groups, said):
    assert recommendation(trainable(sft=rows, dpo=pairs, grpo=groups)).startswith(said)
