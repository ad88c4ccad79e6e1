"""Makes every folder below `<home>/docs` a partition, and prints its name: for launches without a daemon.

    python -m rl_assets.instance.doc_sources
    dg launch --job images_job --partition guide

With a daemon the sensor `docs_changed` does both.
"""

import sys

import dagster as dg

from rl_assets.documentation.sources import DOC_SOURCES, misnamed_folders, source_names
from rl_assets.settings import load_settings


def main() -> None:
    """Add what is new; exit with a sentence if there is no folder, or one whose name cannot be a partition."""
    docs = load_settings().paths.docs
    names, misnamed = source_names(docs), misnamed_folders(docs)
    if not names and not misnamed:
        sys.exit(f"there is no folder in {docs}: put a tree of markdown with its images there, a folder for each site")
    with dg.DagsterInstance.get() as instance:
        known = set(instance.get_dynamic_partitions(DOC_SOURCES))
        instance.add_dynamic_partitions(DOC_SOURCES, [name for name in names if name not in known])
    for name in names:
        print(name if name in known else f"{name} (new)")
    if misnamed:
        sys.exit(misnamed)


if __name__ == "__main__":
    main()
