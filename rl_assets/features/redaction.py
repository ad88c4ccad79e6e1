"""Redacted copies of texts with personal data, and views of the raw tables with these in place."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from itertools import chain
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.core.detectors import Detectors
from rl_assets.core.identity import DEFAULT_RULES, PromptRules, prompt_key
from rl_assets.features.privacy import candidates, names_with_personal_data, redact
from rl_assets.features.privacy_rules import DEFAULT_PRIVACY, PrivacyRules
from rl_assets.lake.delta import Lake
from rl_assets.lake.duckdb_views import register_view
from rl_assets.tables.features import REDACTIONS
from rl_assets.tables.records import FEEDBACK, INTERACTIONS

NAMES = ("agent", "category", "segment", "task")  # Of an answer, which rows of datasets name.
BATCH_ROWS = 20_000
Row = dict[str, Any]
Clean = Callable[[Row, list[str]], Row]
ANSWER_TEXTS = "array_to_string([message.content for message in prompt] || [answer, context], chr(10))"
STATED_TEXTS = "array_to_string([preferred, rejected, comment], chr(10))"


def redactions(
    connection: duckdb.DuckDBPyConnection,
    day: date,
    rules: PromptRules = DEFAULT_RULES,
    privacy: PrivacyRules = DEFAULT_PRIVACY,
) -> pa.RecordBatchReader:
    """Rows of REDACTIONS for the connection's `landed_interactions` and `landed_feedback`, all of `day`."""
    answers = (
        f"SELECT interaction_id AS id, prompt, answer, context, {', '.join(NAMES)}, interaction_id, "
        f"{ANSWER_TEXTS} AS texts FROM landed_interactions"
    )
    events = (
        "SELECT feedback_id AS id, preferred, rejected, comment, interaction_id, "
        f"{STATED_TEXTS} AS texts FROM landed_feedback"
    )
    clean_answer = partial(_clean_answer, volatile=rules.volatile, privacy=privacy)
    clean_event = partial(_clean_event, privacy=privacy)
    batches = chain(
        _batches(connection, answers, day, "interaction", clean_answer, privacy),
        _batches(connection, events, day, "feedback", clean_event, privacy),
    )
    return pa.RecordBatchReader.from_batches(REDACTIONS.schema, batches)


def _batches(
    connection: duckdb.DuckDBPyConnection, statement: str, day: date, record: str, clean: Clean, privacy: PrivacyRules
) -> Iterator[pa.RecordBatch]:
    for batch in connection.sql(statement).to_arrow_reader(BATCH_ROWS):
        cleaned = [_row(row, clean) for row in batch.take(_suspects(batch, privacy)).to_pylist()]
        rows = [{"day": day, "record": record, **row} for row in cleaned if row["found"]]
        yield _with_answer_keys(connection.cursor(), pa.RecordBatch.from_pylist(rows, schema=REDACTIONS.schema))


def _suspects(batch: pa.RecordBatch, privacy: PrivacyRules) -> pa.Array:
    """Indices of the rows whose texts may hold personal data, or whose names do."""
    suspected = np.zeros(batch.num_rows, bool)
    suspected[candidates(batch.column("texts"), privacy.detectors)] = True
    for name in (*NAMES, "interaction_id"):
        if name in batch.schema.names:
            names, ids = batch.column(name), name == "interaction_id"
            suspected |= names_with_personal_data(names, privacy.detectors, ids=ids).to_numpy(zero_copy_only=False)
    return pa.array(np.flatnonzero(suspected))


def _row(row: Row, clean: Clean) -> Row:
    kinds: list[str] = []
    return {"id": row["id"], **clean(row, kinds), "found": kinds}


def _with_answer_keys(connection: duckdb.DuckDBPyConnection, batch: pa.RecordBatch) -> pa.RecordBatch:
    connection.register("answers", pa.table({"answer": batch.column("answer")}))
    keys = connection.sql("SELECT answer_key(answer) AS key FROM answers").to_arrow_table().column("key")
    index = batch.schema.get_field_index("answer_key")
    return batch.set_column(index, batch.schema.field(index), keys.combine_chunks())


def _clean_answer(row: Row, kinds: list[str], volatile: tuple[str, ...], privacy: PrivacyRules) -> Row:
    detectors = privacy.detectors
    prompt = [{**message, "content": _clean(message["content"], kinds, detectors)} for message in row["prompt"]]
    answer, context = _clean(row["answer"], kinds, detectors), _clean(row["context"], kinds, detectors)
    roles, contents = ([message[part] for message in prompt] for part in ("role", "content"))
    names = {name: privacy.clean_name(row[name], kinds) for name in NAMES}
    return {
        "prompt": prompt,
        "answer": answer,
        "context": context,
        "prompt_key": prompt_key(roles, contents, names["task"], context, volatile),
        **names,
        "interaction_id": privacy.clean_id(row["interaction_id"], kinds),
    }


def _clean_event(row: Row, kinds: list[str], privacy: PrivacyRules) -> Row:
    texts = {part: _clean(row[part], kinds, privacy.detectors) for part in ("preferred", "rejected", "comment")}
    return {**texts, "interaction_id": privacy.clean_id(row["interaction_id"], kinds)}


def _clean(text: str | None, kinds: list[str], detectors: Detectors) -> str | None:
    if text is None:
        return None
    clean, replaced = redact(text, detectors)
    kinds += replaced
    return clean


def register_landed(connection: duckdb.DuckDBPyConnection, lake: Lake, days: list[date]) -> None:
    """Register the raw rows of `days` as views `landed_interactions` and `landed_feedback`."""
    for table in (INTERACTIONS, FEEDBACK):
        register_view(connection, f"landed_{table.name}", lake, table, days)


def register_clean(connection: duckdb.DuckDBPyConnection, lake: Lake, days: list[date]) -> None:
    """Register views `interactions` and `feedback` of `days` with personal data replaced."""
    register_landed(connection, lake, days)
    register_view(connection, REDACTIONS.name, lake, REDACTIONS, days)
    for table in (INTERACTIONS, FEEDBACK):
        sql.create_view(connection, table.name, f"features/clean_{table.name}")
