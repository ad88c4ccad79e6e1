"""Warnings of Dagster that nobody here can act on. The cause of any other warning is fixed, not hidden."""

import warnings

KNOWN = (
    # Checks with a partition per day are a preview in Dagster.
    r"Specifying a partitions_def on an AssetCheckSpec",
    # Features in beta that we use, which say so at every load and for every asset.
    r"Parameter `backfill_policy`",
    r".*`(LocalFileCodeReference|CodeReferencesMetadataValue|with_source_code_references)`",
    # Dagster's own parser of a selection such as `group:raw`.
    r"Parameter `include_sources`",
    # A job of datasets and adapters gets the stricter of their policies, one run per day, as intended.
    r"Asset job \w+ materializes assets with varying BackfillPolicies",
)


def ignore_known_warnings() -> None:
    """Ignore them in this process; called before the first asset is defined."""
    for message in KNOWN:
        warnings.filterwarnings("ignore", message=message)
