"""What each cluster of prompts says of two models: the mean difference on its prompts, in [-1, 1]."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import pyarrow as pa
import pyarrow.parquet as pq

from rl_assets.core.files import write_atomically
from rl_assets.evaluation.run.estimates import ITEM_METRICS, EvalScores
from rl_assets.evaluation.run.generate import ModelScores
from rl_assets.evaluation.run.inputs import Item, Pair
from rl_assets.evaluation.schema.evidence import ClusterDifference, Source
from rl_assets.evaluation.schema.report import Role
from rl_assets.judging.summary import JudgeVerdicts
from rl_assets.models.log_probabilities import likelihood_margins, preferred

DIFFERENCES_FILE = "differences.parquet"
SCHEMA = pa.schema(
    [
        pa.field("role", pa.string()),
        pa.field("cluster", pa.string()),
        pa.field("difference", pa.float64()),
        pa.field("source", pa.string()),
        pa.field("log_length_ratio", pa.float64()),
    ]
)
Differences = dict[Role, list[ClusterDifference]]
Values = Mapping[str, list[float]]


def differences_of(scores: EvalScores, role: Role, metric: str) -> list[ClusterDifference]:
    """The clusters of the test split, and of the fresh prompts if the role answered them, by name.

    Items that lack what the metric needs are dropped.
    """
    ours, theirs = (scores.by_role[name] for name in (role, scores.models.against))
    if metric == "likelihood_accuracy":
        return _differences(_of_pairs(scores.held_out.pairs, ours, theirs), "test")
    tested = _differences(_of_items(scores.held_out.items, ours, theirs, metric), "test")
    fresh_ours, fresh_theirs = (scores.fresh_of(name) for name in (role, scores.models.against))
    if fresh_ours is None or fresh_theirs is None:
        return tested
    return tested + _differences(_of_items(scores.prompts.fresh.items, fresh_ours, fresh_theirs, metric), "fresh")


def _of_items(items: Sequence[Item], ours: ModelScores, theirs: ModelScores, metric: str) -> Values:
    score = ITEM_METRICS[metric]
    clusters: dict[str, list[float]] = {}
    for item, own, other in zip(items, ours.generation.answers, theirs.generation.answers, strict=True):
        scored, compared = score(item, own.text), score(item, other.text)
        if scored is not None and compared is not None:
            clusters.setdefault(item.counted_as, []).append(scored - compared)
    return clusters


def _of_pairs(pairs: Sequence[Pair], ours: ModelScores, theirs: ModelScores) -> Values:
    clusters: dict[str, list[float]] = {}
    ranked = zip(
        pairs, preferred(likelihood_margins(ours.pairs)), preferred(likelihood_margins(theirs.pairs)), strict=True
    )
    for pair, own, other in ranked:
        clusters.setdefault(pair.counted_as, []).append(own - other)
    return clusters


def _differences(clusters: Values, source: Source) -> list[ClusterDifference]:
    return [
        ClusterDifference(cluster=cluster, difference=fmean(clusters[cluster]), source=source)
        for cluster in sorted(clusters)
    ]


def judged_differences(verdicts: JudgeVerdicts, test: set[str]) -> list[ClusterDifference]:
    """The judge's verdicts as differences; clusters that are not in `test` are fresh."""
    return [
        ClusterDifference(
            cluster=compared.cluster,
            difference=compared.net,
            source="test" if compared.cluster in test else "fresh",
            log_length_ratio=compared.log_length_ratio,
        )
        for compared in verdicts.compared
    ]


def write_differences(found: Differences, folder: Path) -> None:
    """Keep the differences of every role under decision next to the report, written atomically."""
    rows = [{"role": role} | row.model_dump() for role, differences in found.items() for row in differences]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), sink, compression="zstd")
    write_atomically(folder / DIFFERENCES_FILE, sink.getvalue().to_pybytes())


def read_differences(folder: Path) -> Differences:
    """What `write_differences` kept there. FileNotFoundError if there is nothing."""
    path = folder / DIFFERENCES_FILE
    if not path.is_file():
        raise FileNotFoundError(f"no differences at {path}: materialize the report of that day first")
    found: Differences = {}
    for row in pq.read_table(path).to_pylist():
        found.setdefault(row.pop("role"), []).append(ClusterDifference.model_validate(row))
    return found
