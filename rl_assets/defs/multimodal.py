"""What is made of documentation images: a search index, and datasets for agents that show images.

Choosing, asking and publishing is `rl_assets.images`. The datasets of a day hold the documentation as it stood when
they were built; where it did not change, they do not either, and nothing trains on them again.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from rl_assets.datasets.audit import AuditError, Finding
from rl_assets.datasets.expectations import Expectation
from rl_assets.datasets.folder import Dataset, preview, publish_dataset
from rl_assets.defs.images import GROUP
from rl_assets.defs.ingest import OWNERS
from rl_assets.defs.metadata import SHOWN_HASH, check_result, data_version, markdown_table
from rl_assets.defs.partitions import days, one_run
from rl_assets.defs.resources import HomeResource
from rl_assets.images.datasets import build_multimodal
from rl_assets.images.expectations import MULTIMODAL_GRPO, MULTIMODAL_SFT
from rl_assets.images.index import build_index
from rl_assets.images.policy import MultimodalPolicy
from rl_assets.images.records import MARKDOWN_IMAGE_PAIRS, TEXT_SECTIONS
from rl_assets.images.refresh import kept_pairs

SOURCES = [
    dg.AssetDep(table.name, partition_mapping=dg.AllPartitionMapping())
    for table in (MARKDOWN_IMAGE_PAIRS, TEXT_SECTIONS)
]
Results = Iterator[dg.AssetCheckResult | dg.MaterializeResult]


class MultimodalConfig(dg.Config, MultimodalPolicy):
    """Questions about documentation."""


@dg.asset(deps=SOURCES[:1], group_name=GROUP, kinds={"huggingface", "bm25"}, owners=OWNERS)
def image_index(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """All kept images by meaning and by words: `python -m rl_assets.images.search "query"` asks it."""
    index = build_index(kept_pairs(home.lake), home.folder)
    context.log.info(f"{len(index.documents)} images, {index.embedded} texts embedded in this run")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(index.documents),
            "dagster/uri": str(index.folder),
            "embedded_in_this_run": index.embedded,
        },
        data_version=dg.DataVersion(index.sha256),
    )


def _checks(asset: str, suite: Sequence[Expectation]) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(item.name, asset=asset, description=item.sentence, blocking=item.blocking) for item in suite
    ]


@dg.asset(
    partitions_def=days,
    backfill_policy=one_run,
    deps=SOURCES,
    check_specs=_checks("multimodal_sft_dataset", MULTIMODAL_SFT),
    group_name=GROUP,
    kinds={"duckdb", "parquet", "huggingface"},
    owners=OWNERS,
)
def multimodal_sft_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: MultimodalConfig) -> Results:
    """Questions about documentation with answers that show the right image of a catalogue, or none."""
    yield from _materialize(context, home, config, MULTIMODAL_SFT)


@dg.asset(
    partitions_def=days,
    backfill_policy=one_run,
    deps=SOURCES,
    check_specs=_checks("multimodal_grpo_dataset", MULTIMODAL_GRPO),
    group_name=GROUP,
    kinds={"duckdb", "parquet", "huggingface"},
    owners=OWNERS,
)
def multimodal_grpo_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: MultimodalConfig) -> Results:
    """The same questions with what the image reward compares with, and answers of differing worth."""
    yield from _materialize(context, home, config, MULTIMODAL_GRPO)


def _materialize(
    context: dg.AssetExecutionContext, home: HomeResource, policy: MultimodalPolicy, suite: Sequence[Expectation]
) -> Results:
    """Build, audit and publish each day; what the audit found is shown even where it forbids publishing."""
    name = context.asset_key.to_user_string()
    published: list[Dataset] = []
    for day in context.partition_keys:
        try:
            dataset = _publish(home, name, day, policy, suite)
        except AuditError as error:
            yield from _check_results(name, day, error.findings)
            raise dg.Failure(str(error), allow_retries=False) from error
        published.append(dataset)
        context.add_asset_metadata(_describe(dataset), partition_key=day)
    yield dg.MaterializeResult(
        data_version=data_version([dataset.sha256 for dataset in published]),
        check_results=list(_check_results(name, context.partition_keys[-1], published[-1].findings)),
    )


def _publish(
    home: HomeResource, name: str, day: str, policy: MultimodalPolicy, suite: Sequence[Expectation]
) -> Dataset:
    connection, built = build_multimodal(home.lake, name, policy, home.duckdb_memory_limit)
    inputs = {
        table.name: {key: home.lake.published(table, key).sha256 for key in home.lake.keys(table)}
        for table in (MARKDOWN_IMAGE_PAIRS, TEXT_SECTIONS)
    }
    return publish_dataset(connection, home.dataset(name, day), built, policy, suite, inputs)


def _check_results(name: str, day: str, findings: Sequence[Finding]) -> Iterator[dg.AssetCheckResult]:
    for finding in findings:
        yield check_result(name, {day: finding})


def _describe(dataset: Dataset) -> dict[str, object]:
    manifest = dataset.manifest
    return {
        "dagster/partition_row_count": sum(dataset.rows.values()),
        "dagster/uri": str(dataset.folder),
        "content": dataset.sha256[:SHOWN_HASH],
        **{f"{split}_rows": rows for split, rows in dataset.rows.items()},
        **manifest["measures"],
        "left_out": markdown_table({"reason": reason, "candidates": n} for reason, n in manifest["rejects"].items()),
        "preview": markdown_table(preview(dataset.folder, 2)),
    }
