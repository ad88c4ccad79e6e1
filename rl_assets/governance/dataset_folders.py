"""Dataset folders with rows of the erased: how many rows, and the same folders published without them."""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from rl_assets.core.files import replaced_folder, sha256_folder, write_atomically
from rl_assets.datasets.cards import dataset_card
from rl_assets.datasets.folder import OUTCOMES
from rl_assets.datasets.ledger import HOLDS
from rl_assets.datasets.prompts import keep_prompts
from rl_assets.datasets.split_files import SPLITS
from rl_assets.tables.dataset_manifest import DatasetManifest, read_manifest


class HeldRows(BaseModel):
    """A published dataset: its rows made of something erased, by split, and how many of its answers are erased."""

    model_config = ConfigDict(frozen=True)

    name: str
    day: str
    sha256: str
    rows: dict[str, int]
    answers: int

    @property
    def is_affected(self) -> bool:
        return bool(self.answers or sum(self.rows.values()))

    @property
    def learned_from(self) -> int:
        """Rows that an adapter was trained or validated on."""
        return sum(self.rows[split] for split in SPLITS if split != "test")


def held_rows(datasets: Path, ids: frozenset[str]) -> list[HeldRows]:
    """Every dataset of every day, in order; `rows` are zeros if nothing in it is of `ids`."""
    connection = _connect(ids)
    return [_held(connection, folder) for name in HOLDS for folder in _days(datasets / name)]


def _days(dataset: Path) -> Iterator[Path]:
    yield from sorted(path for path in dataset.glob("[0-9]*") if (path / "manifest.json").is_file())


def _held(connection: duckdb.DuckDBPyConnection, folder: Path) -> HeldRows:
    name, manifest = folder.parent.name, read_manifest(folder)
    if manifest is None:
        raise FileNotFoundError(f"{folder} vanished while it was searched: run the erasure again")
    rows = {split: len(_row_numbers(connection, name, folder / f"{split}.parquet")) for split in SPLITS}
    outcomes = f"SELECT count(*) FROM '{_quoted(folder / OUTCOMES)}' WHERE interaction_id IN (SELECT id FROM erased)"
    answers = connection.sql(outcomes).fetchall()[0][0]
    return HeldRows(name=name, day=folder.name, sha256=manifest.sha256, rows=rows, answers=answers)


def drop_from_folders(datasets: Path, held: Iterable[HeldRows], ids: frozenset[str]) -> None:
    """Publish the datasets' folders again without those rows; the manifest counts them and has a new hash.

    They are valid but not what a rebuild gives: a group is removed completely, and no other row replaces it.
    """
    connection = _connect(ids)
    for dataset in held:
        _drop_from_folder(connection, datasets / dataset.name / dataset.day, dataset)


def _drop_from_folder(connection: duckdb.DuckDBPyConnection, folder: Path, held: HeldRows) -> None:
    manifest = read_manifest(folder)
    if manifest is None:
        raise FileNotFoundError(f"{folder} vanished while rows were erased from it: run the erasure again")
    with replaced_folder(folder) as staging:
        for split in SPLITS:
            rows = _row_numbers(connection, held.name, folder / f"{split}.parquet")
            _copy(connection, folder / f"{split}.parquet", staging / f"{split}.parquet", without=rows)
        outcomes = f"FROM '{_quoted(folder / OUTCOMES)}' WHERE interaction_id NOT IN (SELECT id FROM erased)"
        connection.sql(outcomes).write_parquet(str(staging / OUTCOMES), compression="zstd")
        updated = _without_erased(manifest, held, staging)
        keep_prompts(staging / "train.parquet", folder.parent, updated.sha256)
        write_atomically(staging / "README.md", dataset_card(updated))
        updated.write(staging)


def _without_erased(manifest: DatasetManifest, held: HeldRows, staging: Path) -> DatasetManifest:
    erased = sum(held.rows.values())
    return manifest.model_copy(
        update={
            "rows": {split: manifest.rows[split] - held.rows[split] for split in SPLITS},
            "erased_rows": manifest.erased_rows + erased,
            "sha256": sha256_folder(staging, "*.parquet") if erased else manifest.sha256,
        }
    )


def drop_prompts(datasets: Path, keys: frozenset[str]) -> None:
    """Remove prompts from the lists of prompts of earlier dataset versions."""
    connection = _connect(keys)
    for path in sorted(datasets.glob("*/.prompts/*.parquet")):
        listed = f"FROM '{_quoted(path)}' WHERE prompt_key"
        if connection.sql(f"SELECT count(*) {listed} IN (SELECT id FROM erased)").fetchall()[0][0]:
            status, part = path.stat(), path.with_suffix(".part")
            connection.sql(f"{listed} NOT IN (SELECT id FROM erased)").write_parquet(str(part), compression="zstd")
            os.utime(part, ns=(status.st_atime_ns, status.st_mtime_ns))  # The oldest lists are deleted first.
            part.replace(path)


def remove_leftovers(datasets: Path) -> int:
    """Delete staging folders that a killed process left next to dataset folders; returns their number."""
    leftovers = [path for path in datasets.glob("*/.[0-9]*") if path.is_dir()]
    for path in leftovers:
        shutil.rmtree(path)
    return len(leftovers)


def _connect(ids: frozenset[str]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.register("erased", pa.table({"id": pa.array(sorted(ids), pa.string())}))
    return connection


def _row_numbers(connection: duckdb.DuckDBPyConnection, dataset: str, path: Path) -> list[int]:
    """Numbers of the rows in a split's file that contain an erased id."""
    rows = connection.sql(
        f"SELECT DISTINCT row FROM (SELECT file_row_number AS row, unnest({HOLDS[dataset]}) AS id "
        f"FROM read_parquet('{_quoted(path)}', file_row_number=true)) WHERE id IN (SELECT id FROM erased) ORDER BY row"
    )
    return [row for (row,) in rows.fetchall()]


def _copy(connection: duckdb.DuckDBPyConnection, source: Path, target: Path, without: list[int]) -> None:
    connection.register("dropped", pa.table({"row": pa.array(without, pa.int64())}))
    connection.sql(
        f"SELECT * EXCLUDE (file_row_number) FROM read_parquet('{_quoted(source)}', file_row_number=true) "
        "WHERE file_row_number NOT IN (SELECT row FROM dropped) ORDER BY file_row_number"
    ).write_parquet(str(target), compression="zstd")
    connection.unregister("dropped")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
