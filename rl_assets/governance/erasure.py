"""Erasing interactions and users: tombstones first, then all their records, copies before the raw tables.

A killed erasure is completed by ordering it again, or by any later one: every tombstone is processed each time.
Landing files belong to other systems and stay: the report names them, and the tombstones keep their lines out. What the
gateway logged and has not landed is blanked.
"""

import shutil
from collections.abc import Callable, Collection
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from rl_assets.core.files import sha256_json, write_json
from rl_assets.core.home import Home
from rl_assets.governance.affected_adapters import (
    AffectedAdapter,
    affected_adapters,
    champion_is_affected,
    mark_adapters,
)
from rl_assets.governance.dataset_folders import (
    HeldRows,
    drop_from_folders,
    drop_prompts,
    held_rows,
    remove_leftovers,
)
from rl_assets.governance.exports import drop_from_exports, rows_in_exports
from rl_assets.governance.line_files import drop_lines, lines_of_erased
from rl_assets.governance.reports import drop_differences, drop_quotes, quoting_reports
from rl_assets.governance.scope import ErasureScope, find_scope
from rl_assets.governance.table_rows import Counts, count_rows, drop_rows, row_rules
from rl_assets.governance.table_versions import purge_versions
from rl_assets.governance.waiting_lines import blank_waiting, count_waiting, waiting_answers
from rl_assets.lake.delta import Lake
from rl_assets.lake.tombstones import ERASURES, Erased, tombstones


class RowsRemainError(RuntimeError):
    """Rows of the erased were published during the erasure; it is safe to erase again."""


class Erasure(BaseModel):
    """The report of an erasure: what matched and what was dropped.

    `rows` counts by table and partition; `reply_cache_emptied` tells that the replies of judge and teacher, which may
    quote anybody, were deleted; `affected_adapters` learned from the erased rows and should be replaced.
    `service_rows` counts by table of the feedback service; `service_files` are log files that it landed and that are
    written again without the lines, unless somebody removed them. `landing_files` are those of other systems.
    `waiting_lines` are lines of the gateway that had not landed. `exports` counts rows by file below `<home>/exports`,
    `queue_lines` lines by file below `<home>/datasets` that quote answers for people to read.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    rows: Counts
    datasets: list[HeldRows]
    affected_adapters: list[AffectedAdapter]
    champion_is_affected: bool
    reports: list[str]
    landing_files: list[str]
    reply_cache_emptied: bool
    files_deleted: int = 0
    service_rows: dict[str, int] = {}
    service_files: list[str] = []
    waiting_lines: int = 0
    exports: dict[str, int] = {}
    queue_lines: dict[str, int] = {}


def scope_of(lake: Lake, order: Erased, memory_limit: str = "2GB") -> ErasureScope:
    """What the lake holds of `order`, and of anything else that has a tombstone."""
    known = lake.erased()
    return find_scope(lake, Erased(known.interactions | order.interactions, known.users | order.users), memory_limit)


def plan_erasure(home: Home, lake: Lake, order: Erased, user_key: bytes, memory_limit: str = "2GB") -> Erasure:
    """What erasing would find, with nothing changed."""
    return _find(home, lake, "", scope_of(lake, order, memory_limit), user_key)


def erase_scope(
    home: Home,
    lake: Lake,
    order: Erased,
    scope: ErasureScope,
    user_key: bytes,
    log: Callable[[str], None] = lambda _: None,
) -> Erasure:
    """Erase the `scope` of `order`; returns the report, which is also kept in `<home>/erasures`.

    No other run may use the home meanwhile. Raises RowsRemainError if rows are left at the end.
    """
    digest = sha256_json([sorted(order.interactions), sorted(order.users)])[:8]
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{digest}"
    # Including answers known only by a user's id: feedback on one of them may name no user.
    named = _with_waiting(home, scope.erased, user_key)
    _publish_tombstones(lake, name, Erased(order.interactions | named.interactions, order.users))
    erasure = _find(home, lake, name, scope, user_key)
    log(f"{name}: {sum(sum(days.values()) for days in erasure.rows.values())} rows in {len(erasure.rows)} tables")
    mark_adapters(home, erasure.affected_adapters, name)
    keep_report(home, erasure)
    _drop_copies(home, erasure, scope)
    blank_waiting(home, named, user_key)
    deleted = _drop_rows(lake, scope, erasure.rows, user_key)
    _verify(home, lake, scope, user_key)
    erasure = erasure.model_copy(update={"files_deleted": deleted})
    keep_report(home, erasure)
    return erasure


def with_service(erasure: Erasure, rows: dict[str, int], files: Collection[str]) -> Erasure:
    """The report with what the feedback service holds, or held, of the erased."""
    others = [name for name in erasure.landing_files if name not in files]
    update = {"service_rows": rows, "service_files": sorted(files), "landing_files": others}
    return erasure.model_copy(update=update)


def keep_report(home: Home, erasure: Erasure) -> None:
    """Keep the report in `<home>/erasures`, in place of an earlier one of this erasure."""
    write_json(home.erasures / f"{erasure.name}.json", erasure.model_dump())


def _publish_tombstones(lake: Lake, erasure: str, order: Erased) -> None:
    known = lake.erased()
    new = Erased(order.interactions - known.interactions, order.users - known.users)
    if new:
        lake.publish(ERASURES, erasure, tombstones(erasure, new))


def _find(home: Home, lake: Lake, name: str, scope: ErasureScope, user_key: bytes) -> Erasure:
    rows = _count_rows(lake, scope, user_key)
    datasets = held_rows(home.datasets(), scope.in_datasets)
    adapters = affected_adapters(home, datasets, scope.first_day)
    return Erasure(
        name=name,
        rows=rows,
        datasets=[dataset for dataset in datasets if dataset.is_affected],
        affected_adapters=adapters,
        champion_is_affected=champion_is_affected(home, adapters),
        reports=quoting_reports(home.reports(), scope.texts),
        landing_files=sorted(scope.files),
        waiting_lines=count_waiting(home, _with_waiting(home, scope.erased, user_key), user_key),
        reply_cache_emptied=bool(rows) and home.reply_cache.is_dir(),
        exports=rows_in_exports(home.exports, scope.texts),
        queue_lines=lines_of_erased(home.datasets(), scope),
    )


def _with_waiting(home: Home, erased: Erased, user_key: bytes) -> Erased:
    """With the answers to erased users that have not landed."""
    return Erased(erased.interactions | waiting_answers(home, erased, user_key), erased.users)


def _count_rows(lake: Lake, scope: ErasureScope, user_key: bytes) -> Counts:
    return {rule.table.name: days for rule in row_rules(scope, user_key) if (days := count_rows(lake, rule))}


def _drop_copies(home: Home, erasure: Erasure, scope: ErasureScope) -> None:
    """What was made from the tables: reports, cached replies, dataset folders."""
    for day in erasure.reports:
        drop_quotes(home.reports(day), scope.texts)
    drop_differences(home.reports(), scope.prompt_keys)
    drop_from_exports(home.exports, erasure.exports, scope.texts)
    drop_lines(home.datasets(), erasure.queue_lines, scope)
    if erasure.reply_cache_emptied:
        shutil.rmtree(home.reply_cache)
    drop_from_folders(home.datasets(), erasure.datasets, scope.in_datasets)
    drop_prompts(home.datasets(), scope.prompt_keys)
    remove_leftovers(home.datasets())


def _drop_rows(lake: Lake, scope: ErasureScope, rows: Counts, user_key: bytes) -> int:
    """Drop rows from the tables, then the tables' old versions; returns the number of files deleted.

    Old versions of every table are purged, even if no row matched: a killed erasure may have dropped the rows before.
    """
    rules = row_rules(scope, user_key)
    for rule in rules:
        drop_rows(lake, rule, rows.get(rule.table.name, {}))
    return sum(purge_versions(lake, rule.table) for rule in rules)


def _verify(home: Home, lake: Lake, scope: ErasureScope, user_key: bytes) -> None:
    rows = _count_rows(lake, scope, user_key)
    datasets = [dataset for dataset in held_rows(home.datasets(), scope.in_datasets) if dataset.is_affected]
    if rows or datasets:
        names = ", ".join([*rows, *(f"{dataset.name} of {dataset.day}" for dataset in datasets)])
        raise RowsRemainError(f"{names} still hold rows of the erased: another run published them meanwhile; run again")
