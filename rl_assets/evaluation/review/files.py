"""The review queue as files next to the report: JSON lines to fill in and land, and a page that does it by clicks."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rl_assets.core.files import write_atomically
from rl_assets.evaluation.report.escaping import printable

QUEUE_FILE = "review_queue.jsonl"
QUEUE_PAGE = "review_queue.html"
Line = dict[str, Any]


@cache
def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("rl_assets.evaluation.review"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"printable": printable}
    return environment.get_template("queue.html.j2")


def write_queue(folder: Path, lines: Sequence[Line]) -> None:
    """Write both files into the folder of a report, each atomically; without a line, remove those of an earlier run."""
    if not lines:
        for name in (QUEUE_FILE, QUEUE_PAGE):
            (folder / name).unlink(missing_ok=True)
        return
    write_atomically(folder / QUEUE_PAGE, str(_template().render(title=_title(folder), lines=lines)))
    rows = [json.dumps(line, ensure_ascii=False) for line in lines]
    write_atomically(folder / QUEUE_FILE, "\n".join(rows) + "\n")


def _title(folder: Path) -> str:
    """The day, and the segment if the report is on one: `<day>/segments/<segment>`."""
    return f"{folder.parents[1].name} {folder.name}" if folder.parent.name == "segments" else folder.name


def read_queue(folder: Path) -> list[Line]:
    """The lines written there; empty if there are none."""
    path = folder / QUEUE_FILE
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
