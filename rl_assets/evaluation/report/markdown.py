"""The report as markdown: headline, tables, notes and the worst answers."""

from collections.abc import Iterable, Sequence

from rl_assets.evaluation.log.wording import agreement_sentence, price_sentence, served_rows, served_sentence
from rl_assets.evaluation.report.escaping import markdown_block, markdown_text
from rl_assets.evaluation.report.inline_plots import small_forest
from rl_assets.evaluation.report.report_tables import (
    benchmark_rows,
    judge_rows,
    judgements,
    lineage_rows,
    slice_rows,
    training_rows,
)
from rl_assets.evaluation.report.wording import (
    Table,
    difference_rows,
    headline,
    judge_sentence,
    latency_sentence,
    model_rows,
    ratings_sentence,
    sample_sentence,
)
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.evaluation.schema.results import EvalReport
from rl_assets.evaluation.schema.sections import BenchmarkResult


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table; cells must be escaped already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escaped_table(content: Table) -> str:
    """The table with every cell escaped: headers and first columns hold names from logs."""
    header, rows = content
    return table([markdown_text(cell) for cell in header], [[markdown_text(cell) for cell in row] for row in rows])


def to_markdown(report: EvalReport, decision: Decision | None = None) -> str:
    """The whole report as markdown, the decision on top once there is one."""
    judged = judgements(report)
    parts = [
        f"# Evaluation as of {markdown_text(report.day)}",
        *_decided(decision),
        headline(report),
        small_forest(report),
        sample_sentence(report),
        latency_sentence(report),
        "## Models\n",
        escaped_table(model_rows(report)),
        "## Paired differences\n",
        escaped_table(difference_rows(report)),
        *_section("## Slices", slice_rows(report)),
        "## Judge\n",
        *(markdown_text(judge_sentence(found)) for found in judged),
        markdown_text(ratings_sentence(report.judge_ratings)) if report.judge_ratings else "",
        escaped_table(judge_rows(judged)) if judged else "No judge is configured.",
        *(part for found in report.benchmarks for part in _benchmark(found)),
        "## What people said of served answers\n",
        served_sentence(report),
        *([escaped_table(served_rows(report))] if report.served else []),
        markdown_text(agreement_sentence(report.agreement)),
        *_section("## Where it comes from", lineage_rows(report)),
        *_section("## What it took", training_rows(report)),
        markdown_text(price_sentence(report)),
        "## Notes\n",
        "\n".join(f"- {markdown_text(note)}" for note in report.notes),
        *_worst(report),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _decided(decision: Decision | None) -> list[str]:
    if decision is None:
        return []
    rails = [rail.sentence() for rail in decision.guard_rails]
    lines = [f"- {markdown_text(line)}" for line in [*decision.reasons, *rails]]
    return [f"**{decision.verdict}** against the {decision.against}", "\n".join(lines)]


def _section(title: str, content: Table) -> list[str]:
    return [title, escaped_table(content)] if content[1] else []


def _benchmark(found: BenchmarkResult) -> list[str]:
    return _section(f"## Benchmark {markdown_text(found.name)} ({found.items} items)", benchmark_rows(found))


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
