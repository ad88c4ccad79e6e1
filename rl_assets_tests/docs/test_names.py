"""What pages name exists: assets, settings, files, columns, keys, messages, links; and what exists is named."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest

from rl_assets.datasets import policies
from rl_assets.definitions import defs
from rl_assets.ingest.landing import formats
from rl_assets.recipes import recipe
from rl_assets.settings import Settings, settings_table
from rl_assets_tests.support.pages import (
    CONTRIBUTORS,
    DOCS,
    PAGES,
    QUICKSTART,
    README,
    REPOSITORY,
    anchors,
    code_spans,
    prose,
    script,
    table,
    text_of,
    with_snippets,
)

STYLE = DOCS / "style.md"
CHANGELOG = REPOSITORY / "CHANGELOG.md"
SOURCES = [
    *(REPOSITORY / "rl_assets").rglob("*.py"),
    *(REPOSITORY / "rl_assets").rglob("*.j2"),
    *(REPOSITORY / "sql").rglob("*.sql"),
    *(REPOSITORY / name for name in ("Makefile", "pyproject.toml", "dagster.yaml", "deploy/dagster-postgres.yaml")),
]
SOURCE = "\n".join(text_of(path) for path in SOURCES)
WORDS = set(re.findall(r"\w+", SOURCE))
# A class of DuckDB's, Dagster's own sensor, and assets of an example with segments.
OF_SEGMENTS = {"billing_report", "billing_evidence", "billing_review_queue", "billing_decision"}
FOREIGN = {"OutOfMemoryException", "default_automation_condition_sensor", *OF_SEGMENTS}
# PEFT's file of an adapter, and the files of splits, whose names are put together.
OUTPUTS = {"adapter_config.json", "train.parquet", "validation.parquet", "test.parquet"}
# Words of the left column of the glossary that have no other meaning.
NOT_OUR_WORDS = (
    r"\b(?:fates?|duels?|anew|mend|beside|taken|told|passed over|left out|not told apart|guard-rails?|acts of feedback|"
    r"nightly chain|growing logs?|where there (?:is|are) none|by itself|by themselves)\b"
)
FILE = re.compile(r"[\w/.-]*\w\.(?:md|json|jsonl|html|parquet|yaml|key|safetensors|py|sql|cff)")


def test_every_asset_job_sensor_and_schedule_is_named_in_the_documentation():
    assets = {spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()}
    names = {item.name for item in (*defs.jobs, *defs.sensors, *defs.schedules)} | assets
    written = "\n".join(text_of(page) for page in DOCS.glob("*.md"))
    assert {name for name in names if f"`{name}`" not in written} == set()


def test_the_table_of_settings_is_the_one_the_code_prints():
    assert settings_table() in text_of(DOCS / "settings.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_setting_that_is_named_exists(page: Path):
    known = {f"RL_ASSETS_{field}".upper() for field in Settings.model_fields}
    assert set(re.findall(r"RL_ASSETS_[A-Z_]*[A-Z]\b", text_of(page))) <= known


@pytest.mark.parametrize("page", [page for page in PAGES if page != STYLE], ids=lambda page: page.name)
def test_every_identifier_in_backticks_is_one_of_the_code(page: Path):
    identifiers = {span for span in code_spans(page) if re.fullmatch(r"[A-Za-z]\w+", span) and not span.isupper()}
    assert identifiers - WORDS - FOREIGN == set()


@pytest.mark.parametrize("page", [page for page in PAGES if page != STYLE], ids=lambda page: page.name)
def test_every_file_in_backticks_is_there_or_written_by_the_code(page: Path):
    named = {span for span in code_spans(page) if FILE.fullmatch(span)}
    missing = {name for name in named - OUTPUTS if not (REPOSITORY / name).exists() and Path(name).name not in SOURCE}
    assert missing == set()


@pytest.mark.parametrize("page", (*PAGES, QUICKSTART), ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_folder_of_the_repository_in_backticks_is_there(page: Path):
    named = {
        span for span in code_spans(page) if re.match(r"(rl_assets|rl_assets_tests|sql|docs|deploy)(/[\w./]+)?$", span)
    }
    assert {name for name in named if not (REPOSITORY / name).exists()} == set()


@pytest.mark.parametrize("page", (*PAGES, QUICKSTART), ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_leads_to_a_file_and_to_a_section_of_it(page: Path):
    for target in re.findall(r"\]\((?!http)([^)]+)\)", prose(page)):
        path, _, section = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        assert not section or section in anchors(file) or f"::: {section}\n" in text_of(file), target


def test_pages_for_users_name_no_module_that_the_wheel_does_not_hold():
    users = [page for page in PAGES if page not in CONTRIBUTORS]
    assert [page for page in users if "rl_assets_tests" in text_of(page)] == []


def test_messages_in_troubleshooting_are_ones_that_the_code_writes():
    flat = re.sub(r'"\s*\n\s*f?"', "", SOURCE)
    messages = [
        span for row in table(DOCS / "troubleshooting.md", "what you see") for span in re.findall("`([^`]+)`", row[0])
    ]
    parts = [part.strip(" ;") for message in messages for part in re.split(r"\.\.\.|RL_ASSETS_", message)]
    assert len(messages) >= 6
    assert {part for part in parts if part and part not in FOREIGN and part not in flat} == set()


def test_every_log_format_has_a_row_that_names_its_file():
    rows = {row[0].strip("`"): row[2].strip("`") for row in table(DOCS / "log-formats.md", "format")}
    assert sorted(rows) == formats()
    assert all((REPOSITORY / file).is_file() and name in file for name, file in rows.items())


def test_tables_of_presets_and_executors_are_those_of_the_code():
    recipes = " ".join(row[0] for row in table(DOCS / "training.md", "preset"))
    assert set(re.findall(r"`(\w+)`", recipes)) == set(recipe.PRESETS)
    rows = table(DOCS / "datasets.md", "preset of `sft_dataset`")
    assert {re.findall(r"`(\w+)`", row[0])[0]: float(row[1]) for row in rows} == policies.PRESETS
    executors = [re.findall(r"`(\w+)`", row[0])[0] for row in table(DOCS / "scaling.md", "value")]
    assert executors == list(Settings.model_fields["executor"].annotation.__args__)


def test_the_table_of_markers_is_that_of_pytest():
    project = tomllib.loads(text_of(REPOSITORY / "pyproject.toml"))
    markers = {marker.split(":")[0] for marker in project["tool"]["pytest"]["ini_options"]["markers"]}
    assert {row[0].strip("`") for row in table(REPOSITORY / "CONTRIBUTING.md", "marker")} == markers


def test_tables_of_automations_and_jobs_are_those_of_the_definitions():
    automations = {row[0].strip("`") for row in table(DOCS / "operations.md", "schedule or sensor")}
    assert automations == {item.name for item in (*defs.sensors, *defs.schedules)}
    jobs = {row[0].strip("`") for row in table(DOCS / "operations.md", "job")}
    assert jobs == {job.name for job in defs.jobs}


def test_the_tables_of_the_reference_are_made_from_the_code():
    tables = script("tables")
    pages = [tables.on_page_markdown(text_of(page)) for page in sorted((DOCS / "reference").glob("*.md"))]
    text = "\n".join(pages)
    assert "\n::fields" not in text and "\n::columns" not in text
    assert all(f"\n### {stage}\n" in text for stage in recipe.STAGES)
    assert "\n## rated_interactions\n" in text and "| `interaction_id` | `string` |" in text
    with pytest.raises(AttributeError):
        tables.on_page_markdown("::fields rl_assets.recipes.recipe.Recept")


def test_the_layers_are_those_of_the_import_contract():
    project = tomllib.loads(text_of(REPOSITORY / "pyproject.toml"))
    contract = next(each for each in project["tool"]["importlinter"]["contracts"] if each["id"] == "layers")
    drawn = text_of(DOCS / "architecture.md").split("```text\n")[1].split("```")[0]
    known = [set(layer.split(" | ")) for layer in contract["layers"]]
    assert [set(re.findall(r"\w+", line[:50])) for line in drawn.splitlines()] == known


def test_every_module_of_the_reference_can_be_imported():
    modules = [
        name for page in (DOCS / "reference").glob("*.md") for name in re.findall(r"(?m)^::: (\S+)", text_of(page))
    ]
    assert len(modules) > 20
    for name in modules:
        assert importlib.import_module(name).__doc__


def test_the_readme_is_one_page_with_a_picture_of_the_graph_and_one_of_a_report():
    text = text_of(README)
    pictures = [REPOSITORY / path for path in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)]
    assert len(text.splitlines()) <= 150
    assert [picture.suffix for picture in pictures] == [".svg", ".png"]
    assert all(1_000 < picture.stat().st_size < 150_000 for picture in pictures)


def test_every_page_is_in_the_navigation():
    navigation = text_of(REPOSITORY / "mkdocs.yml").split("nav:")[1]
    assert {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} == set(re.findall(r"[\w/-]+\.md", navigation))


def test_what_is_included_in_a_page_is_there():
    assert "## Benchmarks" in with_snippets(DOCS / "contributing.md")


@pytest.mark.parametrize("page", (*(page for page in PAGES if page != STYLE), QUICKSTART), ids=lambda page: page.name)
def test_pages_use_the_words_of_the_glossary(page: Path):
    text = re.sub(r"`[^`]*`", "", prose(page))
    assert re.findall(NOT_OUR_WORDS, text, re.IGNORECASE) == []


def test_the_changelog_has_the_form_of_keep_a_changelog():
    headings = re.findall(r"(?m)^#{1,3} (.*)$", text_of(CHANGELOG))
    assert headings[:2] == ["Changelog", "[Unreleased]"]
    assert set(headings[2:]) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
