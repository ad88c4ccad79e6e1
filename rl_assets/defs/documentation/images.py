"""Images of documentation, one partition per source, with the sensor and the job that keep them up to date.

Parsing, auditing and publishing is `rl_assets.documentation`. A source is a folder of markdown below `<home>/docs`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from rl_assets.core.files import sha256_text
from rl_assets.datasets.audit import AuditError, Finding
from rl_assets.defs.datasets.dataset_runs import check_specs
from rl_assets.defs.shared.metadata import check_result, markdown_table, published_metadata
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import data_version, table_spec
from rl_assets.documentation.expectations import IMAGE_PAIRS
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.publish import PublishedSource, publish_source, read_rows
from rl_assets.documentation.sources import DOC_SOURCES, misnamed_folders, signature, source_names
from rl_assets.lake.table import Table
from rl_assets.tables.documentation import EXCLUDED_IMAGES, IMAGE_SOURCES, MARKDOWN_IMAGE_PAIRS, TEXT_SECTIONS

doc_sources = dg.DynamicPartitionsDefinition(name=DOC_SOURCES)
GROUP = "images"


class ImageConfig(dg.Config):
    """Limits for the images that are decoded; those above are excluded."""

    megabytes: float = Field(20, description="Maximum size of the file.")
    megapixels: float = Field(50, description="Maximum width times height.")
    frames: int = Field(1000, description="Maximum number of frames of an animation.")
    seconds: float = Field(10, description="Maximum time to decode an image.")

    def limits(self) -> Limits:
        return Limits(self.megabytes, self.megapixels, self.frames, self.seconds)


def _spec(table: Table, description: str) -> dg.AssetSpec:
    return table_spec(table, description, GROUP, "markdown")


@dg.multi_asset(
    specs=[
        _spec(MARKDOWN_IMAGE_PAIRS, "Images of a documentation source with the text they belong to and a confidence."),
        _spec(EXCLUDED_IMAGES, "Images on a source's pages that cannot be used, each with its reason."),
        _spec(TEXT_SECTIONS, "Sections of a source's pages that show no image, for questions that need none."),
        _spec(IMAGE_SOURCES, "The counts of every source: images shown = pairs + excluded."),
    ],
    check_specs=[
        *check_specs(MARKDOWN_IMAGE_PAIRS.name, IMAGE_PAIRS, doc_sources),
        dg.AssetCheckSpec(
            "every_image_is_counted",
            asset=IMAGE_SOURCES.name,
            blocking=True,
            description="Images shown = pairs + excluded.",
        ),
    ],
    partitions_def=doc_sources,
    # One source per run: a faulty one does not stop the others.
    backfill_policy=dg.BackfillPolicy.multi_run(1),
)
def documentation_images(
    context: dg.AssetExecutionContext, home: HomeResource, config: ImageConfig
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
    """Parse a source's pages and images if any of them changed."""
    name, docs = context.partition_key, home.paths.docs
    try:
        source = publish_source(home.lake, docs, name, config.limits(), home.duckdb_memory_limit)
    except AuditError as error:
        yield from _checks(name, error.findings)
        raise dg.Failure(str(error), allow_retries=False) from error
    counts = source.counts
    context.log.info(
        f"{name}: {counts['images']} images on {counts['pages']} pages = {counts['pairs']} pairs + "
        f"{counts['excluded']} excluded {source.excluded or ''}; "
        + (f"{source.decoded} images decoded" if source.changed else "unchanged")
    )
    yield from _results(home, name, source)


def _results(home: HomeResource, name: str, source: PublishedSource) -> Iterator[dg.MaterializeResult]:
    counts = source.counts
    kept = [pair for pair in read_rows(home.lake, MARKDOWN_IMAGE_PAIRS, name) if pair["kept"]]
    details: dict[str, dict[str, Any]] = {
        MARKDOWN_IMAGE_PAIRS.name: {
            "kept": len(kept),
            "mean_confidence": sum(pair["confidence"] for pair in kept) / max(1, len(kept)),
            "gallery": dg.MetadataValue.md(source.audit.gallery),
        },
        EXCLUDED_IMAGES.name: {
            "by_reason": markdown_table({"reason": reason, "images": n} for reason, n in source.excluded.items())
        },
        TEXT_SECTIONS.name: {},
        IMAGE_SOURCES.name: {
            "pages": counts["pages"],
            "images": counts["images"],
            "rejected_pages": markdown_table({"page": page} for page in counts["rejected_pages"]),
            "changed": source.changed,
        },
    }
    missing = counts["images"] - counts["pairs"] - counts["excluded"]
    complete = dg.AssetCheckResult(
        asset_key=IMAGE_SOURCES.name,
        check_name="every_image_is_counted",
        passed=missing == 0,
        metadata={"images": counts["images"], "missing": missing},
    )
    checks = {MARKDOWN_IMAGE_PAIRS.name: list(_checks(name, source.audit.findings)), IMAGE_SOURCES.name: [complete]}
    for table, published in source.published.items():
        yield dg.MaterializeResult(
            table,
            metadata={**published_metadata(published), **details[table]},
            data_version=data_version([published.sha256]),
            check_results=checks.get(table, []),
        )


def _checks(name: str, findings: list[Finding]) -> Iterator[dg.AssetCheckResult]:
    for finding in findings:
        yield check_result(MARKDOWN_IMAGE_PAIRS.name, name, finding)


images_job = dg.define_asset_job(
    "images_job",
    selection=dg.AssetSelection.assets(documentation_images),
    description="From a folder of documentation to image pairs; an unchanged source is not parsed again.",
)


@dg.sensor(
    job=images_job,
    minimum_interval_seconds=60,
    description="Makes every folder below docs/ a source, and parses those whose files changed.",
)
def docs_changed(context: dg.SensorEvaluationContext, home: HomeResource) -> dg.SensorResult | dg.SkipReason:
    """Makes every folder below `<home>/docs` a source, and parses those whose files changed."""
    docs = home.paths.docs
    names, misnamed = source_names(docs), misnamed_folders(docs)
    if misnamed:
        context.log.warning(misnamed)
    if not names:
        return dg.SkipReason(misnamed or f"there is no documentation folder in {docs}")
    known = set(context.instance.get_dynamic_partitions(DOC_SOURCES))
    new = [name for name in names if name not in known]
    requests = [dg.RunRequest(f"{name}-{_state(docs / name)}", partition_key=name) for name in names]
    return dg.SensorResult(run_requests=requests, dynamic_partitions_requests=[doc_sources.build_add_request(new)])


def _state(source: Path) -> str:
    """What a run is asked for once; of a source that cannot be looked at, the error, with which its own run fails."""
    try:
        return signature(source)
    except OSError as error:
        return sha256_text(str(error))[:20]
