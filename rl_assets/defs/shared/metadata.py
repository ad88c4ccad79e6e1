"""How things of several concepts look in the UI: columns, published days, tables of rows, results of an audit.

Formatting only. How an adapter or a report looks lies with the assets of their concept.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from rl_assets.datasets.audit import Finding
from rl_assets.lake.delta import Published
from rl_assets.lake.table import Table

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
    """Row count, content hash and URI of a published day."""
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


def check_result(asset: str, partition: str, finding: Finding) -> dg.AssetCheckResult:
    """An expectation's finding on a partition."""
    expectation = finding.expectation
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=expectation.name,
        passed=finding.passed,
        severity=dg.AssetCheckSeverity.ERROR if expectation.blocking else dg.AssetCheckSeverity.WARN,
        description=expectation.sentence,
        metadata={
            "partition": partition,
            "observed": finding.observed,
            **({"at_least": expectation.low} if expectation.low is not None else {}),
            **({"at_most": expectation.high} if expectation.high is not None else {}),
            **({"bad_rows": markdown_table(finding.samples)} if finding.samples else {}),
        },
    )
