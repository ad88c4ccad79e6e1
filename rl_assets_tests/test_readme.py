"""The README says what the code does."""

from pathlib import Path

from rl_assets.ingest.landing import formats
from rl_assets.settings import PREFIX, Settings

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_every_setting_stands_in_the_readme_with_its_meaning():
    for name, field in Settings.model_fields.items():
        assert f"| `{PREFIX}{name.upper()}` |" in README
        assert field.description and field.description in README


def test_every_log_format_stands_in_the_readme():
    for name in formats():
        assert f"| `{name}` |" in README
