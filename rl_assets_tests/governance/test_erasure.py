"""Erasing: no row, no version, no copy of the erased is left, nothing comes back, and nobody else loses anything."""

import importlib
import pkgutil
import shutil
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import rl_assets
from rl_assets.core.home import Home
from rl_assets.datasets.split_files import SPLITS
from rl_assets.governance import user_hash
from rl_assets.governance.erasure import Erasure, erase_scope, plan_erasure, scope_of
from rl_assets.governance.scope import ErasureScope
from rl_assets.governance.table_rows import row_rules
from rl_assets.ingest.day import ingest_day
from rl_assets.ingest.landing import files_of
from rl_assets.lake.table import Table
from rl_assets.lake.tombstones import ERASURES, INTERACTION_IDS, USER_HASHES, Erased, tombstones
from rl_assets.tables.catalog import ALL_TABLES
from rl_assets.tables.dataset_ledger import DATASETS
from rl_assets.tables.dataset_manifest import read_manifest
from rl_assets.tables.decision_evidence import DECISION_EVIDENCE
from rl_assets.tables.records import FEEDBACK, INTERACTIONS, REJECTED_RECORDS
from rl_assets.tables.review_queue import REVIEW_QUEUE
from rl_assets_tests.support import products
from rl_assets_tests.support.logs import DAY, Product, interaction, later, reward

pytestmark = pytest.mark.slow  # Builds days for seconds.


def erase(home: Path, order: Erased) -> Erasure:
    lake = products.lake(home)
    return erase_scope(Home(home), lake, order, scope_of(lake, order), products.key(home))


def rows(home: Path, table: Table) -> list[dict[str, Any]]:
    lake = products.lake(home)
    return lake.read(table, lake.keys(table)).to_table().to_pylist()


def ids(home: Path, table: Table, name: str = "interaction_id") -> set[str]:
    return {row[name] for row in rows(home, table)}


@pytest.fixture(scope="module")
def erased(built: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Erasure]:
    """A home from which mary was erased, not to be written to; and what was said of it."""
    home = tmp_path_factory.mktemp("erased") / "home"
    shutil.copytree(built, home)
    return home, erase(home, products.mary(home))


def test_evidence_on_prompts_that_only_the_erased_asked_goes(built, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(built, home)
    lake, order = products.lake(home), products.mary(home)
    asked = sorted(scope_of(lake, order).prompt_keys)[0]
    night = [
        {"month": f"{DAY:%Y-%m}", "day": DAY, "cluster": cluster, "epoch": "e", "lineage": "dpo", "segment": segment}
        for cluster in (asked, "of others")
        for segment in (None, "billing")
    ]
    rows = pa.Table.from_pylist(night, schema=DECISION_EVIDENCE.schema)
    lake.publish(DECISION_EVIDENCE, f"{DAY:%Y-%m}", rows.to_reader())
    assert erase(home, order).rows[DECISION_EVIDENCE.name] == {f"{DAY:%Y-%m}": 2}
    assert ids(home, DECISION_EVIDENCE, "cluster") == {"of others"}


def test_labels_of_pairs_whose_prompt_only_the_erased_asked_go_with_the_pair(built, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(built, home)
    lake, order = products.lake(home), products.mary(home)
    asked = sorted(scope_of(lake, order).prompt_keys)[0]
    names = {key: f"review:{'e' * 12}:{'a' * 8}-{'b' * 8}:{key[:16]}" for key in (asked, "others")}
    night = [{"day": DAY, "pair_id": name, "prompt_key": key} for key, name in names.items()]
    lake.publish(REVIEW_QUEUE, DAY, pa.Table.from_pylist(night, schema=REVIEW_QUEUE.schema).to_reader())
    kept = lake.read(FEEDBACK, [DAY]).to_table().to_pylist()
    labels = [
        kept[0] | {"feedback_id": f"label {key}", "interaction_id": name, "rater": "someone", "kind": "preference"}
        for key, name in names.items()
    ]
    lake.publish(FEEDBACK, DAY, pa.Table.from_pylist(kept + labels, schema=FEEDBACK.schema).to_reader())
    erased = erase(home, order)
    assert erased.rows[REVIEW_QUEUE.name] == {str(DAY): 1}
    assert ids(home, REVIEW_QUEUE, "prompt_key") == {"others"}
    assert {name for name in ids(home, FEEDBACK, "feedback_id") if name.startswith("label")} == {"label others"}
    # A copy of the file that lands again is kept out too.
    assert names[asked] in lake.erased().interactions and names["others"] not in lake.erased().interactions


def test_before_an_erasure_the_user_is_nearly_everywhere(built):
    found = products.traces_of_mary(built)
    for place in ("lake/interactions", "lake/feedback", "lake/rejected_records", "lake/rated_interactions"):
        assert any(path.startswith(place) for path in found), place
    assert {f"datasets/{name}/{products.SECOND}/outcomes.parquet" for name in DATASETS} <= set(found)


def test_a_user_erased_is_in_no_table_no_version_of_one_and_no_dataset(erased):
    assert products.traces_of_mary(erased[0]) == []


def test_nobody_else_loses_a_row(built, erased):
    home, _ = erased
    gone = ids(built, INTERACTIONS) - ids(home, INTERACTIONS)
    # Her answers on both days, and the output that she brought with a thumb.
    assert set(products.MARYS) <= gone and len(gone) == len(products.MARYS) + 1
    assert ids(built, FEEDBACK) - ids(home, FEEDBACK) == gone
    assert {"c-ann", "o-tom"} <= ids(home, FEEDBACK, "feedback_id")
    others = [row for row in rows(built, REJECTED_RECORDS) if "t99" in row["raw"]]
    assert rows(home, REJECTED_RECORDS) == others and len(others) == 1


def test_days_taken_in_and_built_again_bring_nothing_back(copied):
    erase(copied, products.mary(copied))
    products.build(copied)
    assert products.traces_of_mary(copied) == []
    manifest = read_manifest(copied / "datasets" / "sft_dataset" / products.SECOND)
    assert sum(manifest.rows.values()) > 20


def test_what_a_user_erased_says_later_does_not_come_in_nor_what_others_say_of_it(copied):
    erase(copied, products.mary(copied))
    product, day = Product(copied / "landing", products.lake(copied)), later(2)
    product.log(interaction("m7", user_id="mary", query=products.SECRET), day=day)
    product.log(reward("m7"), reward("m1"), reward("t11"), log_format="reward_log", day=day)
    product.log(reward("m7"), log_format="reward_log", day=later(3))
    for landed in (day, later(3)):
        ingest_day(product.lake, files_of(product.landing, landed), landed, products.key(copied))
    assert {row["interaction_id"] for row in product.rows(FEEDBACK, day, later(3))} == {"t11"}
    assert product.rows(INTERACTIONS, day) == []


def test_a_correction_by_the_erased_leaves_the_answer_and_takes_the_training_row(built, erased):
    home, _ = erased
    before, after = (corrections(folder) for folder in (built, home))
    assert before - after == {"t11"} and "a1" in after
    assert "t11" in ids(home, INTERACTIONS)


def corrections(home: Path) -> set[str]:
    folder = home / "datasets" / "sft_dataset" / products.FIRST
    rows = [row for split in SPLITS for row in pq.read_table(folder / f"{split}.parquet").to_pylist()]
    return {row["metadata"]["interaction_id"] for row in rows if row["metadata"]["source"] == "human"}


def test_one_interaction_can_be_erased_without_its_user(copied):
    erase(copied, Erased(interactions=frozenset({"m1"})))
    assert "m1" not in ids(copied, INTERACTIONS) | ids(copied, FEEDBACK)
    assert {"m2", "m3"} <= ids(copied, INTERACTIONS)


def test_a_plan_counts_what_an_erasure_drops_and_changes_nothing(built, erased):
    before = {path: path.stat().st_mtime_ns for path in built.rglob("*")}
    plan = plan_erasure(Home(built), products.lake(built), products.mary(built), products.key(built))
    assert {path: path.stat().st_mtime_ns for path in built.rglob("*")} == before
    assert (plan.rows, plan.landing_files) == (erased[1].rows, erased[1].landing_files)


def test_an_erasure_that_was_killed_is_finished_by_the_next(copied):
    lake = products.lake(copied)
    lake.publish(ERASURES, "killed", tombstones("killed", products.mary(copied)))
    assert products.traces_of_mary(copied)
    assert erase(copied, Erased()).rows
    assert products.traces_of_mary(copied) == []
    again = erase(copied, products.mary(copied))
    assert not again.rows and not again.datasets


def test_the_report_names_the_landing_files_that_still_hold_the_lines_and_says_no_text(erased):
    home, done = erased
    assert "interaction_log/2026-10-01/mary.jsonl" in done.landing_files
    assert "interaction_log/2026-10-01/others.jsonl" not in done.landing_files
    (report,) = (home / "erasures").glob("*.json")
    assert products.SECRET not in report.read_text(encoding="utf-8")


def test_replies_of_the_judge_and_what_killed_builders_left_go_because_they_may_quote_anybody(copied):
    reply, left = copied / "judge" / "ab" / "abcd.json", copied / "datasets" / "sft_dataset" / ".2026-10-01.abcdef"
    for path in (reply, left / "train.parquet"):
        path.parent.mkdir(parents=True)
        path.write_text(products.SECRET, encoding="utf-8")
    assert erase(copied, products.mary(copied)).reply_cache_emptied
    assert not reply.exists() and not left.exists()


def test_a_dataset_without_its_rows_still_opens_and_says_how_many_went(built, erased, tmp_path):
    before, after = (read_manifest(home / "datasets" / "sft_dataset" / products.SECOND) for home in (built, erased[0]))
    assert after.sha256 != before.sha256 and after.erased_rows > 0
    assert sum(after.rows.values()) == sum(before.rows.values()) - after.erased_rows
    folder = erased[0] / "datasets" / "sft_dataset" / products.SECOND
    from datasets import load_dataset

    loaded = load_dataset(str(folder), split="train", cache_dir=str(tmp_path))
    assert len(loaded) == after.rows["train"]


def test_the_hash_that_the_command_prints_is_the_one_in_the_tables(built, monkeypatch, capsys):
    monkeypatch.setenv("RL_ASSETS_HOME", str(built))
    monkeypatch.setattr(sys, "argv", ["user_hash", " mary "])
    user_hash.main()
    assert capsys.readouterr().out.strip() in ids(built, INTERACTIONS, "user_id") - {None}


def every_table() -> list[Table]:
    """The tables that any module of the project defines."""
    modules = [name for _, name, _ in pkgutil.walk_packages(rl_assets.__path__, "rl_assets.") if "__main__" not in name]
    values = [value for name in modules for value in vars(importlib.import_module(name)).values()]
    return list({value.name: value for value in values if isinstance(value, Table)}.values())


def test_every_table_is_in_the_catalog():
    assert {table.name for table in ALL_TABLES} == {table.name for table in every_table()}
    assert len({table.name for table in ALL_TABLES}) == len(ALL_TABLES)


def test_every_table_that_names_answers_or_users_has_a_rule():
    covered = {rule.table.name for rule in row_rules(ErasureScope(Erased()), b"key")}
    named = {table.name for table in every_table() if {*INTERACTION_IDS, *USER_HASHES} & set(table.schema.names)}
    assert named <= covered and "interactions" in named


@pytest.mark.parametrize("day", [DAY, later(1)])
def test_a_lake_without_tombstones_keeps_every_row(copied, day):
    lake = products.lake(copied)
    assert not lake.erased()
    whole = lake.read(INTERACTIONS, [day])
    assert lake.publish(INTERACTIONS, day, whole.scanner().to_reader()).rows == whole.count_rows()
