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

from rl_assets.evaluation.promotion.evidence import STAKES, lower_bound, night_of, weigh
from rl_assets.evaluation.schema.evidence import THRESHOLD, ClusterDifference, Evidence
from rl_assets.evaluation.schema.primary import Primary
from rl_assets.judging.balance import LARGEST_WEIGHT, length_weights, pairs_that_wait
from rl_assets.lake.delta import Lake
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
    days = [day for day in lake.days(DECISION_EVIDENCE) if date.fromisoformat(primary.day) <= day < before]
    of_segment = pc.field("segment").is_null() if segment is None else pc.field("segment") == segment
    wanted = of_segment & (pc.field("epoch") == primary.epoch) & (pc.field("lineage") == lineage)
    return lake.read(DECISION_EVIDENCE, days).to_table(columns=list(COLUMNS), filter=wanted).cast(NIGHTS)


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
    """Rows of DECISION_EVIDENCE for a night; `models` are the weights under decision and those they would replace."""
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


def weigh_nights(nights: pa.Table, tonight: date, judged: bool, threshold: float = THRESHOLD) -> Evidence:
    """What all nights up to tonight say; `judged` balances answer lengths over the whole epoch before verdicts are bet
    on."""
    counted = counted_once(nights)
    # A balanced verdict is divided by its largest weight, so the stakes are twice as large.
    stakes = 2 * STAKES if judged else STAKES
    weights = length_weights(counted.log_length_ratios) if judged else np.ones(len(counted.differences))
    kept = weights > 0
    waiting = pairs_that_wait(counted.log_length_ratios) if judged else ~kept
    values = (weights * counted.differences / (LARGEST_WEIGHT if judged else 1))[kept]
    days, starts = np.unique(counted.nights[kept], return_index=True)
    by_night = np.split(values, starts[1:]) if len(days) else []
    found = weigh([night_of(night, stakes) for night in by_night], threshold, stakes)
    own = by_night[-1] if len(days) and days[-1] == (tonight - date(1970, 1, 1)).days else np.empty(0)
    return found.model_copy(
        update={
            # A night without a new cluster rejects nothing, whatever the one before it did.
            "rejected_tonight": found.rejected_tonight and len(own) > 0,
            "lower": lower_bound(values, threshold, stakes) if len(values) else None,
            "unbalanced": float((~kept & ~waiting).mean()) if len(kept) else 0.0,
            "waiting": int(waiting.sum()),
            "tonight": len(own),
            "tonight_mean": float(own.mean()) if len(own) else None,
        }
    )
