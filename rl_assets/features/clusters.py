"""Clusters of near-duplicate prompts, which share one split.

Prompts are assigned to clusters in the order of the days on which they first landed (see `grouping`): those of one day
that are similar, directly or through others, are one cluster, or join that of earlier prompts which they resemble. The
split is a hash of the cluster's key. A prompt that is similar to prompts of two splits has no cluster, is in no
dataset, and no later prompt is compared with it. So prompts in different splits are never near-duplicates, and what
lands on later days moves no prompt.

The order is that of the log days, not of the runs that read them: if a day is read late, or again with more files, its
prompts and those of later days are assigned once more. Days that are read in any order give the same clusters. System
turns are not compared: they would make all prompts of a product similar.
"""

from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rl_assets.core import sql
from rl_assets.core.identity import DEFAULT_RULES, PromptRules
from rl_assets.features.grouping import NO_CLUSTER, Grouping
from rl_assets.features.near_sets import NearSets
from rl_assets.features.words import signed, word_hashes
from rl_assets.lake.delta import Lake
from rl_assets.lake.duckdb_views import register_view
from rl_assets.tables.features import PROMPT_CLUSTERS

BATCH_ROWS = 20_000
FRESH = pa.schema([("prompt_key", pa.string()), ("words", pa.list_(pa.int32()))])
# Rows of another method are not compared with those of this one: their words may differ.
METHOD = "words 3"
DIGITS_IGNORED = ", digits ignored"


@dataclass(frozen=True)
class NewPrompts:
    """Counts of a day: prompts that landed for the first time, clusters that they started, and prompts that moved to
    another cluster because the day was read after later ones.
    """

    new_prompts: int
    new_clusters: int
    moved_prompts: int = 0


@dataclass(frozen=True)
class DayClusters:
    """The clusters of a day's prompts: a hash of them, and how many answers have none."""

    sha256: str
    answers_between_splits: int


def comparison(rules: PromptRules) -> str:
    """The name of how prompts are compared."""
    return METHOD + DIGITS_IGNORED * rules.ignore_digits


def assign_clusters(
    connection: duckdb.DuckDBPyConnection, lake: Lake, day: date, rules: PromptRules = DEFAULT_RULES
) -> NewPrompts:
    """Assign the new prompts of the connection's `interactions`, all of `day`, to clusters, and publish them."""
    register_clusters(connection, lake, rules)
    prompts = sql.select(connection, "features/fresh_prompts", day=day).to_arrow_reader(BATCH_ROWS)
    fresh = pa.Table.from_batches((_words(batch, rules) for batch in prompts), FRESH)
    if not fresh.num_rows:
        return NewPrompts(0, 0)
    connection.register("fresh", fresh)
    sql.create_temporary(connection, "compared_prompts", "features/compared_prompts", day=day)
    sql.create_temporary(connection, "word_sets", "features/word_sets", day=day)
    connection.register("assigned", _assigned(sql.select(connection, "features/sets_in_order").to_arrow_table()))
    sql.create_temporary(connection, "clusters", "features/prompt_clusters")
    _publish(connection, lake, rules)
    return NewPrompts(*sql.select(connection, "features/new_prompts", day=day).fetchall()[0])


def read_clusters(connection: duckdb.DuckDBPyConnection, lake: Lake, rules: PromptRules = DEFAULT_RULES) -> DayClusters:
    """The clusters of the connection's `interactions`, as published."""
    register_clusters(connection, lake, rules)
    return DayClusters(*sql.select(connection, "features/day_clusters").fetchall()[0])


def register_clusters(connection: duckdb.DuckDBPyConnection, lake: Lake, rules: PromptRules = DEFAULT_RULES) -> None:
    """Register the view `prompt_clusters` of all prompts that were assigned."""
    register_view(connection, "all_clusters", lake, PROMPT_CLUSTERS, lake.keys(PROMPT_CLUSTERS))
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW prompt_clusters AS FROM all_clusters WHERE method = '{comparison(rules)}'"
    )


def _publish(connection: duckdb.DuckDBPyConnection, lake: Lake, rules: PromptRules) -> None:
    """Publish the months that changed, the day's last: a killed run leaves its prompts new, and does all again."""
    for (month,) in sql.select(connection, "features/changed_months").fetchall():
        rows = sql.select(connection, "features/clusters_of_month", month=month, method=comparison(rules))
        lake.publish(PROMPT_CLUSTERS, month, rows.to_arrow_reader(BATCH_ROWS))


def _words(prompts: pa.RecordBatch, rules: PromptRules) -> pa.RecordBatch:
    hashes = [
        word_hashes((turn["content"] for turn in prompt if turn["role"] != "system"), ignore_digits=rules.ignore_digits)
        for prompt in prompts.column("prompt").to_pylist()
    ]
    return pa.record_batch([prompts.column("prompt_key"), signed(hashes)], schema=FRESH)


def _assigned(sets: pa.Table) -> pa.Table:
    """The clusters of the sets of words (number, day, words, cluster_key, split, assigned), which are in order.

    `assigned` sets keep their cluster; the cluster and the split of the others are those that they would start.
    """
    names = sets.column("cluster_key").combine_chunks()
    codes = pc.rank(names, "ascending", tiebreaker="dense").to_numpy().astype(np.int64)
    codes[names.is_null().to_numpy(zero_copy_only=False)] = NO_CLUSTER
    keeps = sets.column("assigned").to_numpy()
    near = NearSets.from_words(sets.column("words").combine_chunks(), wanted=~keeps)
    days = sets.column("day").cast(pa.int32()).to_numpy()
    chosen = Grouping(near, codes, sets.column("split").to_pylist()).choose(keeps, days)
    known, firsts = np.unique(codes, return_index=True)
    places = firsts[np.searchsorted(known, np.maximum(chosen, 0))]
    places = pa.array(places, mask=chosen == NO_CLUSTER)
    return pa.table({"number": sets.column("number"), "cluster_key": names.take(places)})
