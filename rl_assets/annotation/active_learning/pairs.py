"""What the queue reads as of a day: pairs that people compared, candidates for the next ones, features of answers.

Statements stand in `sql/annotation/active_learning/`; nothing is chosen here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rl_assets.core import sql
from rl_assets.core.files import sha256_text
from rl_assets.rewards.answer_features import feature_table
from rl_assets.rewards.linear_head import LinearHead, bootstrap_heads, fit_head

MARGIN = 0.25
MIN_PAIRS, MIN_CLUSTERS = 20, 10
HEADS = 10
MAX_COMPARED = 5_000
MAX_CANDIDATES = 2_000
Row = dict[str, Any]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class ComparedPair:
    """What people said of two answers: `low_better` in [0, 1] is about the one with the lower id."""

    low_id: str
    high_id: str
    cluster: str
    split: str | None
    low_better: float

    @property
    def weight(self) -> float:
        """How far people agree: 1 if all say the same, 0 for a tie."""
        return abs(2 * self.low_better - 1)


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `compared` and `signals` on a connection of `rated_as_of`."""
    sql.create_temporary(connection, "compared", "annotation/active_learning/compared", margin=MARGIN)
    sql.create_temporary(connection, "signals", "annotation/active_learning/signals", gap=MARGIN)


def read_compared(connection: duckdb.DuckDBPyConnection) -> list[ComparedPair]:
    """Decided pairs of all splits, at most 5,000 by a hash."""
    rows = connection.sql(
        "SELECT low_id, high_id, coalesce(rated.cluster_key, rated.prompt_key) AS cluster, rated.split, low_better "
        "FROM compared JOIN rated ON rated.interaction_id = low_id "
        "WHERE low_better <> 0.5 AND rated.split IS NOT NULL ORDER BY md5(low_id || high_id) LIMIT $most",
        params={"most": MAX_COMPARED},
    ).to_arrow_table()
    return [ComparedPair(**row) for row in rows.to_pylist()]


def read_candidates(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Rows of candidates.sql: pairs that nobody compared and answers that nobody rated, in the order of their draw."""
    rows = sql.select(connection, "annotation/active_learning/candidates", max_pairs=MAX_CANDIDATES)
    found: list[Row] = rows.to_arrow_table().to_pylist()
    return found


def item_id(*answers: str) -> str:
    """The name of an item: 16 hex digits of its answers' ids, whatever their order."""
    return sha256_text("\x1f".join(("item", *sorted(answers))))[:16]


def is_reversed(item: str) -> bool:
    """Whether the answer with the higher id is shown first: half of all items, by the hash of the name."""
    return int(sha256_text(f"order {item}")[:8], 16) % 2 == 1


class Features:
    """Features of answers by id: a table (answers x features) with its ids."""

    def __init__(self, ids: Sequence[str], table: Matrix) -> None:
        self._place = {name: place for place, name in enumerate(ids)}
        self._table = table

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection, ids: Iterable[str]) -> "Features":
        """From the connection's `interactions`, personal data replaced; answers without a text are left unknown."""
        connection.register("wanted", pa.table({"id": pa.array(sorted(set(ids)), pa.string())}))
        rows = sql.select(connection, "annotation/active_learning/answers").to_arrow_table().to_pylist()
        connection.unregister("wanted")
        table = feature_table(
            [row["question"] or "" for row in rows],
            [row["answer"] for row in rows],
            [row["context"] for row in rows],
            lambda _: [row["refusal"] for row in rows],
        )
        return cls([row["interaction_id"] for row in rows], table)

    def __contains__(self, answer: str) -> bool:
        return answer in self._place

    def differences(self, pairs: Sequence[tuple[str, str]]) -> Matrix:
        """Features of the first minus those of the second (pairs x features); 0 where one of them is unknown."""
        if not pairs:
            return np.zeros((0, self._table.shape[1]))
        first, second = (self._table[[self._place[pair[side]] for pair in pairs]] for side in (0, 1))
        return np.nan_to_num(first - second, nan=0.0)


@dataclass(frozen=True)
class Labelled:
    """Decided pairs as differences of features, better minus worse, with weights and clusters; all parallel."""

    differences: Matrix
    weights: NDArray[np.float64]
    clusters: list[str]

    @classmethod
    def of(cls, pairs: Sequence[ComparedPair], features: Features) -> "Labelled":
        """Those of the pairs whose texts are there."""
        known = [pair for pair in pairs if pair.low_id in features and pair.high_id in features]
        signs = np.array([np.sign(2 * pair.low_better - 1) for pair in known])
        raw = features.differences([(pair.low_id, pair.high_id) for pair in known])
        return cls(raw * signs[:, None], np.array([pair.weight for pair in known]), [pair.cluster for pair in known])

    def __len__(self) -> int:
        return len(self.clusters)

    @property
    def is_enough(self) -> bool:
        """Whether a head can be fitted to them."""
        return len(self) >= MIN_PAIRS and len(set(self.clusters)) >= MIN_CLUSTERS

    def ensemble(self) -> list[LinearHead]:
        """Ten heads, each on a bootstrap draw of the clusters."""
        return bootstrap_heads(self.differences, self.weights, self.clusters, HEADS)

    def head(self) -> LinearHead:
        """One head on all of them."""
        return fit_head(self.differences, self.weights)
