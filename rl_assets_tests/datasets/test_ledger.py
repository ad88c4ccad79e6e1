"""The ledger: every answer of the window has, for every dataset, its rows or its one reason."""

import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from rl_assets.datasets.ledger import LedgerError, LedgerOfDay, write_ledger
from rl_assets.datasets.ratings import rate_interactions
from rl_assets.lake.delta import Lake
from rl_assets.tables.dataset_ledger import DATASETS, LEDGER
from rl_assets.tables.dataset_manifest import read_manifest
from rl_assets_tests.support.logs import DAY, Product, Row, about, interaction, judged
from rl_assets_tests.support.published_datasets import WINDOW, publish_datasets


def written(product: Product, root: Path) -> tuple[LedgerOfDay, dict[str, Row]]:
    ledger = write_ledger(product.lake, WINDOW, root)
    return ledger, {row["interaction_id"]: row for row in product.rows(LEDGER, DAY)}


@dataclass(frozen=True)
class Published:
    """A product and the folder of its datasets."""

    product: Product
    root: Path

    def ledger(self) -> tuple[LedgerOfDay, dict[str, Row]]:
        return written(self.product, self.root)


def below(folder: Path) -> Published:
    return Published(Product(folder / "landing", Lake(str(folder / "lake"))), folder / "datasets")


@pytest.fixture(scope="module")
def mixed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers good, bad, failed, blank, unrated and corrected; with partners and alone."""
    folder = tmp_path_factory.mktemp("mixed")
    published = below(folder)
    product = published.product
    texts = ("Blue is what you see.", "It left at noon, sir.", "Nobody can say why.", "Closed on Monday, yes!")
    product.log(
        *(judged(f"q{q}-{i}", (q * 7 + i * 5) % 11 / 10, query=f"Question {q}?", answer=f"{texts[i]} {q}")
          for q in range(40) for i in range(4)),
        judged("failed", 0.0, query="A", error_occurred=True),
        judged("blank", 0.9, query="A", answer=" "),
        interaction("unrated", query="A"),
        judged("alone", 0.9, query="B"),
        judged("wrong", 0.1, query="C"),
        judged("odd", 0.9, messages=[{"role": "user", "content": "A"}]),
    )  # fmt: skip
    product.log(
        about("wrong", "f1", "correction", preferred_output="As it should be."),
        about("unrated", "f2", "preference", preferred_output="Better, I say.", rejected_output="Worse, they say."),
        log_format="feedback_table",
    )
    product.ingest()
    publish_datasets(product, published.root)
    return folder


@pytest.fixture
def mixed(mixed_once: Path, tmp_path: Path) -> Published:
    """A copy of it, to be changed."""
    return below(shutil.copytree(mixed_once, tmp_path / "mixed"))


@pytest.fixture(scope="module")
def accounted(mixed_once: Path, tmp_path_factory: pytest.TempPathFactory):
    """A copy of it whose ledger is written, to be read only; its ledger and the rows of that."""
    published = below(shutil.copytree(mixed_once, tmp_path_factory.mktemp("accounted") / "mixed"))
    return published, *published.ledger()


def test_every_answer_has_rows_or_one_reason_for_every_dataset(accounted):
    _, _, ledger = accounted
    assert len(ledger) == 166
    for row in ledger.values():
        for name in DATASETS:
            short = name.removesuffix("_dataset")
            assert (row[f"{short}_rows"] > 0) == (row[f"{short}_reason"] is None), (row["interaction_id"], name)


def test_the_ledger_says_where_an_answer_went_and_why_not_elsewhere(accounted):
    _, _, ledger = accounted

    def outcomes(interaction_id: str) -> list:
        row = ledger[interaction_id]
        pairs = ((row[f"{name}_rows"], row[f"{name}_reason"]) for name in ("sft", "dpo", "reward", "kto", "grpo"))
        return [rows or reason for rows, reason in pairs]

    assert outcomes("failed") == ["error"] * 5
    assert outcomes("blank") == ["no_answer"] * 5
    assert outcomes("odd") == ["untrainable_prompt"] * 5
    assert outcomes("alone") == [1, "no_partner", "no_partner", 1, "too_few_answers"]
    assert outcomes("unrated") == ["no_reward", 1, 1, "no_reward", "no_reward"]
    assert outcomes("wrong") == [1, 1, 1, 2, "too_few_answers"]


def test_the_sums_are_those_of_every_manifest_and_of_every_file(accounted):
    published, ledger, rows = accounted
    for name in DATASETS:
        short = name.removesuffix("_dataset")
        manifest = read_manifest(published.root / name / str(DAY))
        counted = Counter(row[f"{short}_reason"] or "selected" for row in rows.values())
        assert ledger.accounts[name] == manifest.answer_outcomes == dict(counted)
        assert sum(counted.values()) == 166
    for name in ("sft_dataset", "kto_dataset", "grpo_dataset"):
        taken = sum(row[f"{name.removesuffix('_dataset')}_rows"] for row in rows.values())
        assert taken == read_manifest(published.root / name / str(DAY)).selected


def test_a_missing_dataset_is_named(mixed: Published):
    shutil.rmtree(mixed.root / DATASETS[-1])
    with pytest.raises(LedgerError, match=r"there is no dataset in .*grpo_dataset.*: materialize grpo_dataset"):
        write_ledger(mixed.product.lake, WINDOW, mixed.root)


def test_a_dataset_of_other_answers_is_named_and_nothing_is_published(mixed: Published):
    mixed.product.log(judged("new", 0.9, query="New?"), name="late.jsonl")
    mixed.product.ingest()
    rate_interactions(mixed.product.lake, WINDOW)
    with pytest.raises(LedgerError, match=r"sft_dataset.* was built from another version of rated_interactions"):
        write_ledger(mixed.product.lake, WINDOW, mixed.root)
    assert mixed.product.rows(LEDGER) == []


def test_a_file_that_lost_a_row_is_noticed(mixed: Published):
    path = mixed.root / "sft_dataset" / str(DAY) / "train.parquet"
    rows = duckdb.sql(f"FROM read_parquet('{path}') LIMIT 5").to_arrow_table()
    duckdb.from_arrow(rows).write_parquet(str(path))
    with pytest.raises(LedgerError, match=r"5 answers or more stand in .*sft_dataset.* in another number"):
        write_ledger(mixed.product.lake, WINDOW, mixed.root)


def test_a_manifest_that_counts_otherwise_is_noticed(mixed: Published):
    path = mixed.root / "kto_dataset" / str(DAY) / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["answer_outcomes"]["selected"] += 1
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(LedgerError, match=r"the ledger counts .* for .*kto_dataset"):
        write_ledger(mixed.product.lake, WINDOW, mixed.root)


def test_a_day_without_answers_has_an_empty_ledger(product: Product, tmp_path):
    product.ingest()
    publish_datasets(product, tmp_path)
    ledger, rows = written(product, tmp_path)
    assert (rows, ledger.accounts) == ({}, {name: {} for name in DATASETS})
