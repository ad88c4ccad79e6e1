"""Texts that many people saw, from the file in landing through the datasets job: what most people said is learned."""

import json
from collections import Counter
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.lake.delta import Lake
from rl_assets.quickstart.sources.finegrained_qa import win_shares
from rl_assets.settings import Settings
from rl_assets.tables.dataset_ledger import LEDGER
from rl_assets_tests.support.logs import DAY, Product, Row
from rl_assets_tests.support.popular_answers import noisy_thumbs, popular_answers

# The days behind them take several seconds of CPU.
pytestmark = pytest.mark.slow


def materialized(home: Path) -> Product:
    """The product of a home after the datasets job."""
    resources = {"home": HomeResource.from_settings(Settings(home=home))}
    job = build_defs(resources=resources, executor=dg.in_process_executor).resolve_job_def("datasets_job")
    assert job.execute_in_process(partition_key=str(DAY)).success
    return Product(home / "landing", Lake(str(home / "lake")))


def rows(home: Path, dataset: str) -> list[Row]:
    folder = home / "datasets" / dataset / str(DAY)
    files = [str(folder / f"{split}.parquet") for split in ("train", "validation", "test")]
    return duckdb.sql(f"FROM read_parquet({files})").to_arrow_table().to_pylist()


@pytest.fixture(scope="module")
def popular(tmp_path_factory) -> tuple[Path, Product]:
    home = tmp_path_factory.mktemp("popular")
    Product(home / "landing", Lake(str(home / "lake"))).log(*popular_answers())
    return home, materialized(home)


def test_every_question_gives_the_pair_that_most_people_would_choose(popular: tuple[Path, Product]):
    for dataset in ("dpo_dataset", "reward_dataset"):
        found = rows(popular[0], dataset)
        sides = Counter((row["chosen"][0]["content"][:5], row["rejected"][0]["content"][:5]) for row in found)
        assert sides == {("Press", "Pleas"): 20}


def test_every_question_is_taught_with_the_answer_that_most_people_like(popular: tuple[Path, Product]):
    assert Counter(row["messages"][-1]["content"][:5] for row in rows(popular[0], "sft_dataset")) == {"Press": 20}


def test_every_text_has_a_label_and_every_question_a_group(popular: tuple[Path, Product]):
    labels = Counter((row["completion"][0]["content"][:5], row["label"]) for row in rows(popular[0], "kto_dataset"))
    assert labels == {("Press", True): 20, ("Pleas", False): 20}
    assert Counter(len(row["responses"]) for row in rows(popular[0], "grpo_dataset")) == {2: 20}


def test_the_ledger_says_that_the_other_showings_were_pooled(popular: tuple[Path, Product]):
    ledger = popular[1].rows(LEDGER, DAY)
    assert len(ledger) == 4000
    for name in ("dpo", "reward", "kto", "grpo"):
        assert Counter(row[f"{name}_reason"] for row in ledger) == {None: 40, "pooled": 3960}
    assert Counter(row["sft_reason"] for row in ledger) == {None: 20, "low_reward": 20, "pooled": 3960}


def test_three_thumbs_an_answer_of_which_a_quarter_is_wrong_give_at_most_12_percent_wrong_pairs(
    tmp_path: Path, published_data: Path
):
    path = published_data / "pref-finegrained-qa" / "feedback.jsonl"
    records = [json.loads(line) for line in path.open(encoding="utf-8")]
    shares = [win_shares(record["preference"]) for record in records]
    answers, thumbs = noisy_thumbs(records, shares)
    product = Product(tmp_path / "landing", Lake(str(tmp_path / "lake")))
    product.log(*answers)
    product.log(*thumbs, log_format="feedback_table")
    materialized(tmp_path)

    def share(interaction_id: str) -> float:
        place, sample, _ = map(int, interaction_id.split("-"))
        return shares[place][sample]

    sides = [row["metadata"] for row in rows(tmp_path, "dpo_dataset")]
    wrong = sum(share(side["chosen_id"]) < share(side["rejected_id"]) for side in sides)
    assert len(sides) > 500 and wrong / len(sides) <= 0.12
    good = [share(row["metadata"]["interaction_id"]) > 0.5 for row in rows(tmp_path, "sft_dataset")]
    assert len(good) > 150 and sum(good) / len(good) >= 0.85
