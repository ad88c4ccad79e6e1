"""A closed-book manual of 32 parts: the one task that the embedded base model can learn on a laptop.

The manual gives each part's colour, material, place, price and image. The base model is pretrained on chat about these
facts (pretraining_chat.py). The product (parts_traffic.py) must answer in JSON and show the image for questions about
looks only: the first is learned from any answers, the second only from answers of which some were preferred.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

SEGMENT = "parts-manual"
ATTRIBUTES = ("colour", "material", "place", "price")
VISUAL_ATTRIBUTES = frozenset({"colour", "material"})
NO_IMAGE = "none"

NAMES = (
    *("bracket", "valve", "flange", "gasket", "bearing", "spindle", "pulley", "washer", "coupling", "bushing"),
    *("sprocket", "piston", "rotor", "clamp", "hinge", "lever", "nozzle", "gear", "crank", "wheel", "shim"),
    *("spring", "rivet", "dowel", "latch", "filter", "pump", "collar", "bobbin", "gauge", "ferrule", "damper"),
)
COLOURS = ("red", "blue", "green", "black", "white", "yellow", "grey", "orange")
MATERIALS = ("steel", "brass", "copper", "rubber", "nylon", "oak", "glass", "bronze")
PLACES = tuple(f"{where} {number}" for where in ("shelf", "drawer", "rack", "bin") for number in (2, 4, 6, 8))

QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "colour": (
        "what colour is the {part}?",
        "which colour does the {part} have?",
        "how can I recognise the {part} by its colour?",
        "I painted a {part}, what colour is right?",
        "tell me the colour of the {part}",
        "the {part} comes in which colour?",
    ),
    "material": (
        "what is the {part} made of?",
        "which material is used for the {part}?",
        "tell me the material of the {part}",
        "I must weld a {part}, what material is that?",
        "is the {part} steel, rubber or something else?",
        "what went into making the {part}?",
    ),
    "place": (
        "where is the {part} kept?",
        "in which place do I find the {part}?",
        "tell me the place of the {part}",
        "sent to fetch a {part}, where do I go?",
        "the {part} is stored where?",
        "where should I put back this {part}?",
    ),
    "price": (
        "what does the {part} cost?",
        "how much is the {part}?",
        "tell me the price of the {part}",
        "a customer wants a {part}, what do we charge?",
        "what is the price for one {part}?",
        "the {part} sells for how much?",
    ),
}
OPENERS = ("{question}", "Hello parts desk, {question}", "Quick one: {question}", "Please help: {question}")


@dataclass(frozen=True)
class Part:
    """One entry of the manual; `facts` maps colour, material, place and price to their text."""

    name: str
    facts: Mapping[str, str]
    image: str


@dataclass(frozen=True)
class Question:
    """One distinct prompt of the product about one attribute of one part."""

    part: Part
    attribute: str
    text: str

    @property
    def value(self) -> str:
        return self.part.facts[self.attribute]

    @property
    def image(self) -> str:
        """The image that belongs to the right answer: the part's for looks, else "none"."""
        return self.part.image if self.attribute in VISUAL_ATTRIBUTES else NO_IMAGE


def manual(seed: int) -> list[Part]:
    """The 32 parts with facts drawn from `seed`; prices and images are unique to a part."""
    draw = Random(f"manual-{seed}")
    prices = draw.sample(range(11, 99), len(NAMES))
    images = draw.sample(range(11, 99), len(NAMES))
    return [
        Part(
            name=name,
            facts={
                "colour": draw.choice(COLOURS),
                "material": draw.choice(MATERIALS),
                "place": draw.choice(PLACES),
                "price": f"{price} euros",
            },
            image=f"part-{image}.png",
        )
        for name, price, image in zip(NAMES, prices, images, strict=True)
    ]


def questions(seed: int) -> list[Question]:
    """Every part, attribute, phrasing and opener once (3,072 distinct prompts), in the manual's order."""
    return [
        Question(part, attribute, _sentence(opener.format(question=phrasing.format(part=part.name))))
        for part in manual(seed)
        for attribute in ATTRIBUTES
        for phrasing in QUESTIONS[attribute]
        for opener in OPENERS
    ]


def answer_text(value: str, image: str) -> str:
    """The product's answer form: one JSON object in one line."""
    return json.dumps({"answer": value, "image": image})


def verified_reward(question: Question, answer: str) -> float:
    """1.0 all right, 0.8 right value but a needless or missing image, 0.0 a wrong value or invalid JSON."""
    try:
        fields = json.loads(answer)
    except json.JSONDecodeError:
        return 0.0
    if not isinstance(fields, dict) or fields.get("answer") != question.value:
        return 0.0
    return 1.0 if fields.get("image") == question.image else 0.8


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
