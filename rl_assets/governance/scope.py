"""The scope of an erasure: the answers, feedback and prompts that the lake holds of the erased, and their texts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from rl_assets.core import sql
from rl_assets.core.blank import is_blank
from rl_assets.features.redaction import register_clean
from rl_assets.lake.delta import Lake
from rl_assets.lake.tombstones import Erased
from rl_assets.tables.features import REDACTIONS
from rl_assets.tables.records import FEEDBACK, INTERACTIONS
from rl_assets.tables.review_queue import REVIEW_QUEUE


@dataclass(frozen=True)
class ErasureScope:
    """`erased` names every interaction by its id, including those known only by a user's id.

    `feedback_ids` are ids of feedback events; `stated` are answers whose corrections or preferences are among these;
    `prompt_keys` are prompts that nobody else asked; `files` are landing files with the lines; `first_day` is when the
    first of them landed.
    """

    erased: Erased
    feedback_ids: frozenset[str] = frozenset()
    stated: frozenset[str] = frozenset()
    prompt_keys: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    first_day: date | None = None

    @property
    def in_datasets(self) -> frozenset[str]:
        """Ids that a dataset's row may hold if it was made of something erased."""
        return self.erased.interactions | self.stated


def find_scope(lake: Lake, erased: Erased, memory_limit: str = "2GB") -> ErasureScope:
    """Search every day of the lake for the erased. Texts are given as they landed and with personal data replaced."""
    connection = sql.connect(memory_limit)
    _register(connection, "erased_users", erased.users)
    _register(connection, "erased_interactions", erased.interactions)
    connection.register("interactions", lake.read(INTERACTIONS, lake.days(INTERACTIONS)))
    answers = sql.select(connection, "governance/answers_to_erase").to_arrow_table().to_pylist()
    named = erased.interactions | {row["interaction_id"] for row in answers}
    named |= _hashed_ids(lake, named)
    _register(connection, "erased_interactions", named)
    connection.register("feedback", lake.read(FEEDBACK, lake.days(FEEDBACK)))
    feedback = sql.select(connection, "governance/feedback_to_erase").to_arrow_table().to_pylist()
    rows = [*answers, *feedback]
    scope = ErasureScope(
        Erased(named, erased.users),
        feedback_ids=frozenset(row["feedback_id"] for row in feedback),
        stated=frozenset(row["interaction_id"] for row in feedback if row["stated"]),
        texts=_texts(rows),
        files=frozenset(row["source_file"] for row in rows),
        first_day=min((row["day"] for row in rows), default=None),
    )
    return _with_labels(
        lake, connection, _with_clean_texts(lake, connection, scope, sorted({row["day"] for row in rows}))
    )


def _with_clean_texts(
    lake: Lake, connection: duckdb.DuckDBPyConnection, scope: ErasureScope, days: list[date]
) -> ErasureScope:
    """The scope with prompts, and with texts as datasets and reports contain them."""
    clean = connection.cursor()
    _register(clean, "erased_users", scope.erased.users)
    _register(clean, "erased_interactions", scope.erased.interactions)
    register_clean(clean, lake, days)
    rows = [
        row
        for name in ("governance/answers_to_erase", "governance/feedback_to_erase")
        for row in sql.select(clean, name).to_arrow_table().to_pylist()
    ]
    register_clean(clean, lake, lake.days(INTERACTIONS))
    keys = sql.select(clean, "governance/prompts_to_erase").to_arrow_table().column("prompt_key").to_pylist()
    return replace(scope, texts=scope.texts | _texts(rows), prompt_keys=frozenset(keys))


def _with_labels(lake: Lake, connection: duckdb.DuckDBPyConnection, scope: ErasureScope) -> ErasureScope:
    """The scope with the labels of review pairs whose prompt is erased: they quote answers to it."""
    of_prompts = pc.field("prompt_key").isin(pa.array(sorted(scope.prompt_keys), pa.string()))
    pairs = lake.read(REVIEW_QUEUE, lake.days(REVIEW_QUEUE)).to_table(columns=["pair_id"], filter=of_prompts)
    names = frozenset(pairs.column("pair_id").to_pylist())
    if not names:
        return scope
    _register(connection, "erased_interactions", names)
    labels = sql.select(connection, "governance/feedback_to_erase").to_arrow_table().to_pylist()
    return replace(
        scope,
        erased=Erased(scope.erased.interactions | names, scope.erased.users),
        feedback_ids=scope.feedback_ids | {row["feedback_id"] for row in labels},
        texts=scope.texts | _texts(labels),
        files=scope.files | {row["source_file"] for row in labels},
    )


def _hashed_ids(lake: Lake, named: frozenset[str]) -> frozenset[str]:
    """The hashes that stand for ids with personal data in datasets and in tables made from the raw ones."""
    rows = lake.read(REDACTIONS, lake.days(REDACTIONS))
    wanted = pc.field("id").isin(pa.array(sorted(named), pa.string())) & (pc.field("record") == "interaction")
    hashes = rows.to_table(columns=["interaction_id"], filter=wanted).column("interaction_id").to_pylist()
    return frozenset(filter(None, hashes))


def _texts(rows: Iterable[dict[str, Any]]) -> frozenset[str]:
    return frozenset(text for row in rows for text in row["texts"] if not is_blank(text))


def _register(connection: duckdb.DuckDBPyConnection, name: str, ids: Iterable[str]) -> None:
    connection.register(name, pa.table({"id": pa.array(sorted(ids), pa.string())}))
