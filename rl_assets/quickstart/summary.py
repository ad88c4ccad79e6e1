"""The summary that ends `make demo`: rows, datasets, adapters, metrics and decision of a run. It only reads.

Run it with `python -m rl_assets.quickstart.summary <day>`.
"""

import argparse
from collections.abc import Iterable, Sequence
from datetime import date

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
ROLES: tuple[tuple[Role, str], ...] = (("base", "base"), ("parent", "SFT"), ("candidate", "SFT + DPO"))


def summary(home: Home, lake: Lake, day: str) -> str:
    """The tables of a finished run, as text."""
    report = read_report(home.reports(day))
    decision = Decision.model_validate_json((home.reports(day) / "decision.json").read_bytes())
    parts = [
        _table(("table", "rows"), _lake_rows(lake, day)),
        _table(("reject reason", "lines"), _rejects(lake)),
        _table(("dataset", *SPLITS, "sha256"), _dataset_rows(home, day)),
        _table(("adapter", "trained", "weights"), _adapter_rows(home, day)),
        _table(("held out", *(METRICS[name].title for name in SHOWN)), _metric_rows(report)),
        _table(("exact match", "difference, paired 95 %"), _difference_rows(report)),
        "\n".join([f"{decision.verdict}: {decision.reasons[0]}", *decision.reasons[1:]]),
        f"report: {(home.reports(day) / 'report.html').resolve()}",
    ]
    return "\n\n".join(parts)


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
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


def _adapter_rows(home: Home, day: str) -> Iterable[tuple[str, str, str]]:
    for kind in ("sft", "dpo"):
        adapter = newest_adapter(home.adapters(), kind, day)
        if adapter:
            yield kind, adapter.manifest.created_at, adapter.sha256[:12]


def _metric_rows(report: EvalReport) -> Iterable[tuple[str, ...]]:
    for role, label in ROLES:
        if role in report.models:
            metrics = report.models[role].metrics
            yield label, *(cell_text(metrics.get(name)) for name in SHOWN)


def _difference_rows(report: EvalReport) -> Iterable[tuple[str, str]]:
    labels = dict(ROLES)
    for comparison in report.comparisons.values():
        if comparison.ours in labels and comparison.theirs in labels and "exact_match" in comparison.differences:
            difference = comparison.differences["exact_match"]
            yield f"{labels[comparison.ours]} - {labels[comparison.theirs]}", f"{difference:+.3f}"


def main() -> None:
    """Print the summary of a day."""
    parser = argparse.ArgumentParser(description="Summary of a run.")
    parser.add_argument("day", help="the day of the report, as YYYY-MM-DD")
    settings = load_settings()
    print(summary(settings.paths, Lake(settings.paths.lake_url), parser.parse_args().day))


if __name__ == "__main__":
    main()
