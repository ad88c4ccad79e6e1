"""Write, audit, publish: a dataset's folder for a day appears complete, or the previous one stays."""

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

from rl_assets.core.files import replaced_folder, sha256_json, write_atomically
from rl_assets.datasets.audit import AuditError, Finding, findings
from rl_assets.datasets.builders import Built
from rl_assets.datasets.cards import dataset_card
from rl_assets.datasets.expectations import Expectation, rows_by_source
from rl_assets.datasets.lengths import token_estimates
from rl_assets.datasets.policies import Policy
from rl_assets.datasets.prompts import keep_prompts
from rl_assets.datasets.row_metrics import Notes, Rows, table_rows
from rl_assets.datasets.split_files import Describe, SplitFiles
from rl_assets.tables.dataset_manifest import DatasetManifest

BUILDER_VERSION = "7"
OUTCOMES = "outcomes.parquet"
OUTCOME_BATCH_ROWS = 50_000
MAX_PENDING = 2  # Pieces of rows that are made while earlier ones are written and noted.


@dataclass(frozen=True)
class Dataset:
    """A published dataset: its folder, its manifest, and the audit's results."""

    folder: Path
    manifest: DatasetManifest
    findings: list[Finding]

    @property
    def sha256(self) -> str:
        return self.manifest.sha256

    @property
    def rows(self) -> dict[str, int]:
        return self.manifest.rows


def publish_dataset(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    built: Built,
    policy: Policy,
    expectations: Sequence[Expectation],
    inputs: dict[str, dict[str, str]],
    describe: Describe | None = None,
) -> Dataset:
    """Audit the rows of `built` and publish them as `folder` (`.../<name>/<day>`): one Parquet file per split, the
    outcome of each answer (the connection's table `outcomes`), a card, and last the manifest.

    `inputs` names tables and their days' content hashes; `describe` gives the files another schema. Raises AuditError,
    with nothing changed, if a blocking expectation fails.
    """
    name, day = folder.parent.name, date.fromisoformat(folder.name)
    rows = built.rows or partial(table_rows, connection)
    with replaced_folder(folder) as staging:
        with SplitFiles(staging, describe) as files:
            _write(rows, files, Notes(connection.cursor(), expectations))
        with ThreadPoolExecutor(1) as executor:
            outcomes = executor.submit(_write_outcomes, connection.cursor(), staging / OUTCOMES)
            results = findings(connection, expectations, rows)
        if any(finding.blocks for finding in results):
            raise AuditError(name, day, results)
        manifest = DatasetManifest(
            name=name,
            day=str(day),
            rows=files.rows,
            sha256=sha256_json(files.hashes),
            inputs=inputs,
            answer_outcomes=outcomes.result(),
            tokens=token_estimates(connection),
            sources=rows_by_source(connection),
            checks={finding.expectation.name: finding.check for finding in results},
            **_account(built, policy),
        )
        keep_prompts(staging / "train.parquet", folder.parent, manifest.sha256)
        write_atomically(staging / "README.md", dataset_card(manifest))
        manifest.write(staging)  # Last: a folder without one was interrupted.
    return Dataset(folder, manifest, results)


def _account(built: Built, policy: Policy) -> dict[str, Any]:
    """What a manifest says of how the rows were chosen."""
    return {
        "builder_version": BUILDER_VERSION,
        "configuration": policy.model_dump(),
        "candidates": built.candidates,
        "selected": built.selected,
        "dropped": built.dropped,
        "metrics": built.metrics,
    }


def _write(rows: Rows, files: SplitFiles, notes: Notes) -> None:
    """Write and note the rows while the next are made: each of the three keeps one core at work."""
    with ThreadPoolExecutor(1) as writing, ThreadPoolExecutor(1) as noting:
        jobs: deque[tuple[Future[None], Future[None]]] = deque()
        for piece in rows():
            jobs.append((writing.submit(files.write, piece), noting.submit(notes.add, piece)))
            if len(jobs) > MAX_PENDING:
                _finish(jobs.popleft())
        while jobs:
            _finish(jobs.popleft())


def _finish(jobs: tuple[Future[None], Future[None]]) -> None:
    for job in jobs:
        job.result()


def preview(folder: Path, rows: int = 5) -> list[dict[str, Any]]:
    """The first training rows of a published dataset."""
    return (
        duckdb.connect()
        .sql(f"FROM read_parquet('{folder / 'train.parquet'}') LIMIT {rows}")
        .to_arrow_table()
        .to_pylist()
    )


def _write_outcomes(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, int]:
    """Counts of the window's answers by outcome: `selected`, or the reason why the dataset holds nothing of them."""
    outcomes = connection.sql("FROM outcomes").to_arrow_reader(OUTCOME_BATCH_ROWS)
    with pq.ParquetWriter(path, outcomes.schema, compression="zstd") as file:
        for batch in outcomes:
            file.write_batch(batch)
    counts = connection.sql(
        "SELECT coalesce(reason, 'selected') AS outcome, count(*) FROM outcomes GROUP BY 1 ORDER BY 1"
    )
    return dict(counts.fetchall())
