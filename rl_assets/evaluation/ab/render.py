"""The A/B report as files: ab.json with its schema, ab.md for the UI, ab.html to read on its own."""

from pathlib import Path

from rl_assets.core.files import write_atomically, write_json
from rl_assets.evaluation.ab.matrix import win_matrix
from rl_assets.evaluation.ab.results import AbReport
from rl_assets.evaluation.ab.wording import (
    ab_headline,
    ab_title,
    contest_rows,
    cost_rows,
    doubts,
    group_title,
    groups,
    judged_rows,
    level_rows,
)
from rl_assets.evaluation.log.wording import agreement_sentence
from rl_assets.evaluation.report.escaping import markdown_text
from rl_assets.evaluation.report.markdown import escaped_table
from rl_assets.evaluation.report.pages import grid, page, picture


def ab_html(report: AbReport) -> str:
    """One page: levels, win matrix and contests of each segment, the judge, and what the agents took."""
    return page(
        "ab",
        {},
        report=report,
        title=ab_title(report),
        headline=ab_headline(report),
        segments=[_segment(report, group) for group in groups(report)],
        judged=grid(judged_rows(report.judged)),
        doubts=doubts(report.judged),
        costs=grid(cost_rows(report.costs)),
        agreement=agreement_sentence(report.agreement) if report.agreement else None,
    )


def _segment(report: AbReport, group: tuple[str, str]) -> dict[str, object]:
    matrix = win_matrix(report, group)
    return {
        "title": group_title(group),
        "levels": grid(level_rows(report, group)),
        "contests": grid(contest_rows(report, group)),
        "matrix": picture(matrix) if matrix else None,
    }


def ab_markdown(report: AbReport) -> str:
    """The same as markdown, without pictures."""
    parts = [f"# {markdown_text(ab_title(report))}", markdown_text(ab_headline(report))]
    for group in groups(report):
        parts += [f"## {markdown_text(group_title(group))}", escaped_table(level_rows(report, group))]
        parts.append(escaped_table(contest_rows(report, group)))
    if report.judged:
        parts += ["## Judge", escaped_table(judged_rows(report.judged)), *map(markdown_text, doubts(report.judged))]
    if report.agreement:
        parts += ["## Judges of the log and people", markdown_text(agreement_sentence(report.agreement))]
    parts += ["## What the agents did and took", escaped_table(cost_rows(report.costs)), "## Notes"]
    parts.append("\n".join(f"- {markdown_text(note)}" for note in report.notes))
    return "\n\n".join(part for part in parts if part) + "\n"


def write_ab_report(report: AbReport, folder: Path) -> None:
    """Write the report into `folder`, each file whole, ab.json last."""
    write_atomically(folder / "ab.md", ab_markdown(report))
    write_atomically(folder / "ab.html", ab_html(report))
    write_json(folder / "ab.schema.json", AbReport.model_json_schema(mode="serialization"))
    write_atomically(folder / "ab.json", report.model_dump_json(indent=2) + "\n")


def read_ab_report(folder: Path) -> AbReport:
    """The report written there. Raises FileNotFoundError where there is none."""
    path = folder / "ab.json"
    if not path.is_file():
        raise FileNotFoundError(f"no A/B report at {path}: materialize ab_report of that day first")
    return AbReport.model_validate_json(path.read_bytes())
