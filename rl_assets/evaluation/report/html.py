"""A list of sections as a self-contained HTML page: no script, no request, every text escaped by the engine."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from rl_assets.evaluation.report.escaping import printable
from rl_assets.evaluation.report.sections import Section, cell_text


@cache
def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("rl_assets.evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"printable": printable, "cell_text": cell_text, "drawing": Markup}
    return environment.get_template("page.html.j2")


def to_html(sections: Sequence[Section]) -> str:
    """The page; sections without any block are omitted."""
    head, *rest = sections
    page = _template().render(head=head, sections=[section for section in rest if section.blocks])
    return str(page)
