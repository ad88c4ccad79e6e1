"""The answers of the model under decision and of the one that it would replace, which a judge or people compare.

`eval_report` keeps them, so that the review queue generates nothing.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from rl_assets.core.chat import Message
from rl_assets.core.files import sha256_text, write_atomically
from rl_assets.evaluation.run.estimates import EvalScores
from rl_assets.evaluation.schema.report import Role
from rl_assets.judging.summary import JudgeVerdicts
from rl_assets.tables.records import MESSAGES

PAIRS_FILE = "pairs.parquet"
SCHEMA = pa.schema(
    [
        pa.field("cluster", pa.string()),
        pa.field("prompt_key", pa.string()),
        pa.field("prompt", MESSAGES),
        pa.field("ours", pa.string()),
        pa.field("theirs", pa.string()),
        pa.field("judged", pa.float64()),
    ]
)


@dataclass(frozen=True)
class AnsweredPair:
    """Two models' answers to one prompt; `judged` is 1 if the judge prefers ours, 0 if theirs, 0.5 for a tie."""

    cluster: str
    prompt_key: str
    prompt: tuple[Message, ...]
    ours: str
    theirs: str
    judged: float | None = None


def answered_pairs(scores: EvalScores, ours: Role, theirs: Role) -> dict[str, AnsweredPair]:
    """Two models' answers to one fresh or test prompt of each cluster, by the cluster's name."""
    answers = [(scores.held_out.items, scores.by_role[ours], scores.by_role[theirs])]
    fresh = scores.fresh_of(ours), scores.fresh_of(theirs)
    if fresh[0] is not None and fresh[1] is not None:
        answers.insert(0, (scores.prompts.fresh.items, fresh[0], fresh[1]))
    pairs: dict[str, AnsweredPair] = {}
    for items, own, other in answers:
        for item, answer, compared in zip(items, own.generation.answers, other.generation.answers, strict=True):
            pair = AnsweredPair(item.counted_as, item.cluster, item.prompt, answer.text, compared.text)
            pairs.setdefault(item.counted_as, pair)
    return pairs


def with_judge(pairs: Iterable[AnsweredPair], verdicts: JudgeVerdicts | None) -> list[AnsweredPair]:
    """The pairs in the order of the hash of their clusters, with the verdicts of a judge that is reliable."""
    reliable = verdicts.compared if verdicts and verdicts.reliable else []
    judged = {compared.cluster: (compared.net + 1) / 2 for compared in reliable}
    ordered = sorted(pairs, key=lambda pair: sha256_text(pair.cluster))
    return [replace(pair, judged=judged.get(pair.cluster)) for pair in ordered]


def write_pairs(pairs: Iterable[AnsweredPair], folder: Path) -> None:
    """Keep them next to the report, written atomically."""
    rows = [asdict(pair) | {"prompt": list(pair.prompt)} for pair in pairs]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), sink, compression="zstd")
    write_atomically(folder / PAIRS_FILE, sink.getvalue().to_pybytes())


def read_pairs(folder: Path) -> list[AnsweredPair]:
    """What `write_pairs` kept there. FileNotFoundError if there is nothing."""
    path = folder / PAIRS_FILE
    if not path.is_file():
        raise FileNotFoundError(f"no answers to compare at {path}: materialize eval_report of that day first")
    rows = pq.read_table(path).to_pylist()
    return [AnsweredPair(**row | {"prompt": tuple(row["prompt"])}) for row in rows]
