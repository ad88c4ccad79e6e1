"""How often the right image of a question is found without a model, by the words that it shares with the text.

The baseline of the report: a model that shows the right image no more often has learned to compare words.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rl_assets.documentation.confidence import cosine
from rl_assets.metrics.statistics import Interval, interval
from rl_assets.rewards.images import CATALOGUE


def word_overlap(rows: Sequence[Mapping[str, Any]]) -> Interval | None:
    """Mean of `chance_by_words` over rows of `multimodal_sft_dataset` that need an image; None if none does.

    The interval is over pages.
    """
    needing = [row for row in rows if row["gold_images"]]
    if not needing:
        return None
    pages = [row["metadata"]["prompt_key"] for row in needing]
    return interval([chance_by_words(row) for row in needing], pages, share=True)


def chance_by_words(row: Mapping[str, Any]) -> float:
    """Probability in [0, 1] that a right image is drawn from those with the highest cosine of words to the text."""
    text, _, offer = row["messages"][-2]["content"].rpartition(CATALOGUE)
    scores = [cosine(line, text) for line in offer.split("\n")]
    best = [path for path, score in zip(row["catalogue"], scores, strict=True) if score == max(scores)]
    return sum(path in row["gold_images"] for path in best) / len(best)
