"""Plain chat about the parts manual: the text that the embedded base model is pretrained on.

Answers are sentences, never the product's form. Every token that an adapter has to write occurs here in an answer,
because a low-rank adapter cannot teach a frozen, tied embedding a token that it has never seen: hence the stock cards
in JSON.
"""

import json
from collections.abc import Iterator
from random import Random

from rl_assets.models.tiny.parts_manual import ATTRIBUTES, OPENERS, QUESTIONS, Part, manual

Message = dict[str, str]

TURNS = (1, 2, 2, 3)
SENTENCES = {
    "colour": ("The {part} is {value}.", "Its colour is {value}.", "{value}"),
    "material": ("The {part} is made of {value}.", "Its material is {value}.", "{value}"),
    "place": ("The {part} is kept in {value}.", "You find it in {value}.", "{value}"),
    "price": ("The {part} costs {value}.", "Its price is {value}.", "{value}"),
    "image": ("The picture of the {part} is {value}.", "See {value}.", "{value}"),
}
PICTURE_QUESTIONS = (
    "which picture shows the {part}?",
    "tell me the image of the {part}",
    "where can I see the {part}?",
    "is there a picture of the {part}?",
)
MISSING = (
    ("Is there a second picture of the {part}?", "none"),
    ("Any image missing for the {part}?", "none"),
    ("Which notes are on the {part}?", "none"),
)
CARD_QUESTIONS = (
    "Write the stock card of the {part}.",
    "Show the {part} as a record.",
    "Give me the card for the {part}.",
)


def pretraining_conversations(seed: int) -> Iterator[list[Message]]:
    """Endless conversations of one to three turns, each a list of {role, content} that ends with the assistant."""
    draw = Random(f"chat-{seed}")
    parts = manual(seed)
    while True:
        turns = [_turn(draw, draw.choice(parts)) for _ in range(draw.choice(TURNS))]
        yield [message for turn in turns for message in turn]


def _turn(draw: Random, part: Part) -> list[Message]:
    kind = draw.random()
    if kind < 0.15:
        return _card(draw, part)
    if kind < 0.18:
        question, answer = draw.choice(MISSING)
        return _messages(question.format(part=part.name), answer)
    return _fact(draw, part)


def _fact(draw: Random, part: Part) -> list[Message]:
    attribute = draw.choice((*ATTRIBUTES, "image", "image"))
    phrasing = draw.choice(PICTURE_QUESTIONS if attribute == "image" else QUESTIONS[attribute])
    question = draw.choice(OPENERS).format(question=phrasing.format(part=part.name))
    value = part.image if attribute == "image" else part.facts[attribute]
    answer = draw.choice(SENTENCES[attribute]).format(part=part.name, value=value)
    return _messages(question[0].upper() + question[1:], answer)


def _card(draw: Random, part: Part) -> list[Message]:
    """A JSON record of two fields of the part, its notes being "none" now and then: brackets, quotes and all."""
    fields = {"answer to": part.name, **part.facts, "image": part.image}
    chosen = draw.sample(sorted(fields), 2)
    record = {name: fields[name] for name in chosen} | ({"notes": "none"} if draw.random() < 0.3 else {})
    return _messages(draw.choice(CARD_QUESTIONS).format(part=part.name), json.dumps(record))


def _messages(question: str, answer: str) -> list[Message]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
