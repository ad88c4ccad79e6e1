"""The audit before publishing: facts counted in SQL on all rows, checked by a Great Expectations suite."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import duckdb

from rl_assets.datasets.expectations import Expectation
from rl_assets.datasets.row_metrics import Notes, Rows, rows_at, table_rows
from rl_assets.tables.dataset_manifest import CheckResult

SAMPLES = 20


@dataclass(frozen=True)
class Finding:
    """The result of one expectation: the observed fact, whether it lies in range, and the first bad rows."""

    expectation: Expectation
    passed: bool
    observed: float
    samples: list[dict[str, Any]]

    @property
    def check(self) -> CheckResult:
        return CheckResult(passed=self.passed, observed=self.observed)

    @property
    def blocks(self) -> bool:
        return self.expectation.blocking and not self.passed


class AuditError(ValueError):
    """A blocking expectation failed; nothing was published. `findings` holds every expectation's result."""

    def __init__(self, dataset: str, day: object, findings: list[Finding]) -> None:
        self.findings = findings
        failed = "; ".join(
            f"{finding.expectation.name} (observed {finding.observed:g})" for finding in findings if finding.blocks
        )
        super().__init__(f"{dataset} of {day} was not published, the previous version stays: {failed}")


def audit(connection: duckdb.DuckDBPyConnection, expectations: Sequence[Expectation]) -> list[Finding]:
    """Findings on the connection's table `rows`, in the order of `expectations`."""
    rows = partial(table_rows, connection)
    notes = Notes(connection.cursor(), expectations)
    for piece in rows():
        notes.add(piece)
    return findings(connection, expectations, rows)


def findings(connection: duckdb.DuckDBPyConnection, expectations: Sequence[Expectation], rows: Rows) -> list[Finding]:
    """Findings on `rows` from the connection's table `noted`, in the order of `expectations`."""
    for item in expectations:
        if item.prepare:
            item.prepare(connection)
    columns = ", ".join(f"{item.fact} AS {item.name}" for item in expectations)
    # count(*) makes one row of facts even if none of them aggregates and there are no notes.
    facts = connection.sql(f"SELECT count(*) AS rows, {columns} FROM noted").to_arrow_table().to_pylist()[0]
    passed = _validate({item.name: float(facts[item.name]) for item in expectations}, expectations)
    return [
        Finding(
            item,
            passed[item.name],
            float(facts[item.name]),
            [] if passed[item.name] else _samples(connection, item, rows),
        )
        for item in expectations
    ]


def _samples(connection: duckdb.DuckDBPyConnection, item: Expectation, rows: Rows) -> list[dict[str, Any]]:
    if item.bad_row is None:
        return []
    bad = connection.sql(f"SELECT row FROM noted WHERE {item.bad_row} ORDER BY row LIMIT {SAMPLES}").fetchall()
    return list(rows_at(rows(), [row for (row,) in bad]))


@cache
def _facts_batch() -> Any:
    """The batch definition of the frame of facts; the context of Great Expectations is made once per process."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("facts").add_dataframe_asset("facts")
    return asset.add_batch_definition_whole_dataframe("all")


def _validate(facts: dict[str, float], expectations: Sequence[Expectation]) -> dict[str, bool]:
    """Whether each fact lies in its range, by a Great Expectations suite over the one-row frame of facts."""
    batch = _facts_batch()
    import great_expectations as gx
    import pandas as pd
    from great_expectations.expectations.metadata_types import FailureSeverity

    suite = gx.ExpectationSuite(
        name="facts",
        expectations=[
            # The maximum of one row is its value, and costs a fourth of an exact comparison.
            gx.expectations.ExpectColumnMaxToBeBetween(
                column=item.name,
                min_value=item.low,
                max_value=item.high,
                severity=FailureSeverity.CRITICAL if item.blocking else FailureSeverity.WARNING,
                notes=item.sentence,
            )
            for item in expectations
        ],
    )
    result = batch.get_batch({"dataframe": pd.DataFrame([facts])}).validate(suite, result_format="BOOLEAN_ONLY")
    configured = ((item.expectation_config, item.success) for item in result.results)
    return {config.kwargs["column"]: bool(success) for config, success in configured if config}
