"""A documentation source into the lake: read, audited and published where anything in it changed, else left alone."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from rl_assets.core import sql
from rl_assets.datasets.audit import AuditError, Finding, audit
from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.expectations import IMAGE_PAIRS
from rl_assets.documentation.extraction import Extraction, extract, known_facts
from rl_assets.documentation.gallery import gallery
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.review import Review, read_review
from rl_assets.documentation.sources import Source, open_source
from rl_assets.lake.delta import Lake, Published
from rl_assets.lake.table import Table
from rl_assets.tables.documentation import (
    EXCLUDED_IMAGES,
    IMAGE_REVIEWS,
    IMAGE_SOURCES,
    MARKDOWN_IMAGE_PAIRS,
    TEXT_SECTIONS,
)


@dataclass(frozen=True)
class Refreshed:
    """What a source holds now. `changed` is False where nothing was read; `decoded` counts images decoded this time."""

    account: dict[str, Any]
    published: dict[str, Published]
    review: Review
    excluded: dict[str, int]
    changed: bool
    decoded: int


def refresh(lake: Lake, docs: Path, name: str, limits: Limits, memory_limit: str) -> Refreshed:
    """Bring the source `docs/<name>` up to date in the lake.

    Raises FileNotFoundError without such a folder, and AuditError, with nothing changed, where a blocking expectation
    fails.
    """
    source = open_source(docs, name, limits)
    former = stored(lake, IMAGE_SOURCES, name)
    if former and former[0]["fingerprint"] == source.fingerprint:
        return _unchanged(lake, name, former[0])
    with Decoder(limits) as decoder:
        found = extract(source, known_facts(stored(lake, MARKDOWN_IMAGE_PAIRS, name)), decoder)
        shown = gallery(found.pairs, source.root, decoder)
    pairs = pa.Table.from_pylist(found.pairs, schema=MARKDOWN_IMAGE_PAIRS.schema)
    review = Review(_audited(name, pairs, memory_limit), shown)
    account = _account(source, found)
    lake.publish(IMAGE_REVIEWS, name, review.stored(source))
    published = {
        table.name: lake.publish(table, name, rows.to_reader())
        for table, rows in (
            (MARKDOWN_IMAGE_PAIRS, pairs),
            (EXCLUDED_IMAGES, pa.Table.from_pylist(found.excluded, schema=EXCLUDED_IMAGES.schema)),
            (TEXT_SECTIONS, pa.Table.from_pylist(found.sections, schema=TEXT_SECTIONS.schema)),
            # Last: a source without its account was interrupted and is read again.
            (IMAGE_SOURCES, pa.Table.from_pylist([account], schema=IMAGE_SOURCES.schema)),
        )
    }
    reasons = Counter(row["reason"] for row in found.excluded)
    return Refreshed(account, published, review, dict(sorted(reasons.items())), True, found.decoded)


def stored(lake: Lake, table: Table, name: str) -> list[dict[str, Any]]:
    """The rows of a source as they stand."""
    return lake.read(table, [name]).to_table().to_pylist()


def kept_pairs(lake: Lake) -> list[dict[str, Any]]:
    """The pairs of all sources that datasets and the index use, by source, page and position."""
    return [row for row in _all_rows(lake, MARKDOWN_IMAGE_PAIRS) if row["kept"]]


def text_sections(lake: Lake) -> list[dict[str, Any]]:
    """The sections without images of all sources, by source, page and position."""
    return _all_rows(lake, TEXT_SECTIONS)


def _all_rows(lake: Lake, table: Table) -> list[dict[str, Any]]:
    rows = lake.read(table, lake.keys(table)).to_table().to_pylist()
    return sorted(rows, key=lambda row: (row["source"], row["page"], row["position"]))


def _account(source: Source, found: Extraction) -> dict[str, Any]:
    return {
        "source": source.name,
        "fingerprint": source.fingerprint,
        "pages": found.pages,
        "unread_pages": found.unread,
        "images": found.images,
        "pairs": len(found.pairs),
        "excluded": len(found.excluded),
    }


def _audited(name: str, pairs: pa.Table, memory_limit: str) -> list[Finding]:
    connection = sql.connect(memory_limit)
    connection.register("rows", pairs)
    findings = audit(connection, IMAGE_PAIRS)
    if any(finding.blocks for finding in findings):
        raise AuditError(MARKDOWN_IMAGE_PAIRS.name, name, findings)
    return findings


def _unchanged(lake: Lake, name: str, account: dict[str, Any]) -> Refreshed:
    tables = (MARKDOWN_IMAGE_PAIRS, EXCLUDED_IMAGES, TEXT_SECTIONS, IMAGE_SOURCES)
    reasons = Counter(row["reason"] for row in stored(lake, EXCLUDED_IMAGES, name))
    published = {table.name: lake.published(table, name) for table in tables}
    review = read_review(stored(lake, IMAGE_REVIEWS, name)[0])
    return Refreshed(account, published, review, dict(sorted(reasons.items())), False, 0)
