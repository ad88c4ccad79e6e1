"""Self-contained pages: no script, no request, every text escaped by the template engine."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from rl_assets.evaluation.report.escaping import printable
from rl_assets.evaluation.report.wording import Table, judge_sentence


@cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("rl_assets.evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["printable"] = printable
    environment.globals["judge_sentence"] = judge_sentence
    return environment


def page(template: str, pictures: Mapping[str, str | None], **content: Any) -> str:
    """The page that `template` makes of `content`; a picture that is None leaves its place empty."""
    drawn = {name: picture(svg) for name, svg in pictures.items() if svg}
    return _environment().get_template(f"{template}.html.j2").render(pictures=drawn, **content)


def picture(svg: str) -> Any:
    """An SVG as it is: our own drawing, in which the drawing library has escaped every label."""
    from markupsafe import Markup

    return Markup(svg)


def grid(content: Table, text: bool = False) -> dict[str, Any]:
    """A table as the templates take it; one of `text` rather than figures is set flush left."""
    header, rows = content
    return {"header": header, "rows": rows, "text": text}
