"""One log with a category for each rung of the ladder of metrics, all of whose questions are held out of training."""

from collections.abc import Iterator
from itertools import count, islice
from random import Random

from rl_assets.core import sql
from rl_assets.evaluation.run.inputs import conversation_key
from rl_assets_tests.support.logs import Product, Row, about, interaction

WORDS = [
    f"{start}{end}" for start in ("bar", "cor", "dul", "fen", "gim", "hop", "jas") for end in ("ta", "mo", "ri", "ve")
]
# Each kind of product with the metric that can decide on it, and how many questions that takes.
RUNGS = {
    "solutions": ("task_success", 12),
    "objects": ("field_f1", 12),
    "short": ("exact_match", 12),
    "agreeing": ("exact_match", 22),
    "compared": ("likelihood_accuracy", 54),
    "prose": (None, 12),
}
TRAINED_ON = 12


def held_out_questions(kind: str) -> Iterator[str]:
    """Questions of a kind whose prompts the split holds out, without an end."""
    connection = sql.connect()
    for number in count():
        random = Random(f"{kind} {number}")
        question = f"{kind} {number}: {' '.join(random.sample(WORDS, 6))} {random.randrange(10**6)}?"
        key = conversation_key(({"role": "user", "content": question},))
        (split,) = connection.execute("SELECT split_of($key)", {"key": key}).fetchone() or (None,)
        if split == "test":
            yield question


def _prose(number: int, word: str) -> str:
    random = Random(f"{word} {number}")
    told = ", ".join(random.sample(WORDS, random.randint(9, 15)))
    return f"This {word} answer number {number} tells of {told} and more."


def _good_answers(kind: str, number: int) -> list[str]:
    """What people liked: two showings of the same text where good answers agree."""
    if kind == "solutions":
        return [f"{number} and {number} make {2 * number}.\n#### {2 * number}"]
    if kind == "objects":
        return [f'{{"part": "p{number}", "row": {number}}}']
    if kind == "short":
        return [f"In row {number}."]
    return [_prose(number, "good")] * (2 if kind == "agreeing" else 1)


def log_lines() -> tuple[list[Row], list[Row]]:
    """Interactions of all kinds and some that a model may learn from, and the thumbs on them."""
    answers = [
        interaction(f"t{n}", query=f"Trained {n}: {WORDS[n]} of {n}?", answer=_prose(n, "own"))
        for n in range(TRAINED_ON)
    ]
    thumbs = [about(f"t{n}", f"f-t{n}", user_id=f"u{n}") for n in range(TRAINED_ON)]
    for kind, (_, questions) in RUNGS.items():
        for number, question in enumerate(islice(held_out_questions(kind), questions)):
            good = _good_answers(kind, number)
            bad = [_prose(number, "poor")] if kind == "compared" else []
            for place, text in enumerate(good + bad):
                name = f"{kind}-{number}-{place}"
                answers.append(interaction(name, query=question, answer=text, category=kind))
                thumb = "thumbs_up" if place < len(good) else "thumbs_down"
                thumbs.append(about(name, f"f-{name}", thumb, user_id=f"u{number}"))
    return answers, thumbs


def land(product: Product, seed: int | None = None) -> None:
    """The log in two files of each format; shuffled over lines and files if a seed is given."""
    for lines, log_format in zip(log_lines(), ("interaction_log", "feedback_table"), strict=True):
        if seed is not None:
            Random(seed).shuffle(lines)
        names = ("a.jsonl", "b.jsonl") if seed is None else ("z.jsonl", "b.jsonl")
        for part, name in enumerate(names):
            product.log(*lines[part::2], log_format=log_format, name=name)
