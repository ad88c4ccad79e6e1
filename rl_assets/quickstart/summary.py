"""The summary that ends `make demo` and `make demo-real`: rows, datasets, adapters, metrics, decisions. It only reads.

Run it with `python -m rl_assets.quickstart.summary <day>`; of a run on segments, with their names after the day.
"""

import argparse
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from rl_assets.core.home import Home
from rl_assets.datasets.split_files import SPLITS
from rl_assets.evaluation.report.files import read_report
from rl_assets.evaluation.report.sections import cell_text
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.evaluation.schema.metrics import METRICS
from rl_assets.evaluation.schema.report import EvalReport, Role
from rl_assets.lake.delta import Lake
from rl_assets.models.adapters import newest_adapter
from rl_assets.settings import load_settings
from rl_assets.tables.dataset_ledger import DATASETS
from rl_assets.tables.dataset_manifest import read_manifest
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS

SHOWN = ("exact_match", "token_f1", "preference_accuracy", "perplexity")
SHOWN_OF_SEGMENTS = ("task_success", "token_f1", "likelihood_accuracy", "preference_accuracy", "perplexity")
COMPARED = "exact_match"
COMPARED_OF_SEGMENTS = "likelihood_accuracy"
ROLES: tuple[tuple[Role, str], ...] = (("base", "base"), ("parent", "SFT"), ("candidate", "SFT + DPO"))


def summary(home: Home, lake: Lake, day: str, segments: Sequence[str] = ()) -> str:
    """The tables of a finished run, as text: on the product's adapters, or on those of the segments."""
    parts = [
        text_table(("table", "rows"), _lake_rows(lake, day)),
        text_table(("reject reason", "lines"), _rejects(lake)),
        text_table(("dataset", *SPLITS, "sha256"), _dataset_rows(home, day)),
    ]
    if not segments:
        parts += _models(home, day, None, SHOWN, COMPARED)
    for name in segments:
        parts += [f"== {name}", *_models(home, day, name, SHOWN_OF_SEGMENTS, COMPARED_OF_SEGMENTS)]
    return "\n\n".join(parts)


def _models(home: Home, day: str, segment: str | None, shown: Sequence[str], compared: str) -> list[str]:
    """What was trained, what it is worth, and what was decided."""
    folder = home.reports(day, segment)
    report = read_report(folder)
    decision = Decision.model_validate_json((folder / "decision.json").read_bytes())
    return [
        text_table(("adapter", "trained", "weights"), _adapter_rows(home.adapters(segment), day)),
        text_table(("held out", *(METRICS[name].title for name in shown)), _metric_rows(report, shown)),
        text_table((METRICS[compared].title, "difference, paired 95 %"), _difference_rows(report, compared)),
        "\n".join([f"{decision.verdict}: {decision.reasons[0]}", *decision.reasons[1:]]),
        f"report: {(folder / 'report.html').resolve()}",
    ]


def text_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns under their names, as wide as they need to be."""
    cells = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _lake_rows(lake: Lake, day: str) -> list[tuple[str, str]]:
    rows = [
        (table.name, f"{lake.read(table, lake.days(table)).count_rows():,}")
        for table in (INTERACTIONS, FEEDBACK, REJECTED_RECORDS, INGESTED_FILES)
    ]
    rated = lake.read(RATED_INTERACTIONS, [date.fromisoformat(day)]).count_rows()
    return [*rows, (f"{RATED_INTERACTIONS.name} as of {day}", f"{rated:,}")]


def _rejects(lake: Lake) -> list[tuple[str, int]]:
    reasons = lake.read(REJECTED_RECORDS, lake.days(REJECTED_RECORDS)).to_table(columns=["reason"]).group_by("reason")
    return sorted((row["reason"], row["reason_count"]) for row in reasons.aggregate([("reason", "count")]).to_pylist())


def _dataset_rows(home: Home, day: str) -> Iterable[tuple[object, ...]]:
    for name in DATASETS:
        manifest = read_manifest(home.datasets(name, day))
        if manifest:
            yield name, *(manifest.rows[split] for split in SPLITS), manifest.sha256[:12]


def _adapter_rows(folder: Path, day: str) -> Iterable[tuple[str, str, str]]:
    for kind in ("sft", "dpo"):
        adapter = newest_adapter(folder, kind, day)
        if adapter:
            yield kind, adapter.manifest.created_at, adapter.sha256[:12]


def _metric_rows(report: EvalReport, shown: Sequence[str]) -> Iterable[tuple[str, ...]]:
    for role, label in ROLES:
        if role in report.models:
            metrics = report.models[role].metrics
            yield label, *(cell_text(metrics.get(name)) for name in shown)


def _difference_rows(report: EvalReport, compared: str) -> Iterable[tuple[str, str]]:
    labels = dict(ROLES)
    for comparison in report.comparisons.values():
        if comparison.ours in labels and comparison.theirs in labels and compared in comparison.differences:
            difference = comparison.differences[compared]
            yield f"{labels[comparison.ours]} - {labels[comparison.theirs]}", f"{difference:+.3f}"


def main() -> None:
    """Print the summary of a day."""
    parser = argparse.ArgumentParser(description="Summary of a run.")
    parser.add_argument("day", help="the day of the report, as YYYY-MM-DD")
    parser.add_argument("segments", nargs="*", help="segments to report on, in place of the product as a whole")
    options, settings = parser.parse_args(), load_settings()
    print(summary(settings.paths, Lake(settings.paths.lake_url), options.day, options.segments))


if __name__ == "__main__":
    main()
