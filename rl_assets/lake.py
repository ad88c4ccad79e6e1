"""Tables of the lake: read days, publish a day in one atomic Delta commit, and tell whether a day's content changed.

Most tables are partitioned by log day; `Table.partition` names the column of one that is not, and then "day" below
means a value of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pds
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import TableNotFoundError
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from rl_assets.ingest.records import Table

HASHED_ROWS = 50_000


@dataclass(frozen=True)
class Published:
    """What a commit left for a day: its row count and the hash of its content."""

    table: str
    day: date | str
    rows: int
    sha256: str
    uri: str


@dataclass(frozen=True)
class Lake:
    """Delta tables below one folder or object-store URL, each partitioned by one column."""

    url: str

    def uri(self, table: Table) -> str:
        return f"{self.url.rstrip('/')}/{table.name}"

    def open(self, table: Table) -> DeltaTable | None:
        """The Delta table, or None before its first commit."""
        try:
            return DeltaTable(self.uri(table))
        except TableNotFoundError:
            return None

    def days(self, table: Table) -> list[date]:
        """Days that hold rows, in order."""
        return [date.fromisoformat(key) for key in self.keys(table)]

    def keys(self, table: Table) -> list[str]:
        """Values of the partition column that have rows, in order."""
        delta = self.open(table)
        partitions = delta.partitions() if delta else []
        return sorted({str(partition[table.partition]) for partition in partitions})

    def read(self, table: Table, days: Iterable[date | str]) -> pds.Dataset:
        """The rows of `days` as an Arrow dataset that DuckDB can scan; files of other days are never opened."""
        wanted = sorted({str(day) for day in days} & set(self.keys(table)))
        delta = self.open(table)
        if delta is None or not wanted:
            return pds.dataset(table.schema.empty_table())
        return delta.to_pyarrow_dataset(
            filesystem=self._native(table),
            schema=table.schema,
            file_pruning_predicate=[(table.partition, "in", wanted)],
        )

    def _native(self, table: Table) -> SubTreeFileSystem | None:
        """Arrow's own file system for a local table, or None for Delta's.

        Delta's calls Python from Arrow's reading threads, and where one of them still ends while the interpreter does,
        the whole process is aborted (about 3 in 100 short processes).
        """
        return (
            None if "://" in self.url else SubTreeFileSystem(str(Path(self.uri(table)).absolute()), LocalFileSystem())
        )

    def between(self, table: Table, first: date, last: date) -> pds.Dataset:
        """The rows of the days from `first` to `last`, both included."""
        return self.read(table, [day for day in self.days(table) if first <= day <= last])

    def publish(self, table: Table, day: date | str, rows: pa.RecordBatchReader) -> Published:
        """Replace one day by `rows` in one commit: readers see the old day or the new, and other days are untouched.

        `rows` streams; it has the table's columns, in any order. Raises a DeltaError where a row is of another day.
        """
        write_deltalake(
            self.uri(table),
            pa.RecordBatchReader.from_batches(table.schema, (_conform(batch, table.schema) for batch in rows)),
            mode="overwrite",
            predicate=_is(table.partition, str(day)),
            partition_by=[table.partition],
            commit_properties=CommitProperties(custom_metadata={table.partition: str(day)}),
        )
        return self.published(table, day)

    def published(self, table: Table, day: date | str) -> Published:
        """Row count and content hash of a day as it stands."""
        identity = self.read(table, [day]).to_table(columns=list(table.identity))
        return Published(table.name, day, identity.num_rows, _content_hash(identity), self.uri(table))


def _is(partition: str, key: str) -> str:
    quoted = key.replace("'", "''")
    return f"{partition} = '{quoted}'"


def _conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    return pa.record_batch([batch.column(field.name).cast(field.type) for field in schema], schema=schema)


def _content_hash(identity: pa.Table) -> str:
    """Hex sha256 of a day's rows, whatever their order."""
    columns = [pc.fill_null(column.cast(pa.string()), "\x1d") for column in identity.columns]
    joined = pc.binary_join_element_wise(*columns, "\x1f")
    digest = sha256()
    order = pc.sort_indices(joined)
    for start in range(0, len(order), HASHED_ROWS):
        rows = joined.take(order.slice(start, HASHED_ROWS)).to_pylist()
        digest.update("".join(f"{row}\x1e" for row in rows).encode("utf-8"))
    return digest.hexdigest()
