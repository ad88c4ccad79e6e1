"""Images of documentation, a partition a source, with the sensor and the job that keep them fresh.

Reading, judging and publishing pages is `rl_assets.images`. A source is a folder of markdown below `<home>/docs`.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from rl_assets.datasets.audit import AuditError, Finding
from rl_assets.defs.datasets.dataset_runs import check_specs
from rl_assets.defs.ingestion.raw_tables import table_spec
from rl_assets.defs.shared.metadata import check_result, data_version, markdown_table, published_metadata
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.documentation.expectations import IMAGE_PAIRS
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.refresh import Refreshed, refresh, stored
from rl_assets.documentation.sources import signature, source_names
from rl_assets.lake.table import Table
from rl_assets.tables.documentation import EXCLUDED_IMAGES, IMAGE_SOURCES, MARKDOWN_IMAGE_PAIRS, TEXT_SECTIONS

doc_sources = dg.DynamicPartitionsDefinition(name="doc_sources")
GROUP = "images"


class ImageConfig(dg.Config):
    """What of an image file is decoded at most."""

    megabytes: float = 20
    megapixels: float = 50
    frames: int = 1000
    seconds: float = 10

    def limits(self) -> Limits:
        return Limits(self.megabytes, self.megapixels, self.frames, self.seconds)


def _spec(table: Table, description: str) -> dg.AssetSpec:
    return table_spec(table, description, GROUP, "markdown")


@dg.multi_asset(
    specs=[
        _spec(MARKDOWN_IMAGE_PAIRS, "Images of a documentation source with the text they belong to, rated."),
        _spec(EXCLUDED_IMAGES, "Images that a source's pages show and that could not be taken, each with its reason."),
        _spec(TEXT_SECTIONS, "Sections of a source's pages that show no image: questions that need none."),
        _spec(IMAGE_SOURCES, "The account of every source: images shown = pairs + excluded."),
    ],
    check_specs=[
        *check_specs(MARKDOWN_IMAGE_PAIRS.name, IMAGE_PAIRS),
        dg.AssetCheckSpec(
            "every_image_is_accounted_for",
            asset=IMAGE_SOURCES.name,
            blocking=True,
            description="Images shown = pairs + excluded.",
        ),
    ],
    partitions_def=doc_sources,
    # One source a run: a broken one leaves the others alone.
    backfill_policy=dg.BackfillPolicy.multi_run(1),
)
def documentation_images(
    context: dg.AssetExecutionContext, home: HomeResource, config: ImageConfig
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
    """Read a source's pages and images, where any of them changed."""
    name, docs = context.partition_key, home.paths.docs
    try:
        found = refresh(home.lake, docs, name, config.limits(), home.duckdb_memory_limit)
    except AuditError as error:
        yield from _checks(name, error.findings)
        raise dg.Failure(str(error), allow_retries=False) from error
    account = found.account
    context.log.info(
        f"{name}: {account['images']} images on {account['pages']} pages = {account['pairs']} pairs + "
        f"{account['excluded']} excluded {found.excluded or ''}; "
        + (f"{found.decoded} images decoded" if found.changed else "nothing had changed")
    )
    yield from _results(home, name, found)


def _results(home: HomeResource, name: str, found: Refreshed) -> Iterator[dg.MaterializeResult]:
    account = found.account
    kept = [pair for pair in stored(home.lake, MARKDOWN_IMAGE_PAIRS, name) if pair["kept"]]
    details: dict[str, dict[str, Any]] = {
        MARKDOWN_IMAGE_PAIRS.name: {
            "kept": len(kept),
            "mean_confidence": sum(pair["confidence"] for pair in kept) / max(1, len(kept)),
            "gallery": dg.MetadataValue.md(found.review.gallery),
        },
        EXCLUDED_IMAGES.name: {
            "by_reason": markdown_table({"reason": reason, "images": n} for reason, n in found.excluded.items())
        },
        TEXT_SECTIONS.name: {},
        IMAGE_SOURCES.name: {
            "pages": account["pages"],
            "images": account["images"],
            "unread_pages": markdown_table({"page": page} for page in account["unread_pages"]),
            "changed": found.changed,
        },
    }
    lost = account["images"] - account["pairs"] - account["excluded"]
    accounted = dg.AssetCheckResult(
        asset_key=IMAGE_SOURCES.name,
        check_name="every_image_is_accounted_for",
        passed=lost == 0,
        metadata={"images": account["images"], "lost": lost},
    )
    checks = {MARKDOWN_IMAGE_PAIRS.name: list(_checks(name, found.review.findings)), IMAGE_SOURCES.name: [accounted]}
    for table, published in found.published.items():
        yield dg.MaterializeResult(
            table,
            metadata={**published_metadata(published), **details[table]},
            data_version=data_version([published.sha256]),
            check_results=checks.get(table, []),
        )


def _checks(name: str, findings: list[Finding]) -> Iterator[dg.AssetCheckResult]:
    for finding in findings:
        yield check_result(MARKDOWN_IMAGE_PAIRS.name, {name: finding})


images_job = dg.define_asset_job(
    "images_job",
    selection=dg.AssetSelection.assets(documentation_images),
    description="From a folder of documentation to image pairs; a source in which nothing changed is not read.",
)


@dg.sensor(
    job=images_job,
    minimum_interval_seconds=60,
    description="Makes every folder below docs/ a source, and reads those whose files changed.",
)
def docs_changed(context: dg.SensorEvaluationContext, home: HomeResource) -> dg.SensorResult | dg.SkipReason:
    """Makes every folder below `<home>/docs` a source, and reads those whose files changed."""
    docs = home.paths.docs
    names = source_names(docs)
    if not names:
        return dg.SkipReason(f"there is no documentation folder in {docs}")
    known = set(context.instance.get_dynamic_partitions("doc_sources"))
    new = [name for name in names if name not in known]
    requests = [dg.RunRequest(f"{name}-{signature(docs / name)}", partition_key=name) for name in names]
    return dg.SensorResult(run_requests=requests, dynamic_partitions_requests=[doc_sources.build_add_request(new)])
