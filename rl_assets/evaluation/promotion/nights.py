"""The nights of an epoch: from rows of evidence to what they say together, each cluster counted once.

A cluster counts on the first night that asked it. A night that is run again replaces its own rows, so nothing is
counted twice, and neither the order of files nor that of runs changes the result. Rows stay columns throughout: an
epoch of years has hundreds of thousands.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rl_assets.evaluation.promotion.evidence import OWN_CLUSTERS, STAKES, lower_bound, night_of, weigh
from rl_assets.evaluation.schema.evidence import THRESHOLD, ClusterDifference, Evidence
from rl_assets.evaluation.schema.primary import Primary
from rl_assets.judging.balance import LARGEST_WEIGHT, length_weights, pairs_that_wait
from rl_assets.lake.delta import Lake, Published
from rl_assets.tables.decision_evidence import DECISION_EVIDENCE

# What is read of each row: the columns of a ClusterDifference, and its night.
COLUMNS = ("day", *ClusterDifference.model_fields)
NIGHTS = pa.schema([DECISION_EVIDENCE.schema.field(name) for name in COLUMNS])
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Counted:
    """The clusters of an epoch, each on the night that counted it, by night (in days since 1970)."""

    nights: NDArray[np.int32]
    differences: Floats
    log_length_ratios: Floats


def earlier_nights(lake: Lake, primary: Primary, segment: str | None, lineage: str, before: date) -> pa.Table:
    """The recorded evidence (NIGHTS) of the epoch's nights before a day, on the product or on a segment."""
    months = [month for month in lake.keys(DECISION_EVIDENCE) if primary.day[:7] <= month <= month_of(before)]
    of_segment = pc.field("segment").is_null() if segment is None else pc.field("segment") == segment
    wanted = of_segment & (pc.field("epoch") == primary.epoch) & (pc.field("lineage") == lineage)
    wanted &= (pc.field("day") >= date.fromisoformat(primary.day)) & (pc.field("day") < before)
    return lake.read(DECISION_EVIDENCE, months).to_table(columns=list(COLUMNS), filter=wanted).cast(NIGHTS)


def month_of(day: date) -> str:
    """The partition of a day's evidence."""
    return f"{day:%Y-%m}"


def publish_night(lake: Lake, day: date, segment: str | None, rows: Iterable[dict[str, Any]]) -> Published:
    """Replace the evidence of a night on the product or on a segment; that of others is untouched."""
    table = pa.Table.from_pylist([row | {"month": month_of(day)} for row in rows], schema=DECISION_EVIDENCE.schema)
    return lake.publish(DECISION_EVIDENCE, month_of(day), table.to_reader(), {"day": day, "segment": segment})


def night_table(day: date, found: Iterable[ClusterDifference]) -> pa.Table:
    """A night's clusters as rows of NIGHTS."""
    return pa.Table.from_pylist([{"day": day} | row.model_dump() for row in found], schema=NIGHTS)


def evidence_rows(
    day: date,
    primary: Primary,
    segment: str | None,
    lineage: str,
    models: tuple[str, str],
    found: Iterable[ClusterDifference],
) -> list[dict[str, Any]]:
    """Rows for `publish_night`; `models` are the weights under decision and those they would replace."""
    named = {"day": day, "segment": segment, "epoch": primary.epoch, "lineage": lineage, "metric": primary.metric}
    return [named | {"model": models[0], "against": models[1]} | row.model_dump() for row in found]


def counted_once(nights: pa.Table) -> Counted:
    """The clusters of the nights, without those that an earlier one had counted.

    The order of the rows of a night is that of their values, so sums never depend on the order of files.
    """
    clusters = nights["cluster"].combine_chunks().dictionary_encode().indices.to_numpy()
    days = nights["day"].cast(pa.int32()).to_numpy()
    in_order = np.lexsort((pc.equal(nights["source"], "test").to_numpy(), days))
    _, first = np.unique(clusters[in_order], return_index=True)
    kept = in_order[first]
    differences = nights["difference"].to_numpy()[kept]
    ratios = pc.fill_null(nights["log_length_ratio"], 0.0).to_numpy()[kept]
    by_night = np.lexsort((ratios, differences, days[kept]))
    return Counted(days[kept][by_night], differences[by_night], ratios[by_night])


def weigh_nights(
    nights: pa.Table, tonight: date, judged: bool, threshold: float = THRESHOLD, own_clusters: int = OWN_CLUSTERS
) -> Evidence:
    """What all nights up to tonight say; `judged` balances answer lengths over the whole epoch before verdicts are bet
    on."""
    counted = counted_once(nights)
    # A balanced verdict is divided by its largest weight, so the stakes are twice as large.
    stakes = 2 * STAKES if judged else STAKES
    weights = length_weights(counted.log_length_ratios) if judged else np.ones(len(counted.differences))
    kept = weights > 0
    waiting = pairs_that_wait(counted.log_length_ratios) if judged else ~kept
    values = (weights * counted.differences / (LARGEST_WEIGHT if judged else 1))[kept]
    days = np.append(counted.nights[kept], (tonight - date(1970, 1, 1)).days)
    # Tonight is one of the nights, with a cluster that counts or without.
    by_night = np.split(values, np.unique(days, return_index=True)[1][1:])
    found = weigh([night_of(night, stakes) for night in by_night], threshold, stakes, own_clusters)
    return found.model_copy(
        update={
            "lower": lower_bound(values, threshold, stakes) if len(values) else None,
            "unbalanced": float((~kept & ~waiting).mean()) if len(kept) else 0.0,
            "waiting": int(waiting.sum()),
        }
    )
