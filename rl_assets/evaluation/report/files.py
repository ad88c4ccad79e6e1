"""A report as files: report.json for programs, report.md for the UI, report.html as a self-contained page."""

from pathlib import Path

from pydantic import ValidationError

from rl_assets.core.files import write_json
from rl_assets.core.validation import problems
from rl_assets.evaluation.report.eval_sections import eval_sections
from rl_assets.evaluation.report.written import write_pages, write_values
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.evaluation.schema.report import EvalReport


def write_report(report: EvalReport, folder: Path) -> None:
    """Write the report into `folder`, each file atomically, report.json last; removes a decision on the old report."""
    (folder / "decision.json").unlink(missing_ok=True)
    _write_pages(report, None, folder)
    write_values(report, folder, "report")


def write_decision(report: EvalReport, decision: Decision, folder: Path) -> None:
    """Write decision.json, and put the decision on top of the report's pages."""
    _write_pages(report, decision, folder)
    write_json(folder / "decision.json", decision.model_dump(mode="json"))


def _write_pages(report: EvalReport, decision: Decision | None, folder: Path) -> None:
    write_pages(eval_sections(report, decision), folder, "report")


def report_asset(folder: Path) -> str:
    """The asset that writes the report into the folder, of the product or of a segment."""
    return f"{folder.name}_report" if folder.parent.name == "segments" else "eval_report"


def read_report(folder: Path) -> EvalReport:
    """The report written there. FileNotFoundError if there is none, ValueError for one of another version."""
    path = folder / "report.json"
    if not path.is_file():
        raise FileNotFoundError(f"no report at {path}: materialize {report_asset(folder)} of that day first")
    try:
        return EvalReport.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(
            f"{path} is not a report of this version: {problems(error)}; "
            f"materialize {report_asset(folder)} of that day again"
        ) from error
