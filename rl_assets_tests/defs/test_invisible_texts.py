"""Texts of invisible characters only, from the file in landing through the datasets job: they are empty."""

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.lake.delta import Lake
from rl_assets.settings import Settings
from rl_assets.tables.dataset_ledger import LEDGER
from rl_assets_tests.support.logs import DAY, Product, Row, about, interaction, judged

NOTHING = [
    "\u200b\u200c\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u2800",
    "\u3164\u115f",
    "\u0001\u0002",
    "\u00a0\ufe0f\n",
]
DATASETS = ("sft_dataset", "dpo_dataset", "reward_dataset", "kto_dataset", "grpo_dataset")


def rows(home: Path, dataset: str) -> list[Row]:
    files = [str(path) for path in (home / "datasets" / dataset / str(DAY)).glob("t*.parquet")]
    files += [str(home / "datasets" / dataset / str(DAY) / "validation.parquet")]
    return duckdb.sql(f"FROM read_parquet({files})").to_arrow_table().to_pylist()


@pytest.fixture(scope="module")
def silent(tmp_path_factory) -> tuple[Path, Product]:
    """Answers, corrections, preferences and a prompt that show nothing, each beside words."""
    home = tmp_path_factory.mktemp("silent")
    product = Product(home / "landing", Lake(str(home / "lake")))
    product.log(
        *(
            interaction(f"nothing-{number}", query=f"Say nothing, number {number}", answer=text, user_rating=5)
            for number, text in enumerate(NOTHING)
        ),
        *(judged(f"words-{number}", 0.1, query=f"Say nothing, number {number}") for number in range(len(NOTHING))),
        judged("no-question", 1.0, query="\u200b\ufeff"),
        judged("corrected", 0.1, query="What is corrected?"),
        judged("preferred", None, query="What is preferred?"),
    )
    product.log(
        about("corrected", "f1", "correction", preferred_output="\u200b\u2060"),
        about("preferred", "f2", "preference", preferred_output="Something.", rejected_output="\ufeff"),
        about("preferred", "f3", "preference", preferred_output="\u00ad", rejected_output="Anything else."),
        log_format="feedback_table",
    )
    resources = {"home": HomeResource.from_settings(Settings(home=home))}
    job = build_defs(resources=resources, executor=dg.in_process_executor).resolve_job_def("datasets_job")
    assert job.execute_in_process(partition_key=str(DAY)).success
    return home, product


@pytest.mark.slow  # Several seconds of CPU.
def test_answers_that_show_nothing_have_that_reason_in_every_dataset(silent: tuple[Path, Product]):
    ledger = {row["interaction_id"]: row for row in silent[1].rows(LEDGER, DAY)}
    for name in DATASETS:
        reasons = {
            ledger[f"nothing-{number}"][f"{name.removesuffix('_dataset')}_reason"] for number in range(len(NOTHING))
        }
        assert reasons == {"no_answer"}
    assert {ledger["no-question"][f"{name.removesuffix('_dataset')}_reason"] for name in DATASETS} == {
        "untrainable_prompt"
    }


@pytest.mark.slow  # Several seconds of CPU.
def test_corrections_and_preferences_that_show_nothing_are_on_no_side(silent: tuple[Path, Product]):
    assert rows(silent[0], "sft_dataset") == rows(silent[0], "dpo_dataset") == []
    assert not [row for row in rows(silent[0], "kto_dataset") if row["label"]]
