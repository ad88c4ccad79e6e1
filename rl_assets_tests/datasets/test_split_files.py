"""Files of splits, written piece by piece."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rl_assets.datasets.row_hash import content_hash
from rl_assets.datasets.split_files import SPLITS, SplitFiles

ROWS = pa.table(
    {
        "split": ["train", "test", "train", "train", "validation"],
        "prompt_key": ["a", "b", "c", "d", "e"],
        "text": ["first", "second", "third", "fourth", "fifth"],
    }
)


def texts(folder, split: str) -> list[str]:
    return pq.read_table(folder / f"{split}.parquet").column("text").to_pylist()


def test_rows_go_to_the_files_of_their_splits_in_their_order_and_keys_stay_out(tmp_path):
    with SplitFiles(tmp_path) as files:
        files.write(ROWS)
        files.write(ROWS.slice(1, 2))
    assert texts(tmp_path, "train") == ["first", "third", "fourth", "third"]
    assert texts(tmp_path, "test") == ["second", "second"]
    assert files.rows == {"train": 4, "validation": 1, "test": 2}
    assert pq.read_schema(tmp_path / "train.parquet").names == ["text"]


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_hashes_are_those_of_the_rows_however_they_came(tmp_path, cut):
    with SplitFiles(tmp_path) as files:
        for batch in ROWS.to_batches(cut):
            files.write(pa.Table.from_batches([batch]))
    text = ROWS.select(["text"])
    train = text.take([0, 2, 3])
    assert files.hashes["train"] == content_hash(train.schema, train.to_batches())


def test_no_rows_leave_files_with_columns_and_no_hashes(tmp_path):
    with SplitFiles(tmp_path) as files:
        files.write(ROWS.slice(0, 0))
    assert [texts(tmp_path, split) for split in SPLITS] == [[], [], []]
    assert files.hashes == {}


def test_files_may_have_another_schema_and_the_hash_is_that_of_the_rows(tmp_path):
    with SplitFiles(tmp_path, lambda schema: schema.with_metadata({"about": "texts"})) as files:
        files.write(ROWS)
    assert pq.read_schema(tmp_path / "test.parquet").metadata[b"about"] == b"texts"
    with SplitFiles(tmp_path) as plain:
        plain.write(ROWS)
    assert files.hashes == plain.hashes
