"""How things look in the UI: table schemas with descriptions, previews, data versions. Formatting only."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from rl_assets.datasets.audit import Finding
from rl_assets.evaluation.report.eval_sections import headline, models_table
from rl_assets.evaluation.report.feedback_sections import agreement_sentence
from rl_assets.evaluation.report.inline_plots import small_forest, sparkline
from rl_assets.evaluation.report.markdown import markdown_table as sections_table
from rl_assets.evaluation.schema.report import EvalReport
from rl_assets.lake.delta import Published
from rl_assets.lake.table import Table
from rl_assets.models.adapters import Adapter

CELL = 200
SHOWN_HASH = 16


def column_schema(table: Table) -> dg.TableSchema:
    """The table's columns with their types and descriptions."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                field.name,
                str(field.type),
                description=(field.metadata or {}).get(b"description", b"").decode(),
            )
            for field in table.schema
        ]
    )


def published_metadata(published: Published) -> dict[str, Any]:
    """Row count, content hash and place of a published day."""
    return {
        "dagster/partition_row_count": published.rows,
        "dagster/uri": published.uri,
        "content": published.sha256[:SHOWN_HASH],
    }


def markdown_table(rows: Iterable[Mapping[str, Any]]) -> dg.MarkdownMetadataValue:
    """Rows as a markdown table; texts are cut, and are code so that no markup in them is rendered."""
    rows = list(rows)
    if not rows:
        return dg.MetadataValue.md("none")
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([_cell(row[name]) for name in names] for row in rows)]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(line)} |" for line in lines))


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    flat = " ".join(text.split())
    shown = flat[:CELL].replace("`", "'").replace("|", "¦")
    return f"`{shown}{'…' if len(flat) > CELL else ''}`"


def check_result(asset: str, findings: Mapping[str, Finding]) -> dg.AssetCheckResult:
    """One expectation's findings over the days of a run: the first day that fails speaks for all."""
    day, finding = next(((d, f) for d, f in findings.items() if not f.passed), list(findings.items())[-1])
    expectation = finding.expectation
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=expectation.name,
        passed=finding.passed,
        severity=dg.AssetCheckSeverity.ERROR if expectation.blocking else dg.AssetCheckSeverity.WARN,
        description=expectation.sentence,
        metadata={
            "day": day,
            "observed": finding.observed,
            **({"at_least": expectation.low} if expectation.low is not None else {}),
            **({"at_most": expectation.high} if expectation.high is not None else {}),
            **({"bad_rows": markdown_table(finding.samples)} if finding.samples else {}),
        },
    )


def adapter_metadata(adapter: Adapter) -> dict[str, Any]:
    """What an adapter page shows: where it lies, how it was trained, and its loss curve."""
    manifest = adapter.manifest
    losses = [loss for _, loss, *_ in manifest.loss_curve]
    return {
        "dagster/uri": str(adapter.folder),
        "weights": adapter.sha256[:SHOWN_HASH],
        "trained_in_this_run": adapter.trained,
        "loss_curve": dg.MetadataValue.md(sparkline(losses)),
        "final_loss": losses[-1],
        "rows": manifest.dataset.used,
        "rows_dropped": manifest.dataset.dropped,
        "dataset": manifest.dataset.sha256[:SHOWN_HASH],
        **manifest.model_dump(include={"steps", "tokens", "wall_s", "peak_memory_bytes", "seed"}),
        "recipe": manifest.recipe,
    }


def report_metadata(report: EvalReport, folder: Path) -> dict[str, Any]:
    """What the report page shows: the main metrics that plot over days, a figure, and where the whole report lies."""
    against_base = report.comparison("base")
    differences = against_base.differences if against_base else {}
    return {
        "dagster/uri": str(folder),
        "report": dg.MetadataValue.path(folder / "report.html"),
        "headline": headline(report),
        "difference": dg.MetadataValue.md(small_forest(report)),
        "results": dg.MetadataValue.md(sections_table(models_table(report))),
        "judges_and_people": agreement_sentence(report.production.agreement),
        "items": report.held_out.items,
        "clusters": report.held_out.clusters,
        **{name: found.mean for name, found in report.candidate.metrics.items()},
        **{f"{name}_over_base": found.mean for name, found in differences.items()},
    }
