"""Clean copies of the texts that hold personal data, and views in which they stand for what landed."""

from collections.abc import Callable, Iterator
from datetime import date
from itertools import chain
from typing import Any

import duckdb
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.core.identity import prompt_key
from rl_assets.features.privacy import redacted, suspects
from rl_assets.lake.delta import Lake
from rl_assets.lake.duckdb_views import see
from rl_assets.tables.features import REDACTIONS
from rl_assets.tables.records import FEEDBACK, INTERACTIONS

BATCH_ROWS = 20_000
Row = dict[str, Any]
Clean = Callable[[Row, list[str]], Row]
ANSWER_TEXTS = "array_to_string([message.content for message in prompt] || [answer, context], chr(10))"
STATED_TEXTS = "array_to_string([preferred, rejected, comment], chr(10))"


def redactions(connection: duckdb.DuckDBPyConnection, day: date) -> pa.RecordBatchReader:
    """Rows of REDACTIONS for the connection's `landed_interactions` and `landed_feedback`, all of `day`."""
    answers = (
        f"SELECT interaction_id AS id, prompt, answer, context, task, {ANSWER_TEXTS} AS texts FROM landed_interactions"
    )
    acts = f"SELECT feedback_id AS id, preferred, rejected, comment, {STATED_TEXTS} AS texts FROM landed_feedback"
    found = chain(
        _found(connection, answers, day, "interaction", _clean_answer),
        _found(connection, acts, day, "feedback", _clean_act),
    )
    return pa.RecordBatchReader.from_batches(REDACTIONS.schema, found)


def _found(
    connection: duckdb.DuckDBPyConnection, statement: str, day: date, record: str, clean: Clean
) -> Iterator[pa.RecordBatch]:
    for batch in connection.sql(statement).to_arrow_reader(BATCH_ROWS):
        cleaned = [_row(row, clean) for row in batch.take(suspects(batch.column("texts"))).to_pylist()]
        rows = [{"day": day, "record": record, **row} for row in cleaned if row["found"]]
        yield _with_answer_keys(connection.cursor(), pa.RecordBatch.from_pylist(rows, schema=REDACTIONS.schema))


def _row(row: Row, clean: Clean) -> Row:
    found: list[str] = []
    return {"id": row["id"], **clean(row, found), "found": found}


def _with_answer_keys(connection: duckdb.DuckDBPyConnection, batch: pa.RecordBatch) -> pa.RecordBatch:
    connection.register("answers", pa.table({"answer": batch.column("answer")}))
    keys = connection.sql("SELECT answer_key(answer) AS key FROM answers").to_arrow_table().column("key")
    place = batch.schema.get_field_index("answer_key")
    return batch.set_column(place, batch.schema.field(place), keys.combine_chunks())


def _clean_answer(row: Row, found: list[str]) -> Row:
    prompt = [{**message, "content": _clean(message["content"], found)} for message in row["prompt"]]
    answer, context = _clean(row["answer"], found), _clean(row["context"], found)
    roles, contents = ([message[part] for message in prompt] for part in ("role", "content"))
    return {
        "prompt": prompt,
        "answer": answer,
        "context": context,
        "prompt_key": prompt_key(roles, contents, row["task"], context),
    }


def _clean_act(row: Row, found: list[str]) -> Row:
    return {part: _clean(row[part], found) for part in ("preferred", "rejected", "comment")}


def _clean(text: str | None, found: list[str]) -> str | None:
    if text is None:
        return None
    clean, kinds = redacted(text)
    found += kinds
    return clean


def register_landed(connection: duckdb.DuckDBPyConnection, lake: Lake, days: list[date]) -> None:
    """Let the connection see what landed on `days` as `landed_interactions` and `landed_feedback`."""
    for table in (INTERACTIONS, FEEDBACK):
        see(connection, f"landed_{table.name}", lake, table, days)


def register_clean(connection: duckdb.DuckDBPyConnection, lake: Lake, days: list[date]) -> None:
    """Let the connection see `interactions` and `feedback` of `days` with personal data replaced."""
    register_landed(connection, lake, days)
    see(connection, REDACTIONS.name, lake, REDACTIONS, days)
    for table in (INTERACTIONS, FEEDBACK):
        sql.create_view(connection, table.name, f"features/clean_{table.name}")
