"""Lines of vendors' exports as one log day: what each becomes, and that none is lost."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl_assets.metrics.scales import Metrics
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import Product, Row


@dataclass(frozen=True)
class Landed:
    """The tables of a day that each line of an export was ingested into."""

    interactions: list[Row]
    feedback: list[Row]
    rejects: list[tuple[str, str]]
    rows: int
    duplicates: int

    def answers(self) -> dict[str, tuple[list[tuple[str, str]], str]]:
        """The turns of the prompt and the answer, by id."""
        return {row["interaction_id"]: (turns(row), row["answer"]) for row in self.interactions}

    def events(self, answer: str) -> list[tuple[Any, ...]]:
        """(kind, value, dimension, source, text) of the feedback on an answer, in order of kind and dimension."""
        rows = [row for row in self.feedback if row["interaction_id"] == answer]
        return sorted(
            (row["kind"], row["value"], row["dimension"], row["source"], row["comment"] or row["preferred"])
            for row in rows
        )


def turns(row: Row) -> list[tuple[str, str]]:
    return [(turn["role"], turn["content"]) for turn in row["prompt"]]


def land(product: Product, log_format: str, lines: list[Any], metrics: Metrics | None = None) -> Landed:
    """Ingest the lines as one file; every line is a row, a duplicate or a reject."""
    product.log(*lines, log_format=log_format, name="export.jsonl")
    day = product.ingest(metrics=metrics)
    assert day.lines == len(lines) == day.rows + day.duplicates + sum(day.rejects.values())
    rejects = sorted(product.rows(REJECTED_RECORDS), key=lambda row: row["source_line"])
    return Landed(
        product.rows(INTERACTIONS),
        product.rows(FEEDBACK),
        [(row["reason"], row["detail"]) for row in rejects],
        day.rows,
        day.duplicates,
    )


def land_together(folder: Path, cases: dict[str, tuple[str, list[Any]]]) -> dict[str, Landed]:
    """Ingest the lines of each case, of its format, as a file of one day; what each file became.

    A day costs the same for one file as for twenty. No two cases may share an id.
    """
    product = Product.at(folder)
    files = {
        case: product.log(*lines, log_format=log_format, name=f"{number}.jsonl").relative_to(product.landing).as_posix()
        for number, (case, (log_format, lines)) in enumerate(cases.items())
    }
    product.ingest()
    tables = [product.rows(table) for table in (INTERACTIONS, FEEDBACK, REJECTED_RECORDS, INGESTED_FILES)]
    return {
        case: _landed([[row for row in rows if row["source_file"] == name] for rows in tables])
        for case, name in files.items()
    }


def _landed(tables: list[list[Row]]) -> Landed:
    interactions, feedback, rejects, (file,) = tables
    assert file["lines"] == file["rows"] + file["duplicates"] + file["rejects"]
    rejects.sort(key=lambda row: row["source_line"])
    reasons = [(row["reason"], row["detail"]) for row in rejects]
    return Landed(interactions, feedback, reasons, file["rows"], file["duplicates"])
