"""Rows of the erased leave the tables: each day that holds some is published again without them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from rl_assets.governance.traces import Traces
from rl_assets.lake.delta import Lake
from rl_assets.lake.table import Table
from rl_assets.lake.tombstones import INTERACTION_IDS, USER_HASHES
from rl_assets.tables.dataset_ledger import LEDGER
from rl_assets.tables.features import FEATURES, PROMPT_CLUSTERS, REDACTIONS
from rl_assets.tables.judge_preferences import JUDGE_PREFERENCES
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import FEEDBACK, INTERACTIONS, REJECTED_RECORDS
from rl_assets.tables.teacher_answers import TEACHER_ANSWERS

MADE = (JUDGE_PREFERENCES, TEACHER_ANSWERS, LEDGER, RATED_INTERACTIONS, FEATURES)
Theirs = Callable[[pa.RecordBatch], pa.Array]
Counts = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Rule:
    """How a table's rows are known to be of the erased: the columns to look at, and whether each row is."""

    table: Table
    columns: tuple[str, ...]
    mask: Theirs


def rules(traces: Traces, user_key: bytes) -> list[Rule]:
    """A rule a table, raw tables last: an erasure that was killed finds its traces there again."""
    made, raw = (
        [Rule(table, _ids(table), traces.erased.mask) for table in tables]
        for tables in (MADE, (FEEDBACK, INTERACTIONS))
    )
    records = traces.erased.interactions | traces.acts
    return [
        *made,
        Rule(REDACTIONS, ("id",), lambda rows: _is_in(rows.column("id"), records)),
        Rule(PROMPT_CLUSTERS, ("prompt_key",), lambda rows: _is_in(rows.column("prompt_key"), traces.prompt_keys)),
        Rule(REJECTED_RECORDS, ("raw", "detail"), lambda rows: _refused(rows, traces, user_key)),
        *raw,
    ]


def refused_lines(lake: Lake, traces: Traces, user_key: bytes) -> frozenset[str]:
    """Beginnings of lines of the erased that were refused."""
    batches = lake.read(REJECTED_RECORDS, lake.keys(REJECTED_RECORDS)).to_batches(columns=["raw", "detail"])
    found = (batch.column("raw").filter(_refused(batch, traces, user_key)).to_pylist() for batch in batches)
    return frozenset(raw for raws in found for raw in raws if raw)


def count_rows(lake: Lake, rule: Rule) -> dict[str, int]:
    """Rows of the erased by day (value of the partition column); days without any are left out."""
    table, found = rule.table, Counter[str]()
    for batch in lake.read(table, lake.keys(table)).to_batches(columns=[table.partition, *rule.columns]):
        found.update(map(str, batch.column(table.partition).filter(rule.mask(batch)).to_pylist()))
    return dict(sorted(found.items()))


def drop_rows(lake: Lake, rule: Rule, days: Iterable[str]) -> None:
    """Publish the days without their rows."""
    for day in days:
        batches = lake.read(rule.table, [day]).to_batches()
        lake.publish(rule.table, day, pa.RecordBatchReader.from_batches(rule.table.schema, _others(batches, rule)))


def _others(batches: Iterable[pa.RecordBatch], rule: Rule) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.filter(pc.invert(rule.mask(batch)))


def _ids(table: Table) -> tuple[str, ...]:
    return tuple(name for name in table.schema.names if name in (*INTERACTION_IDS, *USER_HASHES))


def _is_in(column: pa.Array, ids: frozenset[str]) -> pa.Array:
    return pc.is_in(column, pa.array(sorted(ids), pa.string()))


def _refused(rows: pa.RecordBatch, traces: Traces, user_key: bytes) -> pa.Array:
    lines = zip(rows.column("raw").to_pylist(), rows.column("detail").to_pylist(), strict=True)
    gone = traces.erased.interactions | traces.acts
    return pa.array([traces.erased.is_named_in(raw, user_key) or detail in gone for raw, detail in lines], pa.bool_())
