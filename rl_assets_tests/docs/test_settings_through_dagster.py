"""Every documented value of a setting works as users set it: environment or `.env`, then Dagster, then a table."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.definitions import build_defs
from rl_assets.lake.delta import Lake
from rl_assets.settings import ENV_FILE, PREFIX, Settings
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import interaction
from rl_assets_tests.support.name_models import name_model
from rl_assets_tests.support.pages import DOCS, PAGES, REPOSITORY, blocks, text_of

DAY = "2026-11-20"  # The day of the documentation's logs.
RAW = [dg.AssetKey(table.name) for table in (INTERACTIONS, FEEDBACK, REJECTED_RECORDS, INGESTED_FILES)]
# Read when modules are imported, so that another value needs another process.
READ_AT_IMPORT = {"START_DATE", "WINDOW_DAYS", "GPUS", "SENSOR_SECONDS", "BACKFILL_DAYS"}
# Of object stores and servers that tests do not have: there the definitions take the value, and nothing runs.
URL = re.compile(r"^(?:s3|gs|postgresql|https?)://|^\.\.\.")


def lines_of_env_files() -> Iterator[str]:
    """The lines of the documentation's `.env` files."""
    for block in blocks("ini"):
        yield from (line for line in block.text.splitlines() if line.startswith(PREFIX))


def values_in_prose() -> Iterator[str]:
    """Values that a page names beside their setting, or sets in a command."""
    for page in PAGES:
        for name, value in re.findall(rf"({PREFIX}[A-Z_]+)=([^\s`\"']+)", text_of(page)):
            yield f"{name}={value}"


def values_of_descriptions() -> Iterator[str]:
    """Values that the table of settings names; all of a setting with choices."""
    for name, field in Settings.model_fields.items():
        spans = re.findall(r"`([^`]+)`", field.description or "")
        values = [span for span in spans if span == "null" or "://" in span or span.startswith('{"')]
        values += getattr(field.annotation, "__args__", ()) if name == "executor" else ()
        yield from (f"{PREFIX}{name.upper()}='{value}'" for value in values if value != '{"text": ...}')


def defaults() -> Iterator[str]:
    """The defaults as the table of settings prints them."""
    for name, field in Settings.model_fields.items():
        if field.default is not None:
            yield f"{PREFIX}{name.upper()}='{field.default}'"


EXAMPLES = sorted({*lines_of_env_files(), *values_in_prose(), *values_of_descriptions()})


def name_and_value(line: str) -> tuple[str, str]:
    name, value = line.split("=", 1)
    return name.removeprefix(PREFIX), value.strip("'\"")


AT_IMPORT = [line for line in EXAMPLES if name_and_value(line)[0] in READ_AT_IMPORT]
ELSEWHERE = [line for line in EXAMPLES if URL.match(name_and_value(line)[1])]
HERE = [line for line in EXAMPLES if line not in {*AT_IMPORT, *ELSEWHERE}]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with an empty `.env`, and a log of the documentation's day in its home."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{name.upper()}", raising=False)
    log = tmp_path / "data" / "landing" / "interaction_log" / DAY / "a.jsonl"
    log.parent.mkdir(parents=True)
    # The detector of the documentation.
    (detector,) = [block.text for block in blocks("python") if "def find(" in block.text]
    (tmp_path / "my_product").mkdir()
    (tmp_path / "my_product" / "people.py").write_text(detector)
    monkeypatch.syspath_prepend(tmp_path)
    log.write_text(json.dumps(interaction(timestamp=f"{DAY}T10:00:00Z", quality_scores={"overall": 0.5})) + "\n")
    with sqlite3.connect(tmp_path / "file") as database:
        database.execute(
            "CREATE TABLE feedback (id, user_id, prompt, model_output, feedback_type, rating, comment, created_at)"
        )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def placed(line: str, folder: Path) -> str:
    """The line with a place of the test's own in place of the machine's root, and the files that it names."""
    (folder / "segments.yaml").write_text("parts: {filters: {categories: [spare parts]}}\n", encoding="utf-8")
    (folder / "recipe.yaml").write_text("preset: tiny_cpu\n", encoding="utf-8")
    if line.startswith(f"{PREFIX}FEEDBACK_QUERY"):
        return line + f"\n{PREFIX}FEEDBACK_DATABASE=sqlite:///{folder}/file"
    if line.startswith((f"{PREFIX}JUDGE_BASE_URL", f"{PREFIX}TEACHER_BASE_URL")):
        line += f"\n{line.partition('BASE_URL')[0]}MODEL=a-model"
    if "person_names:find" in line:
        line += f"\n{PREFIX}NAMES_MODEL={name_model(folder / 'names', 'Ada Byron')}"
    if line.startswith(f"{PREFIX}HOME="):
        line += f"\n{PREFIX}LANDING_URL={folder / 'data' / 'landing'}"
    return line.replace("sqlite:////", f"sqlite:///{folder}/").replace("HOME=/", f"HOME={folder}/")


def materialize_raw_tables() -> dg.ExecuteInProcessResult:
    """The raw tables of the documentation's day, by the definitions of the settings."""
    job = build_defs().resolve_implicit_global_asset_job_def()
    return job.execute_in_process(partition_key=DAY, asset_selection=RAW, raise_on_error=False)


@dg.asset
def probe(home: dg.ResourceParam[object], judge: dg.ResourceParam[object], teacher: dg.ResourceParam[object]) -> None:
    """Succeeds once Dagster has accepted the configuration of all resources."""


def accept_resources() -> dg.ExecuteInProcessResult:
    built = build_defs()
    return dg.materialize([probe], resources=dict(built.resources or {}), raise_on_error=False)


def files_of(lines: Iterable[str]) -> list[list[str]]:
    """The lines, in as few files as hold no setting twice."""
    files: list[list[str]] = []
    for line in lines:
        name, _ = name_and_value(line)
        free = (file for file in files if name not in {name_and_value(other)[0] for other in file})
        file = next(free, None)
        if file is None:
            files.append(file := [])
        file.append(line)
    return files


def write_env_file(lines: Iterable[str], folder: Path) -> None:
    ENV_FILE.write_text("\n".join(placed(line, folder) for line in lines) + "\n", encoding="utf-8")


@pytest.mark.slow  # Builds days for seconds.
@pytest.mark.parametrize("lines", files_of(HERE), ids=[f"file-{number}" for number, _ in enumerate(files_of(HERE))])
def test_documented_values_of_settings_give_the_tables_of_a_day(lines: list[str], folder: Path):
    write_env_file(lines, folder)
    result = materialize_raw_tables()
    assert result.success
    (interactions,) = result.asset_materializations_for_node("landed_logs")[:1]
    assert interactions.metadata["dagster/partition_row_count"].value == 1


@pytest.mark.parametrize("line", [*HERE, *ELSEWHERE])
def test_dagster_accepts_a_documented_value_of_a_setting(line: str, folder: Path):
    write_env_file([line], folder)
    assert accept_resources().success


@pytest.mark.slow
def test_documented_values_that_modules_read_when_they_are_imported_give_the_tables_of_a_day(folder: Path):
    (lines,) = files_of(AT_IMPORT)
    write_env_file(lines, folder)
    code = f"from {__name__} import materialize_raw_tables as run; assert run().success"
    environment = {key: text for key, text in os.environ.items() if not key.startswith(PREFIX)}
    environment |= {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", code], check=False, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_all_defaults_written_out_give_the_tables_of_a_day():
    ENV_FILE.write_text("\n".join(defaults()) + "\n", encoding="utf-8")
    assert materialize_raw_tables().success


def test_the_documentation_names_values_of_most_settings():
    named = {name_and_value(line)[0] for line in EXAMPLES}
    assert {"METRICS", "HOME", "FEEDBACK_DATABASE", "EXECUTOR", "WINDOW_DAYS", "BASE_MODEL", "RECIPE"} <= named
    assert DOCS / "log-formats.md" in PAGES


@pytest.mark.slow  # Builds days for seconds.
def test_a_metric_without_a_dimension_lies_in_its_range(folder: Path):
    (line,) = (line for line in lines_of_env_files() if "num_questions" in line)
    ENV_FILE.write_text(line + "\n", encoding="utf-8")
    assert materialize_raw_tables().success
    (row,) = Lake(str(folder / "data" / "lake")).read(INTERACTIONS, [date.fromisoformat(DAY)]).to_table().to_pylist()
    assert dict(row["quality_scores"]) == {"overall": 0.75}
