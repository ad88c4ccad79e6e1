"""A report as files: report.json for programs, report.md for the UI, report.html to read on its own."""

from pathlib import Path

from pydantic import ValidationError

from rl_assets.core.files import write_atomically, write_json
from rl_assets.core.validation import problems
from rl_assets.evaluation.log.wording import agreement_sentence, price_sentence, served_rows, served_sentence
from rl_assets.evaluation.report.markdown import to_markdown
from rl_assets.evaluation.report.pages import grid, page
from rl_assets.evaluation.report.plots import (
    forest,
    losses,
    metric_by_model,
    reward_histogram,
    slices_forest,
    verdict_bars,
)
from rl_assets.evaluation.report.report_tables import (
    benchmark_rows,
    judge_rows,
    judgements,
    lineage_rows,
    slice_rows,
    training_rows,
)
from rl_assets.evaluation.report.wording import (
    difference_rows,
    headline,
    latency_sentence,
    model_rows,
    ratings_sentence,
    sample_sentence,
)
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.evaluation.schema.results import METRICS, PRIMARY, EvalReport


def to_html(report: EvalReport, decision: Decision | None = None) -> str:
    """One page with everything, and the decision on top once there is one."""
    judged = judgements(report)
    return page(
        "report",
        {
            "by_model": metric_by_model(report),
            "forest": forest(report),
            "slices": slices_forest(report),
            "verdicts": verdict_bars(judged),
            "losses": losses(report.loss_curves),
            "rewards": reward_histogram(report.rewards),
        },
        report=report,
        decision=decision,
        primary=METRICS[PRIMARY].title,
        headline=headline(report),
        sample=sample_sentence(report),
        latency=latency_sentence(report),
        models=grid(model_rows(report)),
        differences=grid(difference_rows(report)),
        slices=grid(slice_rows(report)),
        judgements=judged,
        ratings=ratings_sentence(report.judge_ratings) if report.judge_ratings else None,
        judge_table=grid(judge_rows(judged)),
        benchmarks=[found.model_dump() | {"table": grid(benchmark_rows(found))} for found in report.benchmarks],
        served=grid(served_rows(report)),
        served_sentence=served_sentence(report),
        agreement=agreement_sentence(report.agreement),
        prices=price_sentence(report),
        lineage=grid(lineage_rows(report), text=True),
        training=grid(training_rows(report)),
        metrics=[METRICS[name] for name in METRICS if any(name in model.metrics for model in report.models.values())],
    )


def write_report(report: EvalReport, folder: Path) -> None:
    """Write the report into `folder`, each file whole, report.json last; a decision on the report before it goes."""
    (folder / "decision.json").unlink(missing_ok=True)
    _write_pages(report, None, folder)
    write_json(folder / "report.schema.json", EvalReport.model_json_schema(mode="serialization"))
    write_atomically(folder / "report.json", report.model_dump_json(indent=2) + "\n")


def write_decision(report: EvalReport, decision: Decision, folder: Path) -> None:
    """Write decision.json, and put the decision on top of the report's pages."""
    _write_pages(report, decision, folder)
    write_json(folder / "decision.json", decision.model_dump(mode="json"))


def _write_pages(report: EvalReport, decision: Decision | None, folder: Path) -> None:
    write_atomically(folder / "report.md", to_markdown(report, decision))
    write_atomically(folder / "report.html", to_html(report, decision))


def read_report(folder: Path) -> EvalReport:
    """The report written there. FileNotFoundError where there is none, ValueError for one of another version."""
    path = folder / "report.json"
    if not path.is_file():
        raise FileNotFoundError(f"no report at {path}: materialize eval_report of that day first")
    try:
        return EvalReport.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(
            f"{path} is not a report of this version: {problems(error)}; materialize eval_report of that day again"
        ) from error
