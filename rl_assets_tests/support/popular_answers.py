"""Logs in which a few texts answer each question again and again, and people judge every showing."""

import random
from collections.abc import Sequence

from rl_assets_tests.support.logs import Row, about, interaction, judged

GOOD, BAD = "Press the key beside the lamp for three seconds", "Please consult the supplier of your device"
SERIES = ("red", "green", "blue", "white")


def popular_answers(questions: int = 20, showings: int = 100) -> list[Row]:
    """Two fixed answers to each question, shown so often each; 95 % of people like one, 5 % the other."""
    draw = random.Random(7)
    return [
        judged(
            f"{name}-{question}-{showing}",
            float(draw.random() < liked),
            query=f"How do I set up device number {question} of the {SERIES[question % 4]} series?",
            answer=f"{text}, model {question}.",
            user_id=f"user-{draw.randrange(5000)}",
        )
        for question in range(questions)
        for name, text, liked in (("good", GOOD, 0.95), ("bad", BAD, 0.05))
        for showing in range(showings)
    ]


def noisy_thumbs(
    records: Sequence[Row], shares: Sequence[dict[int, float]], flipped: float = 0.25, thumbs: int = 3
) -> tuple[list[Row], list[Row]]:
    """Each sampled answer of each record shown `thumbs` times, each time with one person's thumb: up if the answer won
    over half of its comparisons, the other way for a share of `flipped`. Answers (`<record>-<sample>-<showing>`),
    thumbs.
    """
    draw, answers, verdicts = random.Random(1), [], []
    for place, (record, won) in enumerate(zip(records, shares, strict=True)):
        for sample, share in won.items():
            for showing in range(thumbs):
                name, liked = f"{place}-{sample}-{showing}", (share > 0.5) != (draw.random() < flipped)
                text = record[f"prediction {sample}"]
                answers.append(interaction(name, query=record["question"], answer=text, context=str(place)))
                kind = "thumbs_up" if liked else "thumbs_down"
                verdicts.append(about(name, f"thumb-{name}", kind, user_id=f"user-{draw.randrange(10**6)}"))
    return answers, verdicts
