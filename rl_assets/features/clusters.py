"""Clusters of near-duplicate prompts, which share one split, and never leave it.

Prompts are assigned to clusters in the order in which they land, each once. A prompt that is similar to no earlier one
starts a cluster, which is named by its key; any other joins the cluster of the first similar prompt. The split is a
hash of the cluster's key. A prompt that is similar to prompts of two splits has no cluster, is in no dataset, and no
later prompt is compared with it. So prompts in different splits are never near-duplicates, and later data moves no
prompt: not those that a new prompt connects, and not those near a day whose files come late. System turns are not
compared: they would make all prompts of a product similar.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import duckdb
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.features.minhash import bands, signed, word_hashes
from rl_assets.lake.delta import Lake
from rl_assets.lake.duckdb_views import register_view
from rl_assets.tables.features import PROMPT_CLUSTERS

BATCH_ROWS = 20_000
FRESH = pa.schema(
    [("prompt_key", pa.string()), ("words", pa.list_(pa.int32())), ("bands", pa.list_(pa.int32()))],
)


@dataclass(frozen=True)
class NewPrompts:
    """Counts of a day: prompts that landed for the first time, and clusters that they started."""

    new_prompts: int
    new_clusters: int


@dataclass(frozen=True)
class NearDuplicate:
    """An earlier near-duplicate, with its cluster; the cluster of a new prompt is its own key until it is assigned."""

    prompt_key: str
    near_key: str
    cluster_key: str
    split: str


def assign_clusters(connection: duckdb.DuckDBPyConnection, lake: Lake, day: date) -> NewPrompts:
    """Assign the new prompts of the connection's `interactions`, all of `day`, to clusters, and publish them.

    Leaves the table `day_clusters` (prompt_key, cluster_key) of all prompts of the day on the connection.
    """
    register_view(connection, "placed", lake, PROMPT_CLUSTERS, lake.keys(PROMPT_CLUSTERS))
    sql.create_temporary(connection, "known", "features/known_prompts")
    prompts = sql.select(connection, "features/fresh_prompts").to_arrow_reader(BATCH_ROWS)
    fresh = pa.Table.from_batches(map(_signatures, prompts), FRESH)
    connection.register("fresh", fresh)
    near = [NearDuplicate(*row) for row in sql.select(connection, "features/near_duplicate_prompts").fetchall()]
    clusters = choose_clusters(near)
    connection.register(
        "assigned",
        pa.table(
            {"prompt_key": pa.array(clusters, pa.string()), "cluster_key": pa.array(clusters.values(), pa.string())}
        ),
    )
    sql.create_temporary(connection, "day_clusters", "features/day_clusters")
    if fresh.num_rows:
        month = f"{day:%Y-%m}"
        rows = sql.select(connection, "features/prompt_clusters", day=day, month=month)
        lake.publish(PROMPT_CLUSTERS, month, rows.to_arrow_reader(BATCH_ROWS))
    return NewPrompts(fresh.num_rows, fresh.num_rows - len(clusters))


def choose_clusters(near: Iterable[NearDuplicate]) -> dict[str, str | None]:
    """The cluster of each new prompt that is similar to an earlier one; None if these are in two splits.

    `near` is ordered by prompt and, for each, by age of the earlier prompt; of new prompts the smaller key is the
    earlier.
    """
    assigned: dict[str, tuple[str | None, str | None]] = {}
    for prompt_key, earlier in groupby(near, key=lambda pair: pair.prompt_key):
        candidates = [assigned.get(pair.near_key, (pair.cluster_key, pair.split)) for pair in earlier]
        clusters = [(key, split) for key, split in candidates if key is not None]
        if clusters and len({split for _, split in clusters}) == 1:
            assigned[prompt_key] = clusters[0]
        elif clusters:
            assigned[prompt_key] = (None, None)
    return {prompt_key: cluster for prompt_key, (cluster, _) in assigned.items()}


def _signatures(prompts: pa.RecordBatch) -> pa.RecordBatch:
    hashes = [
        word_hashes(turn["content"] for turn in prompt if turn["role"] != "system")
        for prompt in prompts.column("prompt").to_pylist()
    ]
    return pa.record_batch([prompts.column("prompt_key"), signed(hashes), signed(bands(hashes))], schema=FRESH)
