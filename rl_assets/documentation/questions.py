"""Image pairs and text sections to questions with a catalogue of images, a correct answer and its image, if any.

Deterministic, by hashes. Every question offers as many images as every other and the wording is the same for all, so
neither reveals whether an image is needed.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import duckdb
import pyarrow as pa
from pydantic import Field

from rl_assets.core import sql
from rl_assets.core.files import sha256_text
from rl_assets.datasets.builders import Built
from rl_assets.datasets.policies import Policy
from rl_assets.documentation.confidence import WORD
from rl_assets.documentation.prose import ANSWER_CHARACTERS, page_key, prose, reason_without_prose, row_key, topic_of
from rl_assets.documentation.publish import kept_pairs, text_sections
from rl_assets.lake.delta import Lake
from rl_assets.rewards.image_answers import answer_json
from rl_assets.rewards.images import CATALOGUE, score_answer
from rl_assets.tables.records import MESSAGES

SEGMENT = "documentation"
CONTRACT = (
    "Answer questions about the documentation. Reply with one JSON object and nothing else: "
    '{"text": the answer, "images": paths from the list of images that help to understand it, '
    '"reasoning": why, naming each image}. Show no image where none helps.'
)
QUESTION_TEMPLATES = (
    "How does this work: {topic}?",
    "What does the documentation say about {topic}?",
    "Can you explain {topic}?",
    "I need help with {topic}.",
    "Tell me about {topic}.",
)
INVENTED_PATH = "images/does-not-exist.png"
DESCRIPTION_CHARACTERS = 120
SCORED_ANSWER = pa.struct([("text", pa.string()), ("reward", pa.float64()), ("interaction_id", pa.string())])
QUESTIONS = pa.schema(
    [
        ("row_id", pa.string()),
        ("prompt_key", pa.string()),
        ("prompt", MESSAGES),
        ("answer", pa.string()),
        ("responses", pa.list_(SCORED_ANSWER)),
        ("gold_text", pa.string()),
        ("gold_images", pa.list_(pa.string())),
        ("catalogue", pa.list_(pa.string())),
        ("source", pa.string()),
        ("page", pa.string()),
        ("needs_image", pa.bool_()),
    ]
)
STATEMENTS = {"multimodal_sft_dataset": "documentation/sft_rows", "multimodal_grpo_dataset": "documentation/grpo_rows"}
Row = dict[str, Any]


class MultimodalPolicy(Policy):
    """Questions about documentation, each with a catalogue of images to choose from."""

    distractors: int = Field(5, ge=4, le=20, description="Images of other pages offered alongside the right one.")
    negatives: float = Field(0.3, ge=0.2, le=0.8, description="Share of questions that need no image.")
    max_rows: int = Field(
        100_000, ge=1, description="Maximum number of questions that need an image, most confident pairs first."
    )


@dataclass(frozen=True)
class Questions:
    """Rows, and how many candidates were dropped by reason."""

    rows: list[Row]
    dropped: dict[str, int]


def build_multimodal(
    lake: Lake, name: str, policy: MultimodalPolicy, memory_limit: str
) -> tuple[duckdb.DuckDBPyConnection, Built]:
    """A connection with the tables `rows` and `outcomes` of the dataset `name`, and the counts of both."""
    questions = make_questions(kept_pairs(lake), text_sections(lake), policy)
    connection = sql.connect(memory_limit)
    connection.register("questions", pa.Table.from_pylist(questions.rows, schema=QUESTIONS))
    sql.create_table(connection, "rows", STATEMENTS[name], segment=SEGMENT)
    # Outcomes of logged answers; none enters these datasets.
    connection.execute("CREATE TABLE outcomes (interaction_id VARCHAR, reason VARCHAR)")
    with_image = sum(row["needs_image"] for row in questions.rows)
    metrics = {"need_an_image": with_image, "need_none": len(questions.rows) - with_image}
    candidates = len(questions.rows) + sum(questions.dropped.values())
    return connection, Built(candidates, len(questions.rows), questions.dropped, metrics)


def make_questions(pairs: Sequence[Row], sections: Sequence[Row], policy: MultimodalPolicy) -> Questions:
    """A question for every kept pair, and from text sections as many as make `policy.negatives` of all."""
    images = _by_source(pairs)
    dropped: Counter[str] = Counter()
    ordered = sorted(pairs, key=lambda pair: (-pair["confidence"], pair["pair_id"]))
    dropped["over_max_rows"] = len(ordered[policy.max_rows :])
    rows = []
    for pair in ordered[: policy.max_rows]:
        text = prose(pair["context"])
        distractors = _distractors(images[pair["source"]], pair, policy.distractors)
        reason = _reason_to_drop(pair, text, distractors, policy.distractors)
        if reason:
            dropped[reason] += 1
        else:
            rows.append(_question(pair, text, [*distractors, pair], [pair]))
    rows += _negatives(sections, images, len(rows), policy, dropped)
    rows.sort(key=lambda row: row["row_id"])
    return Questions(rows, {reason: count for reason, count in sorted(dropped.items()) if count})


def _negatives(
    sections: Sequence[Row],
    images: dict[str, list[Row]],
    positives: int,
    policy: MultimodalPolicy,
    dropped: Counter[str],
) -> list[Row]:
    wanted = -(-round(positives * policy.negatives * 1_000_000) // round((1 - policy.negatives) * 1_000_000))
    rows: list[Row] = []
    for section in sorted(sections, key=lambda row: sha256_text(row_key(row, row["text"]))):
        text = prose(section["text"])
        distractors = _distractors(images.get(section["source"], []), section, policy.distractors + 1)
        reason = _reason_to_drop(section, text, distractors, policy.distractors + 1)
        if reason is None and len(rows) < wanted:
            rows.append(_question(section, text, distractors, []))
        else:
            dropped[reason or "enough_without_image"] += 1
    return rows


def _by_source(pairs: Sequence[Row]) -> dict[str, list[Row]]:
    images: dict[str, list[Row]] = defaultdict(list)
    for pair in pairs:
        images[pair["source"]].append(pair)
    return images


def _reason_to_drop(row: Row, text: str, distractors: Sequence[Row], needed: int) -> str | None:
    return reason_without_prose(row, text) or ("too_few_distractors" if len(distractors) < needed else None)


def _distractors(images: Sequence[Row], row: Row, count: int) -> list[Row]:
    """Images of the same source from other pages, ordered by hash: those of the same page might be right too."""
    others = (image for image in images if image["page"] != row["page"])
    seed = row_key(row, str(row["position"]))
    return sorted(others, key=lambda image: sha256_text(seed + image["pair_id"]))[:count]


def _question(row: Row, text: str, offered: Sequence[Row], right: Sequence[Row]) -> Row:
    row_id = sha256_text(row_key(row, f"{len(right)}{row['position']}{text}"))
    topic = topic_of(row)
    question = QUESTION_TEMPLATES[int(row_id[:8], 16) % len(QUESTION_TEMPLATES)].format(topic=topic)
    catalogue = sorted(offered, key=lambda image: sha256_text(row_id + image["pair_id"]))
    listing = "\n".join(f"- {image['path']}: {describe(image)}" for image in catalogue)
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
            {"role": "user", "content": f"{question}\n\nDocumentation:\n{text}{CATALOGUE}{listing}"},
        ],
        "answer": best,
        "responses": scored_answers(row_id, answer, gold, paths, best),
        "gold_text": answer,
        "gold_images": gold,
        "catalogue": paths,
        "source": row["source"],
        "page": row["page"],
        "needs_image": bool(right),
    }


def describe(image: Row) -> str:
    """The description of an image in a catalogue: its alt or caption, else the words of its file name; and its type."""
    name = " ".join(WORD.findall(PurePosixPath(image["path"]).stem))
    description = prose(image["alt"] or image["caption"] or image["title"]) or name
    return f"{description[:DESCRIPTION_CHARACTERS]} ({image['image_type']})"


def scored_answers(row_id: str, text: str, right: Sequence[str], catalogue: Sequence[str], best: str) -> list[Row]:
    """Five answers with their rewards, the best first: a group for GRPO.

    The right one, one without its image (or with a needless one), one with a wrong image besides, one with an invented
    image, and plain prose.
    """
    wrong = next(path for path in catalogue if path not in right)
    images_by_kind = {
        "without_image" if right else "needless_image": [] if right else [wrong],
        "wrong_image": [*right, wrong] if right else [*catalogue[:3]],
        "invented_image": [*right, INVENTED_PATH],
    }
    answers = {"right": best} | {
        kind: answer_json(text, images, " ".join(f"{path} helps." for path in images))
        for kind, images in images_by_kind.items()
    }
    answers["prose"] = text
    scored = [
        {
            "text": answer,
            "reward": score_answer(answer, right, catalogue, text).reward,
            "interaction_id": f"{row_id}:{kind}",
        }
        for kind, answer in answers.items()
    ]
    return sorted(scored, key=lambda answer: (-answer["reward"], answer["interaction_id"]))
