"""Whether clusters of prompts are held out of training as often as they should be, whatever their size.

A split that depends on how many prompts a cluster has holds out too few of the prompts that people ask most often.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rl_assets.core import sql
from rl_assets.datasets.ratings import Window
from rl_assets.lake.delta import Lake
from rl_assets.lake.duckdb_views import register_view
from rl_assets.metrics.statistics import binomial_p
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS

# The chance that one of all sizes deviates although the splits are fair: that of three standard errors.
FAMILY_WISE_ERROR = 0.0027
MIN_PROMPTS = 20
MAX_SHARE_OF_A_CLUSTER = 0.5


@dataclass(frozen=True)
class HeldOut:
    """Clusters of a size: how many there are, how many are held out, and the share that should be."""

    prompts: str
    clusters: int
    held_out: int
    nominal_share: float

    @property
    def share(self) -> float:
        return self.held_out / self.clusters

    @property
    def standard_error(self) -> float:
        """Of the share, if every cluster is held out by chance alone."""
        return math.sqrt(self.nominal_share * (1 - self.nominal_share) / self.clusters)

    @property
    def p(self) -> float:
        return binomial_p(self.held_out, self.clusters, self.nominal_share)


@dataclass(frozen=True)
class LargestCluster:
    """The cluster with the most prompts, all of which lie in one split, and how many prompts there are in all."""

    prompts: int
    split: str
    prompts_in_all: int

    @property
    def share(self) -> float:
        return self.prompts / self.prompts_in_all

    @property
    def dominates(self) -> bool:
        """Whether it is most of the log, so that a split by clusters cannot hold out a tenth of the prompts."""
        return self.prompts_in_all >= MIN_PROMPTS and self.share > MAX_SHARE_OF_A_CLUSTER


def largest_cluster(lake: Lake, window: Window, memory_limit: str = "2GB") -> LargestCluster | None:
    """The largest cluster of the published `rated_interactions`; None without a prompt."""
    connection = sql.connect(memory_limit)
    register_view(connection, "rated", lake, RATED_INTERACTIONS, [window.day])
    rows = sql.select(connection, "ratings/largest_cluster").fetchall()
    return LargestCluster(*rows[0]) if rows else None


def held_out_by_size(lake: Lake, window: Window, memory_limit: str = "2GB") -> list[HeldOut]:
    """The clusters of the published `rated_interactions` by their number of prompts, the smallest first."""
    connection = sql.connect(memory_limit)
    register_view(connection, "rated", lake, RATED_INTERACTIONS, [window.day])
    return [HeldOut(*row) for row in sql.select(connection, "ratings/held_out_by_size").fetchall()]


def deviating(sizes: Sequence[HeldOut]) -> list[HeldOut]:
    """The sizes whose held-out share chance does not explain: exact binomial tests, Bonferroni over the sizes."""
    return [size for size in sizes if size.p < FAMILY_WISE_ERROR / len(sizes)]
