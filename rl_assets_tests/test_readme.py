"""The README says what the code does."""

import re
from pathlib import Path

import pytest

from rl_assets.definitions import defs
from rl_assets.ingest.landing import formats
from rl_assets.settings import settings_table
from rl_assets_tests.support.logs import Product, later

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"`landing/(\w+)/2026-11-20/[^`]*`\n```json\n(.*?)\n```", README, re.DOTALL))
DAY = later(50)


def test_the_table_of_settings_is_the_one_the_code_prints():
    assert settings_table() in README


def test_every_log_format_stands_in_the_readme_with_an_example():
    for name in formats():
        assert f"| `{name}` |" in README
    assert sorted(EXAMPLES) == formats()


@pytest.mark.parametrize("name", formats())
def test_the_example_of_each_log_format_is_taken_in(product: Product, name: str):
    lines = EXAMPLES[name].splitlines()
    product.log(*lines, log_format=name, day=DAY)
    ingested = product.ingest(DAY)
    assert (str(DAY), ingested.rows, ingested.rejects) == ("2026-11-20", len(lines), {})


def test_every_asset_job_sensor_and_schedule_is_named():
    assets = {spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()}
    names = {item.name for item in (*defs.jobs, *defs.sensors, *defs.schedules)} | assets
    assert {name for name in names if name not in README} == set()


def test_every_file_that_is_linked_is_there():
    links = re.findall(r"\]\((?!http|#)([^)]+)\)", README)
    assert links and [link for link in links if not (Path(__file__).parents[1] / link).exists()] == []


def test_every_section_that_is_linked_is_there():
    sections = {
        re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in re.findall(r"(?m)^#+ (.*)$", README)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= sections
