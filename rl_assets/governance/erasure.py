"""Erasing interactions and users: tombstones first, then every trace of them, from the outermost copy to the rawest.

An erasure that was killed is finished by ordering it again, or by any later one: every tombstone is swept each time.
Landing files are other systems' and stay: the report names them, and the tombstones keep their lines out.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from rl_assets.core.files import sha256_json, write_json
from rl_assets.core.home import Home
from rl_assets.governance.folders import HeldRows, drop_from_folders, drop_prompts, held_rows, remove_leftovers
from rl_assets.governance.history import forget_versions
from rl_assets.governance.quotes import drop_quotes, quoting_reports
from rl_assets.governance.sweeping import Counts, count_rows, drop_rows, rules
from rl_assets.governance.tainted import TaintedAdapter, champion_is_among, mark, tainted_adapters
from rl_assets.governance.traces import Traces, find_traces
from rl_assets.lake.delta import Lake
from rl_assets.lake.tombstones import ERASURES, Erased, tombstones


class StillThereError(RuntimeError):
    """Rows of the erased were published while they were erased; nothing is lost by erasing again."""


@dataclass(frozen=True)
class Erasure:
    """What was found and dropped. `rows` counts by table and day; `judge_replies` says that the judge's cache, which
    may quote anybody, was emptied; `tainted_adapters` learned from what is gone and should be replaced.
    """

    name: str
    rows: Counts
    datasets: list[HeldRows]
    tainted_adapters: list[TaintedAdapter]
    champion_is_tainted: bool
    reports: list[str]
    landing_files: list[str]
    judge_replies: bool
    files_deleted: int

    @property
    def found_anything(self) -> bool:
        return bool(self.rows or self.datasets)


def trace(lake: Lake, order: Erased, memory_limit: str = "2GB") -> Traces:
    """What the lake holds of `order`, and of whatever else has a tombstone."""
    known = lake.erased()
    return find_traces(lake, Erased(known.interactions | order.interactions, known.users | order.users), memory_limit)


def planned(home: Home, lake: Lake, order: Erased, user_key: bytes, memory_limit: str = "2GB") -> Erasure:
    """What erasing would find, with nothing changed."""
    return _found(home, lake, "", trace(lake, order, memory_limit), user_key)


def erase_traces(
    home: Home,
    lake: Lake,
    order: Erased,
    traces: Traces,
    user_key: bytes,
    log: Callable[[str], None] = lambda _: None,
) -> Erasure:
    """Erase the `traces` of `order`; the report, also kept in `<home>/erasures`.

    No other run may work on the home meanwhile. Raises StillThereError where rows are left at the end.
    """
    ordered = sha256_json([sorted(order.interactions), sorted(order.users)])[:8]
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{ordered}"
    # With the answers that only a user's id told: feedback on one of them may name no user.
    _remember(lake, name, Erased(order.interactions | traces.erased.interactions, order.users))
    found = _found(home, lake, name, traces, user_key)
    log(f"{name}: {sum(sum(days.values()) for days in found.rows.values())} rows in {len(found.rows)} tables")
    mark(home, found.tainted_adapters, name)
    write_json(home.erasures / f"{name}.json", asdict(found))
    _drop_copies(home, found, traces)
    deleted = _drop_rows(lake, traces, found.rows, user_key)
    _verify(home, lake, traces, user_key)
    done = Erasure(**{**vars(found), "files_deleted": deleted})
    write_json(home.erasures / f"{name}.json", asdict(done))
    return done


def _remember(lake: Lake, erasure: str, order: Erased) -> None:
    known = lake.erased()
    new = Erased(order.interactions - known.interactions, order.users - known.users)
    if new:
        lake.publish(ERASURES, erasure, tombstones(erasure, new))


def _found(home: Home, lake: Lake, name: str, traces: Traces, user_key: bytes) -> Erasure:
    rows = {rule.table.name: days for rule in rules(traces, user_key) if (days := count_rows(lake, rule))}
    held = held_rows(home.datasets(), traces.in_datasets)
    holding = [dataset for dataset in held if dataset.any]
    adapters = tainted_adapters(home, held, traces.first_day)
    return Erasure(
        name,
        rows,
        holding,
        adapters,
        champion_is_among(home, adapters),
        reports=quoting_reports(home.reports(), traces.texts),
        landing_files=sorted(traces.files),
        judge_replies=bool(rows) and home.reply_cache.is_dir(),
        files_deleted=0,
    )


def _drop_copies(home: Home, found: Erasure, traces: Traces) -> None:
    """What was made of the tables: reports, replies of the judge, dataset folders."""
    for day in found.reports:
        drop_quotes(home.reports(day), traces.texts)
    if found.judge_replies:
        shutil.rmtree(home.reply_cache)
    drop_from_folders(home.datasets(), found.datasets, traces.in_datasets)
    drop_prompts(home.datasets(), traces.prompt_keys)
    remove_leftovers(home.datasets())


def _drop_rows(lake: Lake, traces: Traces, rows: Counts, user_key: bytes) -> int:
    """Rows leave the tables, then the tables' past goes; the number of files that held it.

    The past of every table goes, also where nothing was found: a killed erasure may have got as far.
    """
    every = rules(traces, user_key)
    for rule in every:
        drop_rows(lake, rule, rows.get(rule.table.name, {}))
    return sum(forget_versions(lake, rule.table) for rule in every)


def _verify(home: Home, lake: Lake, traces: Traces, user_key: bytes) -> None:
    left = {rule.table.name: days for rule in rules(traces, user_key) if (days := count_rows(lake, rule))}
    held = [one for one in held_rows(home.datasets(), traces.in_datasets) if one.any]
    if left or held:
        where = ", ".join([*left, *(f"{one.name} of {one.day}" for one in held)])
        raise StillThereError(f"{where} still hold rows of the erased: another run published them meanwhile; run again")
