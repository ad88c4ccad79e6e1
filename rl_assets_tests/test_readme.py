"""The README says what the code does."""

from pathlib import Path

from rl_assets.ingest.landing import formats
from rl_assets.settings import settings_table

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_table_of_settings_is_the_one_the_code_prints():
    assert settings_table() in README


def test_every_log_format_stands_in_the_readme():
    for name in formats():
        assert f"| `{name}` |" in README
