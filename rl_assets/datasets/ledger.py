"""`dataset_ledger` as of a day: each answer of the window, which datasets selected it, and why others did not."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from rl_assets.core import sql
from rl_assets.datasets.folder import OUTCOMES
from rl_assets.datasets.ratings import Window, rated_as_of
from rl_assets.datasets.split_files import SPLITS
from rl_assets.lake.delta import Lake, Published
from rl_assets.tables.dataset_ledger import DATASETS, LEDGER, short_name
from rl_assets.tables.dataset_manifest import DatasetManifest, read_manifest
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS

# Each dataset, and the answers that a row of it holds.
HOLDS = {
    "sft_dataset": "[metadata.interaction_id]",
    "dpo_dataset": "[metadata.interaction_id, metadata.chosen_id, metadata.rejected_id]",
    "reward_dataset": "[metadata.interaction_id, metadata.chosen_id, metadata.rejected_id]",
    "kto_dataset": "[metadata.interaction_id]",
    "grpo_dataset": "list_transform(responses, lambda answer: answer.interaction_id)",
}
Account = dict[str, int]


class LedgerError(ValueError):
    """The ledger and a dataset disagree, or a dataset is missing or of other answers; nothing was published."""


@dataclass(frozen=True)
class LedgerOfDay:
    """A published ledger; `accounts` counts answers by dataset and outcome (`selected` or a reason)."""

    published: Published
    accounts: dict[str, Account]


def write_ledger(lake: Lake, window: Window, datasets: Path, memory_limit: str = "2GB") -> LedgerOfDay:
    """Publish the ledger of the window's day from the datasets' folders `<datasets>/<name>/<day>`.

    Raises LedgerError where a dataset of the day is missing, was built from other rated answers, or does not hold
    exactly the rows that the ledger says.
    """
    day = window.day
    rated = lake.published(RATED_INTERACTIONS, day)
    connection = rated_as_of(lake, window, memory_limit)
    manifests = {name: _opened(connection, datasets / name / str(day), rated) for name in DATASETS}
    sql.create_temporary(connection, "ledger", "datasets/ledger", day=day)
    accounts = {name: _account(connection, name) for name in DATASETS}
    for name, manifest in manifests.items():
        _agree(connection, name, datasets / name / str(day), manifest, accounts[name])
    return LedgerOfDay(lake.publish(LEDGER, day, connection.sql("FROM ledger").to_arrow_reader(50_000)), accounts)


def _opened(connection: duckdb.DuckDBPyConnection, folder: Path, rated: Published) -> DatasetManifest:
    """The manifest of a dataset; its outcomes become a view with the dataset's name."""
    manifest = read_manifest(folder)
    if manifest is None:
        raise LedgerError(f"there is no dataset in {folder}: materialize {folder.parent.name} of {folder.name} first")
    if manifest.inputs[RATED_INTERACTIONS.name].get(folder.name) != rated.sha256:
        raise LedgerError(
            f"{folder} was built from another version of {RATED_INTERACTIONS.name} of {folder.name}: "
            f"materialize {folder.parent.name} of {folder.name} again"
        )
    connection.execute(f"CREATE TEMP VIEW {folder.parent.name} AS FROM read_parquet('{_quoted(folder / OUTCOMES)}')")
    return manifest


def _account(connection: duckdb.DuckDBPyConnection, dataset: str) -> Account:
    rows, reason = f"{short_name(dataset)}_rows", f"{short_name(dataset)}_reason"
    outcome = f"CASE WHEN {rows} > 0 THEN 'selected' ELSE coalesce({reason}, 'without a reason') END"
    return dict(connection.sql(f"SELECT {outcome} AS outcome, count(*) FROM ledger GROUP BY 1 ORDER BY 1").fetchall())


def _agree(
    connection: duckdb.DuckDBPyConnection, name: str, folder: Path, manifest: DatasetManifest, account: Account
) -> None:
    if account != manifest.answer_outcomes:
        raise LedgerError(
            f"the ledger counts {account} for {folder}, its manifest {manifest.answer_outcomes}: build it again"
        )
    if differing := _differing(connection, name, folder):
        raise LedgerError(
            f"{len(differing)} answers or more stand in {folder} in another number than its {OUTCOMES} says, the first "
            f"{', '.join(differing)}: build it again"
        )


def _differing(connection: duckdb.DuckDBPyConnection, name: str, folder: Path) -> list[str]:
    """The first answers that stand in another number of the dataset's rows than the ledger says."""
    files = ", ".join(f"'{_quoted(folder / f'{split}.parquet')}'" for split in SPLITS)
    differing = connection.sql(
        f"WITH held AS (SELECT interaction_id, count(*) AS n FROM "
        f"(SELECT unnest(list_distinct({HOLDS[name]})) AS interaction_id FROM read_parquet([{files}])) GROUP BY ALL) "
        f"SELECT interaction_id FROM ledger FULL JOIN held USING (interaction_id) "
        f"WHERE coalesce({short_name(name)}_rows, 0) <> coalesce(n, 0) ORDER BY ALL LIMIT 5"
    )
    return [interaction_id for (interaction_id,) in differing.fetchall()]


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
