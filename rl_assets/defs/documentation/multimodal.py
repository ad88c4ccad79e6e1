"""A search index of documentation images, and datasets for agents that show images.

Selecting rows and publishing is `rl_assets.documentation`. The datasets of a day contain the documentation as it was
when they were built; if it did not change, they do not either, and nothing trains on them again.
"""

from collections.abc import Sequence

import dagster as dg

from rl_assets.datasets.expectations import Expectation
from rl_assets.datasets.folder import Dataset, publish_dataset
from rl_assets.defs.datasets.dataset_runs import dataset_asset, publish_datasets
from rl_assets.defs.documentation.images import GROUP
from rl_assets.defs.shared.owners import DATA_TEAM
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import Results
from rl_assets.documentation.expectations import MULTIMODAL_GRPO, MULTIMODAL_SFT, MULTIMODAL_VISION
from rl_assets.documentation.gallery import vision_gallery
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.index import build_index
from rl_assets.documentation.publish import kept_pairs
from rl_assets.documentation.questions import MultimodalPolicy, build_multimodal
from rl_assets.documentation.vision import VisionPolicy, build_vision, with_image_feature
from rl_assets.tables.documentation import MARKDOWN_IMAGE_PAIRS, TEXT_SECTIONS

SOURCES = [
    dg.AssetDep(table.name, partition_mapping=dg.AllPartitionMapping())
    for table in (MARKDOWN_IMAGE_PAIRS, TEXT_SECTIONS)
]


class MultimodalConfig(dg.Config, MultimodalPolicy):
    """Questions about documentation."""


class VisionConfig(dg.Config, VisionPolicy):
    """Images of documentation."""


@dg.asset(deps=SOURCES[:1], group_name=GROUP, kinds={"huggingface", "bm25"}, owners=DATA_TEAM)
def image_index(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """All kept images, by embedding and BM25; query it with `python -m rl_assets.documentation.search "query"`."""
    index = build_index(kept_pairs(home.lake), home.paths.image_index)
    context.log.info(f"{len(index.documents)} images, {index.embedded} texts embedded in this run")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(index.documents),
            "dagster/uri": str(index.folder),
            "embedded_in_this_run": index.embedded,
        },
        data_version=dg.DataVersion(index.sha256),
    )


@dataset_asset("multimodal_sft_dataset", MULTIMODAL_SFT, SOURCES, GROUP)
def multimodal_sft_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: MultimodalConfig) -> Results:
    """Questions about documentation with answers that show the right image of a catalogue, or none."""
    yield from _questions(context, home, config, MULTIMODAL_SFT)


@dataset_asset("multimodal_grpo_dataset", MULTIMODAL_GRPO, SOURCES, GROUP)
def multimodal_grpo_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: MultimodalConfig) -> Results:
    """The same questions with the reference of the image reward, and answers with different rewards."""
    yield from _questions(context, home, config, MULTIMODAL_GRPO)


@dataset_asset("multimodal_vision_dataset", MULTIMODAL_VISION, SOURCES[:1], GROUP)
def multimodal_vision_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: VisionConfig) -> Results:
    """Images of documentation with a question and the text of their page, for vision-language models."""

    def publish(day: str) -> Dataset:
        docs, folder = home.paths.docs, home.paths.datasets("multimodal_vision_dataset", day)
        connection, built = build_vision(home.lake, docs, config, Limits(), home.duckdb_memory_limit)
        return publish_dataset(connection, folder, built, config, MULTIMODAL_VISION, _inputs(home), with_image_feature)

    yield from publish_datasets(context, publish, lambda dataset: dg.MetadataValue.md(vision_gallery(dataset.folder)))


def _questions(
    context: dg.AssetExecutionContext, home: HomeResource, policy: MultimodalPolicy, suite: Sequence[Expectation]
) -> Results:
    name = context.asset_key.to_user_string()

    def publish(day: str) -> Dataset:
        connection, built = build_multimodal(home.lake, name, policy, home.duckdb_memory_limit)
        return publish_dataset(connection, home.paths.datasets(name, day), built, policy, suite, _inputs(home))

    yield from publish_datasets(context, publish)


def _inputs(home: HomeResource) -> dict[str, dict[str, str]]:
    """The content of every source, by table."""
    return {
        table.name: {key: home.lake.published(table, key).sha256 for key in home.lake.keys(table)}
        for table in (MARKDOWN_IMAGE_PAIRS, TEXT_SECTIONS)
    }
