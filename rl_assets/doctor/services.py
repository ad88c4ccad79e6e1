"""What the doctor looks at beyond this machine: tables, models that are asked, Dagster's own storage."""

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

from rl_assets.doctor.machine import SKEW_S, Finding
from rl_assets.lake.delta import Lake
from rl_assets.settings import Settings
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS

TIMEOUT_S = 5.0


def lake(settings: Settings) -> Iterator[Finding]:
    """Whether the tables can be opened."""
    from deltalake.exceptions import DeltaError

    tables = Lake(settings.paths.lake_url)
    try:
        days = {table.name: tables.days(table) for table in (INTERACTIONS, FEEDBACK, INGESTED_FILES)}
    except (DeltaError, OSError) as error:
        yield Finding("lake", "ill", f"{settings.paths.lake_url} cannot be read: {str(error).splitlines()[0]}")
        return
    found = days[INGESTED_FILES.name]
    if found:
        yield Finding("lake", "well", f"{settings.paths.lake_url} holds {len(found)} days, {found[0]} to {found[-1]}")
    else:
        yield Finding("lake", "doubtful", f"{settings.paths.lake_url} holds no day yet: materialize the group `raw`")


def judge(settings: Settings) -> Iterator[Finding]:
    """Whether the judge answers and knows the model."""
    yield from _model("judge", settings.judge_base_url, settings.judge_model, settings.judge_api_key)


def teacher(settings: Settings) -> Iterator[Finding]:
    """Whether the teacher answers and knows the model."""
    yield from _model("teacher", settings.teacher_base_url, settings.teacher_model, settings.teacher_api_key)


def _model(subject: str, base_url: str | None, model: str | None, key: str | None) -> Iterator[Finding]:
    if base_url is None:
        yield Finding(subject, "well", "none is configured")
        return
    url = f"{base_url.rstrip('/')}/models"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key or 'none'}"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            names, said = _names(response.read()), response.headers.get("Date")
    except urllib.error.HTTPError as error:
        wrong = "the key is refused" if error.code in (401, 403) else "it may still answer questions"
        yield Finding(subject, "ill" if error.code in (401, 403) else "doubtful", f"{url} says {error.code}: {wrong}")
        return
    except OSError as error:
        reason = getattr(error, "reason", error)
        yield Finding(
            subject,
            "ill",
            f"{url} cannot be reached ({reason}): start it, or mend RL_ASSETS_{subject.upper()}_BASE_URL",
        )
        return
    if names is not None and model not in names:
        yield Finding(subject, "ill", f"{base_url} has no model {model}; it has {', '.join(sorted(names)[:10])}")
    else:
        yield Finding(subject, "well", f"{base_url} answers" + (f" and has {model}" if names else ""))
    yield from _clock(base_url, said)


def _names(content: bytes) -> set[str] | None:
    """The models in a reply of `/models`; None where it is not of that form."""
    try:
        return {str(one["id"]) for one in json.loads(content)["data"]}
    except (ValueError, KeyError, TypeError):
        return None


def _clock(base_url: str, said: str | None) -> Iterator[Finding]:
    try:
        skew = parsedate_to_datetime(said or "").timestamp() - time.time()
    except ValueError:
        return
    if abs(skew) > SKEW_S:
        yield Finding("clock", "ill", f"{base_url} is {skew:+.0f} s from this machine: mend either clock")


def dagster_storage(environment: dict[str, str] | None = None) -> Iterator[Finding]:
    """Whether Dagster keeps runs, and where: DAGSTER_HOME with SQLite, or the PostgreSQL its file names."""
    environment = dict(os.environ) if environment is None else environment
    home = environment.get("DAGSTER_HOME")
    if not home:
        yield Finding("dagster", "doubtful", "DAGSTER_HOME is not set: runs leave no history; the Makefile sets it")
        return
    file = Path(home) / "dagster.yaml"
    if not file.is_file():
        yield Finding("dagster", "doubtful", f"there is no {file}: `make setup` copies it, with pools and retries")
        return
    storage = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("storage") or {}
    said = storage.get("postgres") or storage.get("custom", {}).get("config") or {}
    if {"postgres_db", "postgres_url"} & set(said):
        yield from _postgres(said, environment)
    else:
        yield Finding("dagster", "well", f"SQLite in {home}")


def _postgres(said: dict[str, Any], environment: dict[str, str]) -> Iterator[Finding]:
    import sqlalchemy

    named = said.get("postgres_db") or {"url": said.get("postgres_url")}
    needed = [value["env"] for value in named.values() if isinstance(value, dict)]
    if missing := [name for name in needed if name not in environment]:
        yield Finding("postgres", "ill", f"{', '.join(missing)} not set: every Dagster command fails without")
        return
    known = {name: environment[value["env"]] if isinstance(value, dict) else value for name, value in named.items()}
    url = known.get("url") or sqlalchemy.URL.create(
        known.get("scheme", "postgresql+psycopg2"),
        known["username"],
        known["password"] or None,
        known["hostname"],
        int(known.get("port") or 5432),
        known["db_name"],
    )
    try:
        with sqlalchemy.create_engine(url, connect_args={"connect_timeout": int(TIMEOUT_S)}).connect() as connection:
            version = connection.exec_driver_sql("SHOW server_version").scalar_one()
    except sqlalchemy.exc.SQLAlchemyError as error:
        yield Finding("postgres", "ill", f"cannot connect: {str(getattr(error, 'orig', error)).splitlines()[0]}")
        return
    yield Finding("postgres", "well", f"PostgreSQL {version} on {sqlalchemy.make_url(url).host}")
