"""Image pairs and plain sections to questions with a catalogue, an answer and its images. Deterministic, by hashes.

Every question offers as many images as every other, so that their number says nothing; the wording neither.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from rl_assets.core.files import sha256_text
from rl_assets.documentation.confidence import WORD
from rl_assets.documentation.policy import MultimodalPolicy
from rl_assets.documentation.variants import variants
from rl_assets.rewards.image_answers import answer_json
from rl_assets.rewards.images import CATALOGUE

SEGMENT = "documentation"
CONTRACT = (
    "Answer questions about the documentation. Reply with one JSON object and nothing else: "
    '{"text": the answer, "images": paths from the list of images that help to understand it, '
    '"reasoning": why, naming each image}. Show no image where none helps.'
)
ASKING = (
    "How does this work: {topic}?",
    "What does the documentation say about {topic}?",
    "Can you explain {topic}?",
    "I need help with {topic}.",
    "Tell me about {topic}.",
)
# Documentation about markdown shows image markup as text; a prompt has none of it.
MARKUP = re.compile(r"!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])?|<img\b[^>]*>?|<image\b[^>]*>?", re.IGNORECASE)
LEAST_WORDS = 12
ANSWER_CHARACTERS = 800
DESCRIPTION_CHARACTERS = 120
Row = dict[str, Any]


@dataclass(frozen=True)
class Questions:
    """Rows, and why candidates were left out."""

    rows: list[Row]
    left_out: dict[str, int]


def questions(pairs: Sequence[Row], sections: Sequence[Row], policy: MultimodalPolicy) -> Questions:
    """A question for every kept pair, and of plain sections as many as make `policy.negatives` of all."""
    images = _by_source(pairs)
    left_out: Counter[str] = Counter()
    chosen = sorted(pairs, key=lambda pair: (-pair["confidence"], pair["pair_id"]))
    left_out["over_max_rows"] = len(chosen[policy.max_rows :])
    rows = []
    for pair in chosen[: policy.max_rows]:
        text = prose(pair["context"])
        offered = _distractors(images[pair["source"]], pair, policy.distractors)
        reason = _unfit(pair, text, offered, policy.distractors)
        if reason:
            left_out[reason] += 1
        else:
            rows.append(_question(pair, text, [*offered, pair], [pair]))
    rows += _negatives(sections, images, len(rows), policy, left_out)
    rows.sort(key=lambda row: row["row_id"])
    return Questions(rows, {reason: count for reason, count in sorted(left_out.items()) if count})


def _negatives(
    sections: Sequence[Row],
    images: dict[str, list[Row]],
    positives: int,
    policy: MultimodalPolicy,
    left_out: Counter[str],
) -> list[Row]:
    wanted = -(-round(positives * policy.negatives * 1_000_000) // round((1 - policy.negatives) * 1_000_000))
    rows: list[Row] = []
    for section in sorted(sections, key=lambda row: sha256_text(_key(row, row["text"]))):
        text = prose(section["text"])
        offered = _distractors(images.get(section["source"], []), section, policy.distractors + 1)
        reason = _unfit(section, text, offered, policy.distractors + 1)
        if reason is None and len(rows) < wanted:
            rows.append(_question(section, text, offered, []))
        else:
            left_out[reason or "enough_without_image"] += 1
    return rows


def _by_source(pairs: Sequence[Row]) -> dict[str, list[Row]]:
    images: dict[str, list[Row]] = defaultdict(list)
    for pair in pairs:
        images[pair["source"]].append(pair)
    return images


def _unfit(row: Row, text: str, offered: Sequence[Row], needed: int) -> str | None:
    if not row["headings"]:
        return "no_heading"
    if len(WORD.findall(text)) < LEAST_WORDS:
        return "little_text"
    return "few_distractors" if len(offered) < needed else None


def _distractors(images: Sequence[Row], row: Row, count: int) -> list[Row]:
    """Images of the same source from other pages, spread by hash: those of the page itself might be right too."""
    others = (image for image in images if image["page"] != row["page"])
    seed = _key(row, str(row["position"]))
    return sorted(others, key=lambda image: sha256_text(seed + image["pair_id"]))[:count]


def _key(row: Row, what: str) -> str:
    return "\x1f".join([row["source"], row["page"], what])


def page_key(row: Row) -> str:
    """What decides the split of all rows of a page."""
    return sha256_text(_key(row, "page"))


def topic_of(row: Row) -> str:
    """The two nearest headings."""
    return prose(" > ".join(row["headings"][-2:]))


def prose(text: str) -> str:
    """The text in one line, without image markup."""
    return " ".join(MARKUP.sub(" ", text).split())


def _question(row: Row, text: str, offered: Sequence[Row], right: Sequence[Row]) -> Row:
    row_id = sha256_text(_key(row, f"{len(right)}{row['position']}{text}"))
    topic = topic_of(row)
    asked = ASKING[int(row_id[:8], 16) % len(ASKING)].format(topic=topic)
    catalogue = sorted(offered, key=lambda image: sha256_text(row_id + image["pair_id"]))
    listed = "\n".join(f"- {image['path']}: {describe(image)}" for image in catalogue)
    answer = text[:ANSWER_CHARACTERS]
    gold = [image["path"] for image in right]
    reasoning = " ".join(f"{path} shows {topic}." for path in gold) or "No image of the list helps here."
    paths = [image["path"] for image in catalogue]
    best = answer_json(answer, gold, reasoning)
    return {
        "row_id": row_id,
        "prompt_key": page_key(row),
        "prompt": [
            {"role": "system", "content": CONTRACT},
            {"role": "user", "content": f"{asked}\n\nDocumentation:\n{text}{CATALOGUE}{listed}"},
        ],
        "answer": best,
        "responses": variants(row_id, answer, gold, paths, best),
        "gold_text": answer,
        "gold_images": gold,
        "catalogue": paths,
        "source": row["source"],
        "page": row["page"],
        "needs_image": bool(right),
    }


def describe(image: Row) -> str:
    """How a catalogue names an image: its alt or caption, else the words of its file name; and its type."""
    name = " ".join(WORD.findall(PurePosixPath(image["path"]).stem))
    said = prose(image["alt"] or image["caption"] or image["title"]) or name
    return f"{said[:DESCRIPTION_CHARACTERS]} ({image['image_type']})"
