"""Which pairs of answers people are asked about tonight, and in which form: random, blind and reproducible.

Pairs are drawn in the order of the hash of their clusters, which no answer can influence: neither its length nor its
quality. Equal answers are no question. Which of two answers comes first is a hash too, so that nobody sees whose it is.
"""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from rl_assets.core.blank import stripped
from rl_assets.core.files import sha256_text
from rl_assets.evaluation.run.pairs import AnsweredPair
from rl_assets.evaluation.schema.report import EvalReport

PER_NIGHT = 10
Row = dict[str, Any]


def answer_key(answer: str) -> str:
    """The hash of an answer without outer blank characters."""
    return sha256_text(stripped(answer))


def queue_rows(
    report: EvalReport,
    segment: str | None,
    pairs: Sequence[AnsweredPair],
    asked: Collection[str],
    per_night: int,
) -> list[Row]:
    """Rows of REVIEW_QUEUE for tonight's pairs, of which the first `per_night` are drawn.

    Clusters that an earlier night of the epoch `asked` are dropped, and pairs of equal answers.
    """
    model = report.models[report.decided]
    new = [pair for pair in pairs if pair.cluster not in asked and stripped(pair.ours) != stripped(pair.theirs)]
    new.sort(key=lambda pair: sha256_text(pair.cluster))
    return [
        {
            "day": date.fromisoformat(report.day),
            "segment": segment,
            "epoch": report.primary.epoch,
            "lineage": model.kind,
            "pair_id": pair_id(report.primary.epoch, model.sha256, report.primary.against, pair.cluster),
            "cluster": pair.cluster,
            "prompt_key": pair.prompt_key,
            "model": model.sha256,
            "against": report.primary.against,
            "ours_key": answer_key(pair.ours),
            "theirs_key": answer_key(pair.theirs),
            "drawn": place < per_night,
            "judged": pair.judged,
        }
        for place, pair in enumerate(new)
    ]


def pair_id(epoch: str, model: str, against: str, cluster: str) -> str:
    """The name of a pair: the epoch, both models, and the cluster of its prompt. `is_review_pair` in SQL knows it."""
    return f"review:{epoch}:{model[:8]}-{against[:8]}:{cluster[:16]}"


def ours_first(pair: str) -> bool:
    """Whether the answer of the model under decision is shown first: half of all pairs, by the hash of the name."""
    return int(sha256_text(f"order {pair}")[:8], 16) % 2 == 0


def queue_lines(rows: Sequence[Row], pairs: Sequence[AnsweredPair]) -> list[Row]:
    """The drawn pairs as lines of the log format `feedback_table` that lack a verdict, in an order of their own."""
    texts = {pair.cluster: pair for pair in pairs}
    drawn = sorted((row for row in rows if row["drawn"]), key=lambda row: sha256_text(row["pair_id"]))
    return [_line(row["pair_id"], texts[row["cluster"]]) for row in drawn]


def _line(name: str, pair: AnsweredPair) -> Row:
    answers = (pair.ours, pair.theirs) if ours_first(name) else (pair.theirs, pair.ours)
    return {
        "interaction_id": name,
        "feedback_type": "preference",
        "prompt": [dict(message) for message in pair.prompt],
        "first_output": answers[0],
        "second_output": answers[1],
        "verdict": "",
        "user_id": "",
    }
