"""A report as files: report.json for programs, report.md for the UI, report.html to read on its own."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from rl_assets.evaluation.escaping import printable
from rl_assets.evaluation.figures import forest, losses, metric_by_model
from rl_assets.evaluation.markdown import to_markdown
from rl_assets.evaluation.results import METRICS, EvalReport
from rl_assets.evaluation.wording import (
    Table,
    difference_rows,
    headline,
    latency_sentence,
    model_rows,
    sample_sentence,
)
from rl_assets.files import replaced_folder

TEMPLATE = "report.html.j2"


def to_html(report: EvalReport) -> str:
    """One self-contained page: no script, no request, every text escaped by the template engine."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    source = files("rl_assets.evaluation").joinpath(TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["printable"] = printable
    pictures = {
        "by_model": metric_by_model(report),
        "forest": forest(report),
        "losses": losses(report.loss_curves),
    }
    return environment.from_string(source).render(
        report=report,
        headline=headline(report),
        sample=sample_sentence(report),
        latency=latency_sentence(report),
        models=_table(model_rows(report)),
        differences=_table(difference_rows(report)),
        metrics=METRICS,
        # Our own drawings: their only foreign text, the labels of losses, is a kind that the code names.
        pictures={name: Markup(svg) for name, svg in pictures.items() if svg},
    )


def _table(content: Table) -> dict[str, Any]:
    header, rows = content
    return {"header": header, "rows": rows}


def write_report(report: EvalReport, folder: Path) -> None:
    """Put report.md, report.json and report.html into `folder`, all at once, in place of what was there."""
    contents = {
        "report.json": report.model_dump_json(indent=2) + "\n",
        "report.md": to_markdown(report),
        "report.html": to_html(report),
    }
    with replaced_folder(folder) as staging:
        for name, text in contents.items():
            (staging / name).write_text(text, encoding="utf-8")


def read_report(folder: Path) -> EvalReport:
    """The report written there. Raises FileNotFoundError where there is none."""
    path = folder / "report.json"
    if not path.is_file():
        raise FileNotFoundError(f"no report at {path}: materialize eval_report of that day first")
    return EvalReport.model_validate_json(path.read_bytes())
