"""The benchmark compares like with like: its bare statements give exactly the rows that the builders give."""

import duckdb
import pytest

from rl_assets_tests.benchmarks import datasets
from rl_assets_tests.benchmarks.ingest import DAY
from rl_assets_tests.benchmarks.logs import write_interactions
from rl_assets_tests.support.logs import Product

pytestmark = pytest.mark.slow  # Every dataset is built twice, from thousands of answers.

LIMIT = "1GB"
KEY = {
    "sft_dataset": "[metadata.interaction_id]",
    "dpo_dataset": "[metadata.chosen_id, metadata.rejected_id]",
    "reward_dataset": "[metadata.chosen_id, metadata.rejected_id]",
    "kto_dataset": "[metadata.interaction_id, CAST(label AS VARCHAR)]",
    "grpo_dataset": "list_sort([answer.interaction_id for answer in responses])",
}


@pytest.fixture
def built(product: Product, tmp_path):
    write_interactions(product.landing, DAY, 3000)
    product.ingest(DAY)
    datasets.rate(product.lake, LIMIT)
    for _, bare, ours in datasets.works(product.lake, tmp_path / "out", LIMIT):
        bare()
        ours()
    return tmp_path / "out"


def rows(files: str, key: str) -> list[tuple]:
    return duckdb.sql(f"SELECT {key} AS key, metadata.prompt_key FROM read_parquet({files}) ORDER BY ALL").fetchall()


def columns(file: str) -> list[tuple]:
    """Names and types of the fields of `metadata`, and the names of all columns but the one that folders tell."""
    return duckdb.sql(
        f"SELECT column_name, CASE column_name WHEN 'metadata' THEN column_type END FROM (DESCRIBE FROM {file}) "
        "WHERE column_name <> 'split'"
    ).fetchall()


def test_the_bare_statements_give_the_same_rows_of_all_datasets(built):
    for name, key in KEY.items():
        splits = [str(built / name / str(DAY) / f"{split}.parquet") for split in ("train", "validation", "test")]
        ours = rows(str(splits), key)
        assert len(ours) > 400
        assert rows(f"'{built}/bare/{name}/*/*.parquet'", key) == ours
        assert columns(f"'{built}/bare/{name}/*/*.parquet'") == columns(f"'{splits[0]}'")
