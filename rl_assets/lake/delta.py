"""Tables of the lake: read days, publish a day in one atomic Delta commit, and hash the content of a day.

Most tables are partitioned by log day. `Table.partition` names the column of the others, and "day" below then means
a value of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pds
from deltalake import ColumnProperties, CommitProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import TableNotFoundError
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from rl_assets.core.files import sha256_json
from rl_assets.lake.content_hash import hash_content
from rl_assets.lake.schema_evolution import schema_mode, schema_to_write
from rl_assets.lake.table import Table
from rl_assets.lake.tombstones import ERASURES, Erased, tombstones

# The writer holds the current file and row group in memory, several times over.
FILE_BYTES = 32 * 2**20
ROW_GROUP_ROWS = 20_000
# Opening a table reads the commits since its last checkpoint; of the usual 100, that takes longer than all else in a
# small commit.
TABLE_SETTINGS = {"delta.checkpointInterval": "10"}
# Values of other columns than the partition's.
Part = Mapping[str, str | date | None]
NO_PART: Part = {}


@dataclass(frozen=True)
class Published:
    """A published day: its row count and the hash of its content."""

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
        return _keys(self.open(table), table)

    def read(self, table: Table, days: Iterable[date | str]) -> pds.Dataset:
        """The rows of `days` as an Arrow dataset that DuckDB can scan; files of other days are never opened."""
        return self._rows(self.open(table), table, days)

    def _rows(self, delta: DeltaTable | None, table: Table, days: Iterable[date | str]) -> pds.Dataset:
        wanted = sorted({str(day) for day in days} & set(_keys(delta, table)))
        if delta is None or not wanted:
            return pds.dataset(table.schema.empty_table())
        return delta.to_pyarrow_dataset(
            filesystem=self._native(table),
            schema=table.schema,
            file_pruning_predicate=[(table.partition, "in", wanted)],
        )

    def _native(self, table: Table) -> SubTreeFileSystem | None:
        """Arrow's own file system for a local table, or None for Delta's.

        Delta's calls Python from Arrow's reading threads. If such a thread ends during the shutdown of the interpreter,
        the process is aborted (about 3 in 100 short processes).
        """
        return (
            None if "://" in self.url else SubTreeFileSystem(str(Path(self.uri(table)).absolute()), LocalFileSystem())
        )

    def publish(self, table: Table, day: date | str, rows: pa.RecordBatchReader, part: Part = NO_PART) -> Published:
        """Replace one day by `rows` in one commit: readers see the old day or the new, and other days are untouched.

        With `part` only the day's rows with these values of other columns are replaced, and `Published` is about them;
        the day's files are then merged, so that many parts are few files.
        `rows` is a stream with the table's columns, in any order. Rows of erased interactions and users are dropped.
        New columns are added to a table that an earlier version of the project wrote. Raises SchemaChangedError if the
        type of a column differs there, and a DeltaError if a row belongs to another day.
        """
        delta = self.open(table)
        mode, schema = schema_mode(delta, table), schema_to_write(delta, table)
        erased, dropped = self.erased(), set[str]()
        conformed = (_conform(batch, schema) for batch in rows)
        write_deltalake(
            self.uri(table) if delta is None else delta,
            pa.RecordBatchReader.from_batches(schema, _without_erased(conformed, erased, dropped)),
            mode="overwrite",
            schema_mode=mode,
            predicate=" AND ".join(_equals(name, value) for name, value in {table.partition: str(day), **part}.items()),
            partition_by=[table.partition],
            configuration=TABLE_SETTINGS,
            target_file_size=FILE_BYTES,
            writer_properties=_writer_properties(table),
            commit_properties=CommitProperties(custom_metadata={table.partition: str(day)}),
        )
        if delta is not None and part:
            delta.optimize.compact(partition_filters=[(table.partition, "=", str(day))])
        if table.erasure_spreads:
            self._erase_interactions(dropped - erased.interactions, str(day))
        return self._published(self.open(table) if delta is None else delta, table, day, part)

    def erased(self) -> Erased:
        """The erased interactions and users."""
        delta = self.open(ERASURES)
        return Erased.from_tombstones(
            self._rows(delta, ERASURES, _keys(delta, ERASURES)).to_table(columns=["kind", "id"])
        )

    def _erase_interactions(self, interactions: set[str], day: str) -> None:
        """Tombstones for answers dropped by their user's id: feedback on them may not name the user."""
        if interactions:
            erasure = f"landed-{day}-{sha256_json(sorted(interactions))[:12]}"
            self.publish(ERASURES, erasure, tombstones(erasure, Erased(interactions=frozenset(interactions))))

    def published(self, table: Table, day: date | str) -> Published:
        """Row count and content hash of a day as it stands."""
        return self._published(self.open(table), table, day)

    def _published(self, delta: DeltaTable | None, table: Table, day: date | str, part: Part = NO_PART) -> Published:
        rows = self._rows(delta, table, [day])
        for name, value in part.items():
            rows = rows.filter(pc.field(name).is_null() if value is None else pc.field(name) == value)
        content = hash_content(rows, table.identity)
        return Published(table.name, day, content.rows, content.sha256, self.uri(table))


def _keys(delta: DeltaTable | None, table: Table) -> list[str]:
    partitions = delta.partitions() if delta else []
    return sorted({str(partition[table.partition]) for partition in partitions})


def _without_erased(batches: Iterable[pa.RecordBatch], erased: Erased, dropped: set[str]) -> Iterator[pa.RecordBatch]:
    """The batches without erased rows; the ids of dropped interactions are added to `dropped`."""
    for batch in batches:
        mask = erased.mask(batch) if erased else None
        if mask is None or not mask.true_count:
            yield batch
            continue
        if "interaction_id" in batch.schema.names:
            dropped.update(batch.column("interaction_id").filter(mask).to_pylist())
        yield batch.filter(pc.invert(mask))


def _writer_properties(table: Table) -> WriterProperties:
    return WriterProperties(
        compression="SNAPPY",
        max_row_group_size=ROW_GROUP_ROWS,
        column_properties={name: ColumnProperties(dictionary_enabled=False) for name in table.distinct},
    )


def _equals(column: str, value: str | date | None) -> str:
    if value is None:
        return f"{column} IS NULL"
    quoted = str(value).replace("'", "''")
    return f"{column} = '{quoted}'"


def _conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    return pa.record_batch([batch.column(field.name).cast(field.type) for field in schema], schema=schema)
