"""Features of each answer: clean texts, cluster of its prompt, flags, language. Computing them is `features.day`."""

from collections import Counter
from datetime import date

import dagster as dg

from rl_assets.core.files import sha256_json
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.metadata import markdown_table, published_metadata
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import PublishedDay, Results, publish_days, table_asset
from rl_assets.features.benchmarks import read_benchmarks
from rl_assets.features.day import DescribedDay, describe_day
from rl_assets.lake.delta import Lake
from rl_assets.tables.features import FEATURES, REDACTIONS
from rl_assets.tables.records import FEEDBACK, INTERACTIONS

FLAGS = ("personal_data", "refusal", "boilerplate", "contaminated")


# One day at a time, over all runs: a prompt joins the cluster of an earlier one.
@table_asset(FEATURES, deps=[INTERACTIONS.name, FEEDBACK.name], group="raw", pool="prompt_clusters")
def interaction_features(context: dg.AssetExecutionContext, home: HomeResource) -> Results:
    """Features of each answer, computed when it lands: clean texts, cluster of its prompt, flags, language.

    Personal data is replaced by placeholders in everything built from here on. Near-duplicate prompts share a
    cluster, which decides their split permanently.
    """
    benchmarks = read_benchmarks(home.paths.benchmarks)

    def publish(day: str) -> PublishedDay:
        require_input(context, home.lake, INTERACTIONS, day)
        described = describe_day(
            home.lake,
            date.fromisoformat(day),
            benchmarks,
            home.duckdb_memory_limit,
            home.prompt_rules,
            home.privacy_rules,
        )
        contents = [published.sha256 for published in described.published.values()] + [described.clusters.sha256]
        return PublishedDay(sha256_json(contents), _describe(home.lake, described))

    yield from publish_days(context, publish)


def _describe(lake: Lake, described: DescribedDay) -> dict[str, object]:
    redactions = lake.read(REDACTIONS, [described.day]).to_table(columns=["found"])
    kinds = redactions.column("found").combine_chunks().flatten()
    features = lake.read(FEATURES, [described.day]).to_table(columns=[*FLAGS, "language"])
    return {
        **published_metadata(described.published[FEATURES.name]),
        "new_prompts": described.new.new_prompts,
        "new_clusters": described.new.new_clusters,
        "moved_prompts": described.new.moved_prompts,
        "answers_between_splits": described.clusters.answers_between_splits,
        **{flag: features.column(flag).to_pylist().count(True) for flag in FLAGS},
        "replaced": _counts("kind", kinds.to_pylist()),
        "languages": _counts("language", features.column("language").to_pylist()),
    }


def _counts(name: str, values: list[str | None]) -> dg.MarkdownMetadataValue:
    return markdown_table({name: value or "unknown", "n": n} for value, n in Counter(values).most_common())
