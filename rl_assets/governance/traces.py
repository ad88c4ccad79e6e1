"""What the lake holds of the erased: their answers, acts of feedback and prompts, and the texts that these say."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import duckdb
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.features.redaction import register_clean
from rl_assets.lake.delta import Lake
from rl_assets.lake.tombstones import Erased
from rl_assets.tables.records import FEEDBACK, INTERACTIONS


@dataclass(frozen=True)
class Traces:
    """`erased` names every interaction by its id, also those that only a user's id told.

    `acts` are ids of feedback; `stated` are answers whose corrections or preferences are among these; `prompt_keys`
    are prompts that nobody else asked; `files` are landing files that held the lines; `first_day` is when they landed.
    """

    erased: Erased
    acts: frozenset[str] = frozenset()
    stated: frozenset[str] = frozenset()
    prompt_keys: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    first_day: date | None = None

    @property
    def in_datasets(self) -> frozenset[str]:
        """Ids that a dataset's row may hold where it was made of something erased."""
        return self.erased.interactions | self.stated


def find_traces(lake: Lake, erased: Erased, memory_limit: str = "2GB") -> Traces:
    """Look for the erased in every day of the lake. Texts are given as they landed and with personal data replaced."""
    connection = sql.connect(memory_limit)
    _register(connection, "erased_users", erased.users)
    _register(connection, "erased_interactions", erased.interactions)
    connection.register("interactions", lake.read(INTERACTIONS, lake.days(INTERACTIONS)))
    answers = sql.select(connection, "governance/answers_to_erase").to_arrow_table().to_pylist()
    named = erased.interactions | {row["interaction_id"] for row in answers}
    _register(connection, "erased_interactions", named)
    connection.register("feedback", lake.read(FEEDBACK, lake.days(FEEDBACK)))
    acts = sql.select(connection, "governance/feedback_to_erase").to_arrow_table().to_pylist()
    found = [*answers, *acts]
    traces = Traces(
        Erased(named, erased.users),
        acts=frozenset(row["feedback_id"] for row in acts),
        stated=frozenset(row["interaction_id"] for row in acts if row["stated"]),
        texts=_texts(found),
        files=frozenset(row["source_file"] for row in found),
        first_day=min((row["day"] for row in found), default=None),
    )
    return _with_clean_forms(lake, connection, traces, sorted({row["day"] for row in found}))


def _with_clean_forms(
    lake: Lake, connection: duckdb.DuckDBPyConnection, traces: Traces, found_on: list[date]
) -> Traces:
    """The traces with prompts, and with texts as datasets and reports say them."""
    clean = connection.cursor()
    _register(clean, "erased_users", traces.erased.users)
    _register(clean, "erased_interactions", traces.erased.interactions)
    register_clean(clean, lake, found_on)
    rows = [
        row
        for name in ("governance/answers_to_erase", "governance/feedback_to_erase")
        for row in sql.select(clean, name).to_arrow_table().to_pylist()
    ]
    register_clean(clean, lake, lake.days(INTERACTIONS))
    keys = sql.select(clean, "governance/prompts_to_erase").to_arrow_table().column("prompt_key").to_pylist()
    return replace(traces, texts=traces.texts | _texts(rows), prompt_keys=frozenset(keys))


def _texts(rows: Iterable[dict]) -> frozenset[str]:
    return frozenset(text for row in rows for text in row["texts"] if text.strip())


def _register(connection: duckdb.DuckDBPyConnection, name: str, ids: Iterable[str]) -> None:
    connection.register(name, pa.table({"id": pa.array(sorted(ids), pa.string())}))
