"""What was found of a source when it was read, kept so that an unchanged one costs nothing to show again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from rl_assets.datasets.audit import Finding
from rl_assets.documentation.expectations import IMAGE_PAIRS
from rl_assets.documentation.sources import Source
from rl_assets.tables.documentation import IMAGE_REVIEWS

NAMED = {item.name: item for item in IMAGE_PAIRS}


@dataclass(frozen=True)
class Review:
    """What the audit found, and thumbnails of what was kept as markdown."""

    findings: list[Finding]
    gallery: str

    def stored(self, source: Source) -> pa.RecordBatchReader:
        """The row of `image_reviews`."""
        findings = [
            {
                "name": found.expectation.name,
                "passed": found.passed,
                "observed": found.observed,
                "samples": found.samples,
            }
            for found in self.findings
        ]
        row = {
            "source": source.name,
            "fingerprint": source.fingerprint,
            "findings": json.dumps(findings, ensure_ascii=False, default=str),
            "gallery": self.gallery,
        }
        return pa.Table.from_pylist([row], schema=IMAGE_REVIEWS.schema).to_reader()


def read_review(row: Mapping[str, Any]) -> Review:
    """The review in a row of `image_reviews`; a source's fingerprint changes with the names of expectations."""
    findings = [
        Finding(NAMED[found["name"]], found["passed"], found["observed"], found["samples"])
        for found in json.loads(row["findings"])
    ]
    return Review(findings, row["gallery"])
