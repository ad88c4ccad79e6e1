"""What every report writes: its sections as Markdown for the UI and as a page, its values as JSON with their schema."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from rl_assets.core.files import write_atomically, write_json
from rl_assets.evaluation.report.html import to_html
from rl_assets.evaluation.report.markdown import to_markdown
from rl_assets.evaluation.report.sections import Section


def write_pages(sections: Sequence[Section], folder: Path, name: str) -> None:
    """Write `<name>.md` and `<name>.html`, each atomically."""
    write_atomically(folder / f"{name}.md", to_markdown(sections))
    write_atomically(folder / f"{name}.html", to_html(sections))


def write_values(report: BaseModel, folder: Path, name: str) -> None:
    """Write `<name>.schema.json` and then `<name>.json`, each atomically."""
    write_json(folder / f"{name}.schema.json", type(report).model_json_schema(mode="serialization"))
    write_atomically(folder / f"{name}.json", report.model_dump_json(indent=2) + "\n")
