"""All of rl_assets, and what lies in `defs/`: segments that `dg scaffold defs` writes there, and assets of your own."""

from pathlib import Path

import dagster as dg

from rl_assets.definitions import build_defs


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions.merge(build_defs(), dg.load_from_defs_folder(path_within_project=Path(__file__).parent))
