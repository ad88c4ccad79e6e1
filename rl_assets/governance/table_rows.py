"""Rows of the erased are removed from the tables: each partition with some is published again without them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from rl_assets.governance.scope import ErasureScope
from rl_assets.lake.delta import Lake
from rl_assets.lake.table import Table
from rl_assets.lake.tombstones import INTERACTION_IDS, USER_HASHES
from rl_assets.tables.catalog import LASTING_TABLES, RECORD_TABLES
from rl_assets.tables.decision_evidence import DECISION_EVIDENCE
from rl_assets.tables.features import PROMPT_CLUSTERS, REDACTIONS
from rl_assets.tables.records import REJECTED_RECORDS
from rl_assets.tables.review_queue import REVIEW_QUEUE

RowFilter = Callable[[pa.RecordBatch], pa.Array]
Counts = dict[str, dict[str, int]]


@dataclass(frozen=True)
class RowRule:
    """Which rows of a table are of the erased: `matches` decides for each row, from `columns`."""

    table: Table
    columns: tuple[str, ...]
    matches: RowFilter


def row_rules(scope: ErasureScope, user_key: bytes) -> list[RowRule]:
    """One rule per table, raw tables last: an erasure that was killed finds its scope there again."""
    records = scope.erased.interactions | scope.feedback_ids
    special = [
        RowRule(REDACTIONS, ("id",), lambda rows: _is_in(rows.column("id"), records)),
        RowRule(DECISION_EVIDENCE, ("cluster",), lambda rows: _is_in(rows.column("cluster"), scope.prompt_keys)),
        RowRule(REVIEW_QUEUE, ("prompt_key",), lambda rows: _is_in(rows.column("prompt_key"), scope.prompt_keys)),
        RowRule(PROMPT_CLUSTERS, ("prompt_key",), lambda rows: _is_in(rows.column("prompt_key"), scope.prompt_keys)),
        RowRule(REJECTED_RECORDS, ("raw", "detail"), lambda rows: _is_rejected_line(rows, scope, user_key)),
    ]
    by_name = {rule.table.name: rule for rule in special}
    tables = (*LASTING_TABLES, *RECORD_TABLES)
    rules = [by_name.get(table.name) or RowRule(table, _id_columns(table), scope.erased.mask) for table in tables]
    # The tombstones name the erased, and other tables without such columns name nobody.
    return [rule for rule in rules if rule.columns]


def rejected_lines(lake: Lake, scope: ErasureScope, user_key: bytes) -> frozenset[str]:
    """The first characters of rejected lines of the erased."""
    batches = lake.read(REJECTED_RECORDS, lake.keys(REJECTED_RECORDS)).to_batches(columns=["raw", "detail"])
    lines = (batch.column("raw").filter(_is_rejected_line(batch, scope, user_key)).to_pylist() for batch in batches)
    return frozenset(line for batch in lines for line in batch if line)


def count_rows(lake: Lake, rule: RowRule) -> dict[str, int]:
    """Rows of the erased by value of the partition column; partitions without any are absent."""
    table, counts = rule.table, Counter[str]()
    for batch in lake.read(table, lake.keys(table)).to_batches(columns=[table.partition, *rule.columns]):
        counts.update(map(str, batch.column(table.partition).filter(rule.matches(batch)).to_pylist()))
    return dict(sorted(counts.items()))


def drop_rows(lake: Lake, rule: RowRule, days: Iterable[str]) -> None:
    """Publish the days without rows of the erased."""
    for day in days:
        batches = lake.read(rule.table, [day]).to_batches()
        lake.publish(rule.table, day, pa.RecordBatchReader.from_batches(rule.table.schema, _other_rows(batches, rule)))


def _other_rows(batches: Iterable[pa.RecordBatch], rule: RowRule) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.filter(pc.invert(rule.matches(batch)))


def _id_columns(table: Table) -> tuple[str, ...]:
    return tuple(name for name in table.schema.names if name in (*INTERACTION_IDS, *USER_HASHES))


def _is_in(column: pa.Array, ids: frozenset[str]) -> pa.Array:
    return pc.is_in(column, pa.array(sorted(ids), pa.string()))


def _is_rejected_line(rows: pa.RecordBatch, scope: ErasureScope, user_key: bytes) -> pa.Array:
    lines = zip(rows.column("raw").to_pylist(), rows.column("detail").to_pylist(), strict=True)
    ids = scope.erased.interactions | scope.feedback_ids
    return pa.array([scope.erased.is_named_in(raw, user_key) or detail in ids for raw, detail in lines], pa.bool_())
