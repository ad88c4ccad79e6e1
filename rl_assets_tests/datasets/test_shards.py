"""Rows are made a shard of prompts at a time, and are the same in however many shards."""

import os
import random
import time
from pathlib import Path

import pyarrow as pa
import pytest

from rl_assets.core.files import ABANDONED_AFTER_S
from rl_assets.datasets import texts
from rl_assets.datasets.builders import build_grpo, build_kto, build_pairs, build_sft
from rl_assets.datasets.folder import OUTCOMES, publish_dataset
from rl_assets.datasets.policies import STRATEGIES, DpoPolicy, GrpoPolicy, KtoPolicy, RewardPolicy, SftPolicy
from rl_assets.datasets.ratings import Window, rate_interactions, rated_as_of
from rl_assets.datasets.suites import DPO, GRPO, KTO, REWARD, SFT
from rl_assets.datasets.texts import MAX_SHARDS, PREFIX, Texts, shards_of
from rl_assets.lake.delta import Lake
from rl_assets_tests.support.logs import DAY, Product, Row, about, judged

DATASETS = {
    "sft": (build_sft, SftPolicy(preset="aggressive"), SFT),
    "dpo": (build_pairs, DpoPolicy(strategies=list(STRATEGIES), per_prompt=3), DPO),
    "reward": (build_pairs, RewardPolicy(), REWARD),
    "kto": (build_kto, KtoPolicy(), KTO),
    "grpo": (build_grpo, GrpoPolicy(), GRPO),
}
WORDS = [f"word{number}" for number in range(50)]


def logged(rng: random.Random) -> list[Row]:
    """Six answers to each of 100 prompts, some nearly the same as others."""
    return [
        judged(
            f"a{number}",
            rng.randrange(11) / 10,
            query=f"Question {number % 100}?",
            answer=" ".join(rng.choices(WORDS, k=30) if number % 3 else [*WORDS[:30], rng.choice(WORDS)]),
        )
        for number in range(600)
    ]


def stated(rng: random.Random) -> list[Row]:
    """Corrections and preferences of some of them."""
    return [
        about(f"a{number}", f"f{number}", kind, preferred_output=" ".join(rng.choices(WORDS, k=28)))
        | ({"rejected_output": " ".join(rng.choices(WORDS, k=27))} if kind == "preference" else {})
        for number, kind in enumerate(["correction", "preference"] * 40)
    ]


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Product:
    home, rng = tmp_path_factory.mktemp("rated"), random.Random(7)
    product = Product(home / "landing", Lake(str(home / "lake")))
    product.log(*logged(rng))
    product.log(*stated(rng), log_format="feedback_table")
    product.ingest()
    rate_interactions(product.lake, Window(DAY, 30))
    return product


def published(product: Product, name: str, root: Path) -> tuple[dict[str, object], bytes]:
    """What a dataset's manifest says, and the file of answers' outcomes."""
    build, policy, suite = DATASETS[name]
    connection = rated_as_of(product.lake, Window(DAY, 30), "1GB")
    folder = root / f"{name}_dataset" / str(DAY)
    dataset = publish_dataset(connection, folder, build(connection, policy), policy, suite, {})
    return dataset.manifest.model_dump(mode="json"), (folder / OUTCOMES).read_bytes()


# The pairs of `reward` are made as those of `dpo` are.
@pytest.mark.parametrize(
    "name", ["sft", *(pytest.param(name, marks=pytest.mark.slow) for name in ("dpo", "kto", "grpo", "reward"))]
)
def test_rows_hashes_and_accounts_are_the_same_in_one_slice_and_in_many(rated, name, tmp_path, monkeypatch):
    whole = published(rated, name, tmp_path / "whole")
    monkeypatch.setattr(texts, "SHARD_ROWS", 7)
    assert published(rated, name, tmp_path / "sliced") == whole
    assert whole[0]["selected"] > 50


def test_there_is_a_slice_for_no_rows_and_there_are_never_too_many():
    assert (shards_of(0), shards_of(10**9)) == (1, MAX_SHARDS)


def rows(*numbers: int) -> pa.RecordBatchReader:
    said = [{"shard": number % 3, "number": number, "prompt": None, "answer": f"answer {number}"} for number in numbers]
    schema = pa.schema(
        [("shard", pa.int32()), ("number", pa.int64()), ("prompt", pa.list_(pa.string())), ("answer", pa.string())]
    )
    return pa.Table.from_pylist(said, schema=schema).to_reader()


def test_texts_are_found_in_their_slices_those_that_came_later_too():
    kept = Texts(3)
    kept.add(rows(*range(8)))
    kept.add(rows())
    kept.add(rows(9, 10))
    assert kept.read(0).column("number").to_pylist() == [0, 3, 6, 9]
    assert kept.read(1).column("answer").to_pylist() == ["answer 1", "answer 4", "answer 7", "answer 10"]


def test_a_slice_without_texts_is_empty_and_has_their_columns():
    kept = Texts(3)
    kept.add(rows(0, 1))
    assert (kept.read(2).num_rows, kept.read(2).column_names) == (0, ["number", "prompt", "answer"])


def test_texts_leave_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    kept = Texts(3)
    kept.add(rows(0, 1))
    assert len(list(tmp_path.rglob("*"))) == 3
    del kept
    assert list(tmp_path.iterdir()) == []


def test_texts_that_a_killed_process_left_go_after_a_day_and_those_of_others_at_work_stay(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    old, new = tmp_path / f"{PREFIX}old", tmp_path / f"{PREFIX}new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "0-1").touch()
    os.utime(old, (time.time() - ABANDONED_AFTER_S - 1,) * 2)
    kept = Texts(1)
    assert not old.exists() and new.exists()
    del kept


def test_texts_that_somebody_removed_are_an_error_and_no_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    kept = Texts(1)
    (folder,) = tmp_path.iterdir()
    folder.rmdir()
    with pytest.raises(FileNotFoundError, match="was removed while a dataset was built"):
        kept.read(0)
