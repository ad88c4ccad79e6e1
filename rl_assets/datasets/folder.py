"""Write, audit, publish: a dataset's folder for a day appears whole, or the former one stays."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from rl_assets.datasets.audit import AuditError, Finding, audit
from rl_assets.datasets.builders import Built
from rl_assets.datasets.cards import dataset_card
from rl_assets.datasets.expectations import Expectation
from rl_assets.datasets.lengths import token_estimates
from rl_assets.datasets.policies import Policy
from rl_assets.datasets.prompts import keep_prompts
from rl_assets.datasets.row_hash import content_hash
from rl_assets.files import replaced_folder, sha256_json, write_atomically, write_json

BUILDER_VERSION = "3"
SPLITS = ("train", "validation", "test")
FATES = "fates.parquet"
HASHED_ROWS = 10_000
Content = dict[str, tuple[int, str]]
WriteSplit = Callable[[duckdb.DuckDBPyConnection, str, Path], None]


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
    write_split: WriteSplit | None = None,
) -> Dataset:
    """Audit the connection's table `rows` and publish it as `folder` (`.../<name>/<day>`): a parquet file a split, what
    became of each answer (the table `fates`), a card, and last the manifest. Neither table is a temporary one, which
    only one connection would see.

    `inputs` names tables and their days' content hashes; `write_split` writes a split whose rows are no plain SQL
    values. Raises AuditError, with nothing changed, where a blocking expectation fails.
    """
    name, day = folder.parent.name, date.fromisoformat(folder.name)
    with replaced_folder(folder) as staging:
        # Rows are written and described while they are looked at: each of the three keeps one core at work.
        with ThreadPoolExecutor(2) as beside:
            writing = beside.submit(_write, connection.cursor(), staging, write_split or _write_split)
            describing = beside.submit(_described, connection.cursor())
            findings = audit(connection, expectations)
        if any(finding.blocks for finding in findings):
            raise AuditError(name, day, findings)
        writing.result()
        content, answers, tokens = describing.result()
        manifest = {
            "name": name,
            "day": str(day),
            "rows": {split: content.get(split, (0, ""))[0] for split in SPLITS},
            "sha256": sha256_json({split: digest for split, (_, digest) in content.items()}),
            "inputs": inputs,
            "builder_version": BUILDER_VERSION,
            "configuration": policy.model_dump(),
            **asdict(built),
            "answers": answers,
            "tokens": tokens,
            "expectations": {
                finding.expectation.name: {"passed": finding.passed, "observed": finding.observed}
                for finding in findings
            },
        }
        keep_prompts(connection, folder.parent, manifest["sha256"])
        write_atomically(staging / "README.md", dataset_card(manifest))
        write_json(staging / "manifest.json", manifest)  # Last: a folder without one was interrupted.
    return Dataset(folder, manifest, findings)


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


def _answers(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Answers of the window by what became of them: `taken`, or the reason why the dataset holds nothing of them."""
    fates = connection.sql("SELECT coalesce(reason, 'taken') AS fate, count(*) FROM fates GROUP BY fate ORDER BY fate")
    return dict(fates.fetchall())


def _write(connection: duckdb.DuckDBPyConnection, folder: Path, write_split: WriteSplit) -> None:
    for split in SPLITS:
        write_split(connection, split, folder / f"{split}.parquet")
    connection.sql("FROM fates").write_parquet(str(folder / FATES), compression="zstd")


def _described(connection: duckdb.DuckDBPyConnection) -> tuple[Content, dict[str, int], dict[str, float | None]]:
    return _content(connection), _answers(connection), token_estimates(connection)


def _content(connection: duckdb.DuckDBPyConnection) -> Content:
    """Row count and content hash of each split that has rows."""
    counts = connection.sql("SELECT split, count(*) FROM rows GROUP BY split ORDER BY split").fetchall()
    return {split: (rows, _split_hash(connection, split)) for split, rows in counts}


def _split_hash(connection: duckdb.DuckDBPyConnection, split: str) -> str:
    batches = _split(connection, split).to_arrow_reader(HASHED_ROWS)
    return content_hash(batches.schema, batches)


def _split(connection: duckdb.DuckDBPyConnection, split: str) -> duckdb.DuckDBPyRelation:
    return connection.sql(
        "SELECT * EXCLUDE (split, prompt_key) FROM rows WHERE split = $split", params={"split": split}
    )


def _write_split(connection: duckdb.DuckDBPyConnection, split: str, path: Path) -> None:
    _split(connection, split).write_parquet(str(path), compression="zstd")
