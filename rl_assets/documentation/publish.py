"""A documentation source into the lake: parsed, audited and published if any of its files changed, else left as is."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from rl_assets.core import sql
from rl_assets.datasets.audit import AuditError, Finding, audit
from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.expectations import IMAGE_PAIRS
from rl_assets.documentation.extraction import Extraction, extract, known_images
from rl_assets.documentation.gallery import gallery
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.sources import Source, open_source
from rl_assets.lake.delta import Lake, Published
from rl_assets.lake.table import Table
from rl_assets.tables.documentation import (
    EXCLUDED_IMAGES,
    IMAGE_AUDITS,
    IMAGE_SOURCES,
    MARKDOWN_IMAGE_PAIRS,
    TEXT_SECTIONS,
)

Row = dict[str, Any]
# Reasons that may lie in the machine rather than in the image.
TRIED_AGAIN = ("decoder_timed_out", "decoder_died", "too_much_memory")
EXPECTATIONS = {item.name: item for item in IMAGE_PAIRS}


@dataclass(frozen=True)
class SourceAudit:
    """The audit's findings, and thumbnails of kept images as markdown: what the UI shows of a source.

    Both are stored, so that showing an unchanged source again costs nothing.
    """

    findings: list[Finding]
    gallery: str

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "SourceAudit":
        """The audit in a row of `image_audits`; a source's fingerprint changes with the names of expectations."""
        findings = [
            Finding(EXPECTATIONS[item["name"]], item["passed"], item["observed"], item["samples"])
            for item in json.loads(row["findings"])
        ]
        return cls(findings, row["gallery"])

    def to_row(self, source: Source) -> Row:
        """The row of `image_audits`."""
        findings = [
            {"name": item.expectation.name, "passed": item.passed, "observed": item.observed, "samples": item.samples}
            for item in self.findings
        ]
        return {
            "source": source.name,
            "fingerprint": source.fingerprint,
            "findings": json.dumps(findings, ensure_ascii=False, default=str),
            "gallery": self.gallery,
        }


@dataclass(frozen=True)
class PublishedSource:
    """What the lake holds of a source: its row of `image_sources`, the version of each table, exclusions by reason.

    `changed` is False if nothing was parsed; `decoded` counts images decoded this time.
    """

    counts: Row
    published: dict[str, Published]
    audit: SourceAudit
    excluded: dict[str, int]
    changed: bool
    decoded: int


def publish_source(lake: Lake, docs: Path, name: str, limits: Limits, memory_limit: str) -> PublishedSource:
    """Bring the source `docs/<name>` up to date in the lake.

    Raises FileNotFoundError without such a folder, and AuditError, with nothing changed, if a blocking expectation
    fails.
    """
    source = open_source(docs, name, limits)
    previous = read_rows(lake, IMAGE_SOURCES, name)
    unchanged = bool(previous) and previous[0]["fingerprint"] == source.fingerprint
    if unchanged and not any(row["reason"] in TRIED_AGAIN for row in read_rows(lake, EXCLUDED_IMAGES, name)):
        return _unchanged(lake, name, previous[0])
    same_decoder = bool(previous) and previous[0]["fingerprint"].startswith(source.decoded_as)
    known = known_images(read_rows(lake, MARKDOWN_IMAGE_PAIRS, name)) if same_decoder else {}
    with Decoder(limits) as decoder:
        extraction = extract(source, known, decoder)
        thumbnails = gallery(extraction.pairs, source.root, decoder)
    pairs = pa.Table.from_pylist(extraction.pairs, schema=MARKDOWN_IMAGE_PAIRS.schema)
    source_audit = SourceAudit(_audit_pairs(name, pairs, memory_limit), thumbnails)
    counts = _counts(source, extraction)
    _publish_rows(lake, IMAGE_AUDITS, name, [source_audit.to_row(source)])
    published = {
        MARKDOWN_IMAGE_PAIRS.name: lake.publish(MARKDOWN_IMAGE_PAIRS, name, pairs.to_reader()),
        EXCLUDED_IMAGES.name: _publish_rows(lake, EXCLUDED_IMAGES, name, extraction.excluded),
        TEXT_SECTIONS.name: _publish_rows(lake, TEXT_SECTIONS, name, extraction.sections),
        # Last: a source without its counts was interrupted and is parsed again.
        IMAGE_SOURCES.name: _publish_rows(lake, IMAGE_SOURCES, name, [counts]),
    }
    excluded = _count_reasons(extraction.excluded)
    return PublishedSource(counts, published, source_audit, excluded, True, extraction.decoded)


def read_rows(lake: Lake, table: Table, name: str) -> list[Row]:
    """The rows of a source as they stand."""
    rows: list[Row] = lake.read(table, [name]).to_table().to_pylist()
    return rows


def kept_pairs(lake: Lake) -> list[Row]:
    """The pairs of all sources that datasets and the index use, by source, page and position."""
    return [row for row in shown_pairs(lake) if row["kept"]]


def shown_pairs(lake: Lake) -> list[Row]:
    """All pairs of all sources, by source, page and position."""
    return _all_rows(lake, MARKDOWN_IMAGE_PAIRS)


def text_sections(lake: Lake) -> list[Row]:
    """The sections without images of all sources, by source, page and position."""
    return _all_rows(lake, TEXT_SECTIONS)


def _all_rows(lake: Lake, table: Table) -> list[Row]:
    rows = lake.read(table, lake.keys(table)).to_table().to_pylist()
    return sorted(rows, key=lambda row: (row["source"], row["page"], row["position"]))


def _publish_rows(lake: Lake, table: Table, name: str, rows: list[Row]) -> Published:
    return lake.publish(table, name, pa.Table.from_pylist(rows, schema=table.schema).to_reader())


def _counts(source: Source, extraction: Extraction) -> Row:
    return {
        "source": source.name,
        "fingerprint": source.fingerprint,
        "pages": extraction.pages,
        "rejected_pages": extraction.rejected_pages,
        "images": extraction.images,
        "pairs": len(extraction.pairs),
        "excluded": len(extraction.excluded),
    }


def _audit_pairs(name: str, pairs: pa.Table, memory_limit: str) -> list[Finding]:
    connection = sql.connect(memory_limit)
    connection.register("rows", pairs)
    findings = audit(connection, IMAGE_PAIRS)
    if any(finding.blocks for finding in findings):
        raise AuditError(MARKDOWN_IMAGE_PAIRS.name, name, findings)
    return findings


def _unchanged(lake: Lake, name: str, counts: Row) -> PublishedSource:
    tables = (MARKDOWN_IMAGE_PAIRS, EXCLUDED_IMAGES, TEXT_SECTIONS, IMAGE_SOURCES)
    published = {table.name: lake.published(table, name) for table in tables}
    source_audit = SourceAudit.from_row(read_rows(lake, IMAGE_AUDITS, name)[0])
    excluded = _count_reasons(read_rows(lake, EXCLUDED_IMAGES, name))
    return PublishedSource(counts, published, source_audit, excluded, False, 0)


def _count_reasons(excluded: list[Row]) -> dict[str, int]:
    return dict(sorted(Counter(row["reason"] for row in excluded).items()))
