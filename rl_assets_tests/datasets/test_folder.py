"""Publishing a dataset: what lies in its folder, and what stays when it must not be published."""

import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from rl_assets.core.files import sha256_file, sha256_folder
from rl_assets.datasets.audit import AuditError
from rl_assets.datasets.builders import build_sft
from rl_assets.datasets.folder import preview, publish_dataset
from rl_assets.datasets.policies import SftPolicy
from rl_assets.datasets.ratings import Window, rated_as_of
from rl_assets.datasets.suites import SFT
from rl_assets.tables.dataset_manifest import CheckResult, read_manifest
from rl_assets_tests.support.dataset_tables import Row, good_rows, message
from rl_assets_tests.support.logs import DAY, Product, judged
from rl_assets_tests.support.published_rows import publish_rows

FILES = ["README.md", "manifest.json", "outcomes.parquet", "test.parquet", "train.parquet", "validation.parquet"]


def loaded(folder: Path, cache: Path):
    from datasets import load_dataset

    return load_dataset(str(folder), cache_dir=str(cache))


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return good_rows("sft_dataset", 300)


def test_a_folder_holds_its_splits_its_card_and_its_manifest(tmp_path, rows):
    dataset = publish_rows(tmp_path, rows)
    assert sorted(path.name for path in dataset.folder.iterdir()) == FILES
    manifest = read_manifest(dataset.folder)
    assert manifest == dataset.manifest
    assert (manifest.name, manifest.day, manifest.selected) == ("sft_dataset", str(DAY), 300)
    assert manifest.candidates == manifest.selected + sum(manifest.dropped.values())
    assert manifest.configuration == SftPolicy().model_dump()
    assert sum(manifest.rows.values()) == 300 and list(manifest.rows) == ["test", "train", "validation"]
    assert manifest.answer_outcomes == {"selected": 300}
    assert manifest.tokens["tokens_min"] <= manifest.tokens["tokens_p50"] <= manifest.tokens["tokens_max"]
    assert set(manifest.checks) == {item.name for item in SFT}


def test_the_manifest_is_written_last(tmp_path, rows):
    folder = publish_rows(tmp_path, rows).folder
    times = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert max(times, key=times.__getitem__) == "manifest.json"


def test_a_folder_without_a_manifest_was_never_published(tmp_path):
    assert read_manifest(tmp_path) is None


def test_the_same_rows_have_the_same_hash_and_other_rows_or_another_order_have_another(tmp_path, rows):
    shuffled = rows.copy()
    random.Random(5).shuffle(shuffled)
    first = publish_rows(tmp_path / "first", rows)
    assert publish_rows(tmp_path / "again", rows).sha256 == first.sha256
    assert publish_rows(tmp_path / "shuffled", shuffled).sha256 != first.sha256
    assert publish_rows(tmp_path / "fewer", rows[1:]).sha256 != first.sha256


@pytest.mark.slow
def test_shuffled_log_files_give_the_same_bytes(product: Product, tmp_path):
    lines = [judged(f"a{i}", i % 11 / 10, query=f"Question {i // 4}?", answer=f"Answer {i}.") for i in range(2000)]
    hashes = []
    for turn in range(2):
        for i in range(3):
            product.log(*lines[i::3], name=f"{turn}-{i}.jsonl")
            (product.landing / "interaction_log" / str(DAY) / f"0-{i}.jsonl").unlink() if turn else None
        product.ingest()
        product.build(build_sft, SftPolicy())
        connection = rated_as_of(product.lake, Window(DAY, 30), "1GB")
        built = build_sft(connection, SftPolicy())
        folder = tmp_path / str(turn) / "sft_dataset" / str(DAY)
        publish_dataset(connection, folder, built, SftPolicy(), SFT, {})
        hashes.append(sha256_folder(folder))
        random.Random(turn).shuffle(lines)
    assert hashes[0] == hashes[1]


def test_the_datasets_library_opens_a_folder_with_its_splits(tmp_path, rows):
    dataset = publish_rows(tmp_path, rows)
    opened = loaded(dataset.folder, tmp_path / "cache")
    assert {name: len(split) for name, split in opened.items()} == dataset.rows
    assert list(opened["train"].features) == ["messages", "metadata"]
    texts = {row["messages"][-1]["content"] for split in opened.values() for row in split}
    assert texts == {row["messages"][-1]["content"] for row in rows}


def test_the_datasets_library_opens_a_folder_with_an_empty_split(tmp_path, rows):
    dataset = publish_rows(tmp_path, [row for row in rows if row["split"] == "train"])
    opened = loaded(dataset.folder, tmp_path / "cache")
    assert {name: len(split) for name, split in opened.items()} == {"train": dataset.rows["train"]}
    assert dataset.rows["test"] == dataset.rows["validation"] == 0
    empty = pq.read_table(dataset.folder / "test.parquet")
    assert (empty.num_rows, empty.column_names) == (0, ["messages", "metadata"])


def test_datasets_of_one_day_are_not_mixed_up_in_one_cache(tmp_path, rows):
    sft = publish_rows(tmp_path, rows)
    dpo = publish_rows(tmp_path, good_rows("dpo_dataset", 150), "dpo_dataset")
    assert "messages" in loaded(sft.folder, tmp_path / "cache")["train"].features
    assert "chosen" in loaded(dpo.folder, tmp_path / "cache")["train"].features
    fewer = publish_rows(tmp_path, rows[:200])
    assert sum(map(len, loaded(fewer.folder, tmp_path / "cache").values())) == 200


def test_a_failed_audit_leaves_the_published_folder_and_shows_the_bad_row(tmp_path, rows):
    before = {path.name: sha256_file(path) for path in publish_rows(tmp_path, rows).folder.iterdir()}
    broken = [*rows[:-1], {**rows[-1], "messages": [message("user", "Who broke this?"), message("robot", "I did.")]}]
    with pytest.raises(
        AuditError, match=r"sft_dataset of 2026-10-01 was not published, the previous .* messages_"
    ) as raised:
        publish_rows(tmp_path, broken)
    failed = [finding for finding in raised.value.findings if finding.blocks]
    assert [finding.expectation.name for finding in failed] == ["messages_alternate_and_end_with_assistant"]
    assert failed[0].observed == 1
    assert [row["messages"][0]["content"] for row in failed[0].samples] == ["Who broke this?"]
    folder = tmp_path / "sft_dataset" / str(DAY)
    assert {path.name: sha256_file(path) for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir() if not path.name.startswith(".")] == [str(DAY)]


def test_a_failed_audit_of_the_first_version_leaves_nothing(tmp_path, rows):
    with pytest.raises(AuditError):
        publish_rows(tmp_path, [rows[0], rows[0]])
    assert list(tmp_path.rglob("*")) == [tmp_path / "sft_dataset"]


def test_warnings_do_not_block(tmp_path, rows):
    dataset = publish_rows(tmp_path, rows[:5])
    warned = [finding.expectation.name for finding in dataset.findings if not finding.passed]
    assert warned == ["at_least_100_rows"]
    assert dataset.manifest.checks["at_least_100_rows"] == CheckResult(passed=False, observed=5.0)


def test_a_dataset_without_rows_is_published_as_empty(tmp_path):
    dataset = publish_rows(tmp_path, [])
    assert dataset.rows == {"train": 0, "validation": 0, "test": 0}
    assert preview(dataset.folder) == []
    assert sorted(path.name for path in dataset.folder.iterdir()) == FILES


def test_the_card_of_a_dataset_without_rows_says_how_to_open_it(tmp_path):
    folder = publish_rows(tmp_path, []).folder
    with pytest.raises(ValueError, match="corresponds to no data"):
        loaded(folder, tmp_path / "cache")  # If it opens some day, the card need not say anything.
    code = (folder / "README.md").read_text(encoding="utf-8").split("```python")[1].split("```")[0]
    names = {"folder": str(folder)}
    exec(code, names)
    splits, train = names["splits"], names["train"]
    assert {name: list(split) for name, split in splits.items()} == {"train": [], "validation": [], "test": []}
    assert list(splits["train"].features) == list(train.features) == ["messages", "metadata"]
    assert train.num_rows == 0


def test_the_card_of_a_dataset_with_rows_says_nothing_of_opening(tmp_path, rows):
    assert "streaming" not in (publish_rows(tmp_path, rows).folder / "README.md").read_text(encoding="utf-8")


def test_the_card_tells_splits_reasons_and_provenance(tmp_path, rows):
    dataset = publish_rows(tmp_path, rows)
    card = (dataset.folder / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\npretty_name: sft_dataset as of 2026-10-01\n")
    for text in (
        dataset.sha256,
        "| error | 2 |",
        "302 candidates, 300 selected",
        "| rated_interactions 2026-10-01 | abc |",
    ):
        assert text in card


def test_a_preview_is_the_first_training_rows(tmp_path, rows):
    shown = preview(publish_rows(tmp_path, rows).folder, 2)
    assert [list(row) for row in shown] == [["messages", "metadata"]] * 2
