"""Write, audit, publish: a dataset's folder for a day appears whole, or the former one stays."""

import json
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from rl_assets.core.files import replaced_folder, sha256_json, write_atomically, write_json
from rl_assets.datasets.audit import AuditError, Finding, findings
from rl_assets.datasets.builders import Built
from rl_assets.datasets.cards import dataset_card
from rl_assets.datasets.expectations import Expectation
from rl_assets.datasets.lengths import token_estimates
from rl_assets.datasets.policies import Policy
from rl_assets.datasets.prompts import keep_prompts
from rl_assets.datasets.row_metrics import Notes, Rows, table_rows
from rl_assets.datasets.split_files import Describe, SplitFiles

BUILDER_VERSION = "3"
FATES = "fates.parquet"
FATES_ROWS = 50_000  # At once.
MOST_WAITING = 2  # Pieces of rows that are made while earlier ones are written and noted.


@dataclass(frozen=True)
class Dataset:
    """A published dataset: its folder, its manifest, and what the audit found."""

    folder: Path
    manifest: dict[str, Any]
    findings: list[Finding]

    @property
    def sha256(self) -> str:
        return self.manifest["sha256"]

    @property
    def rows(self) -> dict[str, int]:
        return self.manifest["rows"]


def publish_dataset(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    built: Built,
    policy: Policy,
    expectations: Sequence[Expectation],
    inputs: dict[str, dict[str, str]],
    describe: Describe | None = None,
) -> Dataset:
    """Audit the rows of `built` and publish them as `folder` (`.../<name>/<day>`): a parquet file a split, what became
    of each answer (the connection's table `fates`), a card, and last the manifest.

    `inputs` names tables and their days' content hashes; `describe` gives the files another schema. Raises AuditError,
    with nothing changed, where a blocking expectation fails.
    """
    name, day = folder.parent.name, date.fromisoformat(folder.name)
    rows = built.rows or partial(table_rows, connection)
    with replaced_folder(folder) as staging:
        with SplitFiles(staging, describe) as files:
            _write(rows, files, Notes(connection.cursor(), expectations))
        with ThreadPoolExecutor(1) as beside:
            answers = beside.submit(_write_fates, connection.cursor(), staging / FATES)
            found = findings(connection, expectations, rows)
        if any(finding.blocks for finding in found):
            raise AuditError(name, day, found)
        manifest: dict[str, Any] = {
            "name": name,
            "day": str(day),
            "rows": files.rows,
            "sha256": sha256_json(files.hashes),
            "inputs": inputs,
            "builder_version": BUILDER_VERSION,
            "configuration": policy.model_dump(),
            "candidates": built.candidates,
            "taken": built.taken,
            "rejects": built.rejects,
            "measures": built.measures,
            "answers": answers.result(),
            "tokens": token_estimates(connection),
            "expectations": {
                finding.expectation.name: {"passed": finding.passed, "observed": finding.observed} for finding in found
            },
        }
        keep_prompts(staging / "train.parquet", folder.parent, manifest["sha256"])
        write_atomically(staging / "README.md", dataset_card(manifest))
        write_json(staging / "manifest.json", manifest)  # Last: a folder without one was interrupted.
    return Dataset(folder, manifest, found)


def _write(rows: Rows, files: SplitFiles, notes: Notes) -> None:
    """Write and note the rows while the next are made: each of the three keeps one core at work."""
    with ThreadPoolExecutor(1) as writing, ThreadPoolExecutor(1) as noting:
        jobs: deque[tuple[Future[None], Future[None]]] = deque()
        for piece in rows():
            jobs.append((writing.submit(files.write, piece), noting.submit(notes.add, piece)))
            if len(jobs) > MOST_WAITING:
                _finish(jobs.popleft())
        while jobs:
            _finish(jobs.popleft())


def _finish(jobs: tuple[Future[None], Future[None]]) -> None:
    for job in jobs:
        job.result()


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a published dataset, or None where the day has none."""
    path = folder / "manifest.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def preview(folder: Path, rows: int = 5) -> list[dict[str, Any]]:
    """The first training rows of a published dataset."""
    return (
        duckdb.connect()
        .sql(f"FROM read_parquet('{folder / 'train.parquet'}') LIMIT {rows}")
        .to_arrow_table()
        .to_pylist()
    )


def _write_fates(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, int]:
    """Answers of the window by what became of them: `taken`, or the reason why the dataset holds nothing of them."""
    fates = connection.sql("FROM fates").to_arrow_reader(FATES_ROWS)
    with pq.ParquetWriter(path, fates.schema, compression="zstd") as file:
        for batch in fates:
            file.write_batch(batch)
    counts = connection.sql("SELECT coalesce(reason, 'taken') AS fate, count(*) FROM fates GROUP BY fate ORDER BY fate")
    return dict(counts.fetchall())
