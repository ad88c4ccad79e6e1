"""Checks of services: the lake, judge and teacher, Dagster's own storage."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import yaml

from rl_assets.doctor.machine_checks import MAX_SKEW_S, CheckResult, error, ok, warning
from rl_assets.lake.delta import Lake
from rl_assets.settings import Settings
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS

TIMEOUT_S = 5.0


def lake(settings: Settings) -> Iterator[CheckResult]:
    """Whether the tables can be opened."""
    from deltalake.exceptions import DeltaError

    tables = Lake(settings.paths.lake_url)
    try:
        days = {table.name: tables.days(table) for table in (INTERACTIONS, FEEDBACK, INGESTED_FILES)}
    except (DeltaError, OSError) as problem:
        yield error("lake", f"{settings.paths.lake_url} cannot be read: {str(problem).splitlines()[0]}")
        return
    ingested = days[INGESTED_FILES.name]
    if ingested:
        yield ok("lake", f"{settings.paths.lake_url} contains {len(ingested)} days, {ingested[0]} to {ingested[-1]}")
    else:
        yield warning("lake", f"{settings.paths.lake_url} contains no day yet: materialize the group `raw`")


def judge(settings: Settings) -> Iterator[CheckResult]:
    """Whether the judge responds and serves the model."""
    yield from _model("judge", settings.judge_base_url, settings.judge_model, settings.judge_api_key)


def teacher(settings: Settings) -> Iterator[CheckResult]:
    """Whether the teacher responds and serves the model."""
    yield from _model("teacher", settings.teacher_base_url, settings.teacher_model, settings.teacher_api_key)


def _model(name: str, base_url: str | None, model: str | None, key: str | None) -> Iterator[CheckResult]:
    if base_url is None:
        yield ok(name, "none is configured")
        return
    url = f"{base_url.rstrip('/')}/models"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key or 'none'}"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            names, date = _names(response.read()), response.headers.get("Date")
    except urllib.error.HTTPError as problem:
        if problem.code in (401, 403):
            yield error(name, f"{url} returns {problem.code}: the key is rejected")
        else:
            yield warning(name, f"{url} returns {problem.code}: it may still answer questions")
        return
    except OSError as problem:
        reason = getattr(problem, "reason", problem)
        yield error(
            name,
            f"{url} cannot be reached ({reason}): start it, or fix RL_ASSETS_{name.upper()}_BASE_URL",
        )
        return
    if names is not None and model not in names:
        yield error(name, f"{base_url} has no model {model}; it has {', '.join(sorted(names)[:10])}")
    else:
        yield ok(name, f"{base_url} responds" + (f" and has {model}" if names else ""))
    yield from _clock(base_url, date)


def _names(content: bytes) -> set[str] | None:
    """The models in a reply of `/models`; None if it is not of that form."""
    try:
        return {str(one["id"]) for one in json.loads(content)["data"]}
    except (ValueError, KeyError, TypeError):
        return None


def _clock(base_url: str, date: str | None) -> Iterator[CheckResult]:
    try:
        skew = parsedate_to_datetime(date or "").timestamp() - time.time()
    except ValueError:
        return
    if abs(skew) > MAX_SKEW_S:
        yield error("clock", f"{base_url} is {skew:+.0f} s off this machine: fix either clock")


def dagster_storage(environment: dict[str, str] | None = None) -> Iterator[CheckResult]:
    """Whether Dagster keeps runs, and where: SQLite in DAGSTER_HOME, or the PostgreSQL of its dagster.yaml."""
    environment = dict(os.environ) if environment is None else environment
    home = environment.get("DAGSTER_HOME")
    if not home:
        yield warning("dagster", "DAGSTER_HOME is not set: runs are not kept; the Makefile sets it")
        return
    file = Path(home) / "dagster.yaml"
    if not file.is_file():
        yield warning(
            "dagster",
            f"there is no {file}: copy the project's, which has pools and retries",
        )
        return
    storage = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("storage") or {}
    config = storage.get("postgres") or storage.get("custom", {}).get("config") or {}
    if {"postgres_db", "postgres_url"} & set(config):
        yield from _postgres(config, environment)
    else:
        yield ok("dagster", f"SQLite in {home}")


def _postgres(config: dict[str, Any], environment: dict[str, str]) -> Iterator[CheckResult]:
    import sqlalchemy

    fields = config.get("postgres_db") or {"url": config.get("postgres_url")}
    needed = [value["env"] for value in fields.values() if isinstance(value, dict)]
    if missing := [name for name in needed if name not in environment]:
        yield error("postgres", f"{', '.join(missing)} not set: every Dagster command fails without it")
        return
    values = {name: environment[value["env"]] if isinstance(value, dict) else value for name, value in fields.items()}
    url = values.get("url") or sqlalchemy.URL.create(
        values.get("scheme", "postgresql+psycopg2"),
        values["username"],
        values["password"] or None,
        values["hostname"],
        int(values.get("port") or 5432),
        values["db_name"],
    )
    try:
        with sqlalchemy.create_engine(url, connect_args={"connect_timeout": int(TIMEOUT_S)}).connect() as connection:
            version = connection.exec_driver_sql("SHOW server_version").scalar_one()
    except sqlalchemy.exc.SQLAlchemyError as problem:
        yield error("postgres", f"cannot connect: {str(getattr(problem, 'orig', problem)).splitlines()[0]}")
        return
    yield ok("postgres", f"PostgreSQL {version} on {sqlalchemy.make_url(url).host}")
