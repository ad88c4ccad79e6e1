"""Dataset folders that hold rows of the erased: which, how many, and the same folders without them."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from rl_assets.core.files import replaced_folder, sha256_folder, write_atomically, write_json
from rl_assets.datasets.cards import dataset_card
from rl_assets.datasets.folder import FATES, read_manifest
from rl_assets.datasets.ledger import HOLDS
from rl_assets.datasets.prompts import keep_prompts
from rl_assets.datasets.split_files import SPLITS


@dataclass(frozen=True)
class HeldRows:
    """A published dataset, how many of its rows are made of something erased, by split, and how many of the answers
    that it accounts for are.
    """

    name: str
    day: str
    sha256: str
    rows: dict[str, int]
    answers: int

    @property
    def any(self) -> bool:
        return bool(self.answers or sum(self.rows.values()))

    @property
    def learned_from(self) -> int:
        """Rows that an adapter was trained or validated on."""
        return sum(self.rows[split] for split in SPLITS if split != "test")


def held_rows(datasets: Path, ids: frozenset[str]) -> list[HeldRows]:
    """Every dataset of every day, in order; `rows` are zeros where nothing in it is of `ids`."""
    connection = _connect(ids)
    return [_held(connection, folder) for name in HOLDS for folder in _days(datasets / name)]


def _days(dataset: Path) -> Iterator[Path]:
    yield from sorted(path for path in dataset.glob("[0-9]*") if (path / "manifest.json").is_file())


def _held(connection: duckdb.DuckDBPyConnection, folder: Path) -> HeldRows:
    name, manifest = folder.parent.name, json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    rows = {split: len(_places(connection, name, folder / f"{split}.parquet")) for split in SPLITS}
    fates = f"SELECT count(*) FROM '{_quoted(folder / FATES)}' WHERE interaction_id IN (SELECT id FROM erased)"
    return HeldRows(name, folder.name, manifest["sha256"], rows, connection.sql(fates).fetchall()[0][0])


def drop_from_folders(datasets: Path, held: Iterable[HeldRows], ids: frozenset[str]) -> None:
    """Publish the datasets' folders again without those rows; a manifest says how many went, and has a new hash.

    They are sound but not what a rebuild gives: a group goes whole, and nothing takes the place of what went.
    """
    connection = _connect(ids)
    for one in held:
        _drop_from_folder(connection, datasets / one.name / one.day, one)


def _drop_from_folder(connection: duckdb.DuckDBPyConnection, folder: Path, held: HeldRows) -> None:
    manifest = read_manifest(folder)
    if manifest is None:
        raise FileNotFoundError(f"{folder} vanished while rows were erased from it: run the erasure again")
    with replaced_folder(folder) as staging:
        for split in SPLITS:
            places = _places(connection, held.name, folder / f"{split}.parquet")
            _copy(connection, folder / f"{split}.parquet", staging / f"{split}.parquet", places)
        fates = f"FROM '{_quoted(folder / FATES)}' WHERE interaction_id NOT IN (SELECT id FROM erased)"
        connection.sql(fates).write_parquet(str(staging / FATES), compression="zstd")
        changed = manifest | _changed(manifest, held, staging)
        keep_prompts(staging / "train.parquet", folder.parent, changed["sha256"])
        write_atomically(staging / "README.md", dataset_card(changed))
        write_json(staging / "manifest.json", changed)


def _changed(manifest: dict[str, Any], held: HeldRows, staging: Path) -> dict[str, Any]:
    gone = sum(held.rows.values())
    return {
        "rows": {split: manifest["rows"][split] - held.rows[split] for split in SPLITS},
        "erased_rows": manifest.get("erased_rows", 0) + gone,
        "sha256": sha256_folder(staging, "*.parquet") if gone else manifest["sha256"],
    }


def drop_prompts(datasets: Path, keys: frozenset[str]) -> None:
    """Take prompts out of the lists of what earlier contents of the datasets held."""
    connection = _connect(keys)
    for path in sorted(datasets.glob("*/.prompts/*.parquet")):
        listed = f"FROM '{_quoted(path)}' WHERE prompt_key"
        if connection.sql(f"SELECT count(*) {listed} IN (SELECT id FROM erased)").fetchall()[0][0]:
            status, part = path.stat(), path.with_suffix(".part")
            connection.sql(f"{listed} NOT IN (SELECT id FROM erased)").write_parquet(str(part), compression="zstd")
            os.utime(part, ns=(status.st_atime_ns, status.st_mtime_ns))  # The oldest lists go first.
            part.replace(path)


def remove_leftovers(datasets: Path) -> int:
    """Delete what a killed process left beside dataset folders while it published one; how many folders that were."""
    found = [path for path in datasets.glob("*/.[0-9]*") if path.is_dir()]
    for path in found:
        shutil.rmtree(path)
    return len(found)


def _connect(ids: frozenset[str]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.register("erased", pa.table({"id": pa.array(sorted(ids), pa.string())}))
    return connection


def _places(connection: duckdb.DuckDBPyConnection, dataset: str, path: Path) -> list[int]:
    """Row numbers in a split's file of rows that hold an erased id."""
    found = connection.sql(
        f"SELECT DISTINCT row FROM (SELECT file_row_number AS row, unnest({HOLDS[dataset]}) AS id "
        f"FROM read_parquet('{_quoted(path)}', file_row_number=true)) WHERE id IN (SELECT id FROM erased) ORDER BY row"
    )
    return [row for (row,) in found.fetchall()]


def _copy(connection: duckdb.DuckDBPyConnection, source: Path, target: Path, without: list[int]) -> None:
    connection.register("gone", pa.table({"row": pa.array(without, pa.int64())}))
    connection.sql(
        f"SELECT * EXCLUDE (file_row_number) FROM read_parquet('{_quoted(source)}', file_row_number=true) "
        "WHERE file_row_number NOT IN (SELECT row FROM gone) ORDER BY file_row_number"
    ).write_parquet(str(target), compression="zstd")
    connection.unregister("gone")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
