"""The report as markdown: headline, tables, notes and the worst answers."""

from collections.abc import Iterable, Sequence

from rl_assets.evaluation.escaping import markdown_block, markdown_text
from rl_assets.evaluation.inline_pictures import small_forest
from rl_assets.evaluation.results import EvalReport
from rl_assets.evaluation.wording import (
    Table,
    difference_rows,
    headline,
    latency_sentence,
    model_rows,
    sample_sentence,
)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table; cells must be escaped already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escaped_table(content: Table) -> str:
    """The table with its header escaped, which names models; the cells are figures."""
    header, rows = content
    return table([markdown_text(cell) for cell in header], rows)


def to_markdown(report: EvalReport) -> str:
    """The whole report as markdown."""
    parts = [
        f"# Evaluation as of {markdown_text(report.day)}",
        headline(report),
        small_forest(report),
        sample_sentence(report),
        latency_sentence(report),
        "## Models\n",
        escaped_table(model_rows(report)),
        "## Paired differences\n",
        escaped_table(difference_rows(report)),
        "## Notes\n",
        "\n".join(f"- {markdown_text(note)}" for note in report.notes),
        *_worst(report),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _worst(report: EvalReport) -> list[str]:
    parts = ["## Worst answers of the candidate", "" if report.worst else "Every answer matches a reference."]
    for number, worst in enumerate(report.worst, 1):
        parts.append(f"### {number}. {markdown_text(worst.why)}")
        for title, text in (
            ("Prompt", worst.prompt),
            ("Expected", worst.reference),
            ("Answered", worst.answer),
        ):
            parts.append(f"{title}:\n\n{markdown_block(text)}")
    return parts
