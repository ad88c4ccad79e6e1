"""Clusters of near-duplicate prompts, which share one split, and never leave it.

Prompts are placed in the order in which they land, each once and for ever. A prompt like no earlier one founds a
cluster, and its key names it; one that is like earlier prompts joins the first of them. The split is a hash of the
cluster's key. A prompt that is like prompts of two splits lies between them: it has no cluster, is in no dataset, and
nothing can be like it. So two prompts in different splits are never near-duplicates, and what lands later moves
nothing: not the prompts that a newcomer connects, and not those near a day whose files come late. System turns are left
out of the comparison: a product's prompts would all be alike by them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import duckdb
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.features.words import bands, signed, word_hashes
from rl_assets.lake.delta import Lake
from rl_assets.lake.duckdb_views import see
from rl_assets.tables.features import PROMPT_CLUSTERS

BATCH_ROWS = 20_000
FRESH = pa.schema(
    [("prompt_key", pa.string()), ("words", pa.list_(pa.int32())), ("bands", pa.list_(pa.int32()))],
)


@dataclass(frozen=True)
class Placed:
    """Prompts that a day brought for the first time, and the clusters that these founded."""

    new_prompts: int
    new_clusters: int


@dataclass(frozen=True)
class Near:
    """An earlier prompt that is nearly the same with its cluster: that of a fresh one is its own until it is placed."""

    prompt_key: str
    near_key: str
    cluster_key: str
    split: str


def place_prompts(connection: duckdb.DuckDBPyConnection, lake: Lake, day: date) -> Placed:
    """Place the prompts of the connection's `interactions`, all of `day`, that have not been placed, and publish them.

    Leaves the table `day_clusters` (prompt_key, cluster_key) of all prompts of the day on the connection.
    """
    see(connection, "placed", lake, PROMPT_CLUSTERS, lake.keys(PROMPT_CLUSTERS))
    sql.create_temporary(connection, "known", "features/known_prompts")
    prompts = sql.select(connection, "features/fresh_prompts").to_arrow_reader(BATCH_ROWS)
    fresh = pa.Table.from_batches(map(_signatures, prompts), FRESH)
    connection.register("fresh", fresh)
    nearby = [Near(*row) for row in sql.select(connection, "features/near_duplicate_prompts").fetchall()]
    clusters = assign(nearby)
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
    return Placed(fresh.num_rows, fresh.num_rows - len(clusters))


def assign(nearby: Iterable[Near]) -> dict[str, str | None]:
    """The cluster of each fresh prompt that is like an earlier one; null for those between two splits.

    `nearby` is ordered by prompt and, for each, by age of the earlier prompt; of fresh prompts the smaller key is the
    earlier.
    """
    placed: dict[str, tuple[str | None, str | None]] = {}
    for prompt_key, neighbours in groupby(nearby, key=lambda near: near.prompt_key):
        found = [placed.get(near.near_key, (near.cluster_key, near.split)) for near in neighbours]
        likes = [(key, split) for key, split in found if key is not None]
        if likes and len({split for _, split in likes}) == 1:
            placed[prompt_key] = likes[0]
        elif likes:
            placed[prompt_key] = (None, None)
    return {prompt_key: cluster for prompt_key, (cluster, _) in placed.items()}


def _signatures(prompts: pa.RecordBatch) -> pa.RecordBatch:
    said = [
        word_hashes(turn["content"] for turn in prompt if turn["role"] != "system")
        for prompt in prompts.column("prompt").to_pylist()
    ]
    return pa.record_batch([prompts.column("prompt_key"), signed(said), signed(bands(said))], schema=FRESH)
