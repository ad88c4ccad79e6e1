"""Image pairs and text sections to questions with a catalogue of images, a correct answer and its image, if any.

Deterministic, by hashes. Every question offers as many images as every other and the wording is the same for all, so
neither reveals whether an image is needed.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from pydantic import Field

from rl_assets.core import sql
from rl_assets.core.files import sha256_text
from rl_assets.datasets.builders import Built
from rl_assets.datasets.policies import Policy
from rl_assets.documentation.candidates import Candidate, Candidates
from rl_assets.documentation.distractors import Distractors
from rl_assets.documentation.prose import (
    ANSWER_CHARACTERS,
    catalogue_line,
    describe,
    page_key,
    row_key,
    shows_markup,
    topic_of,
)
from rl_assets.documentation.publish import kept_pairs, shown_pairs, text_sections
from rl_assets.lake.delta import Lake
from rl_assets.rewards.image_answers import answer_json
from rl_assets.rewards.images import listing, score_answer
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

    distractors: int = Field(
        5, ge=4, le=20, description="Wrong images offered alongside the right one; of few images, 4."
    )
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
    questions = make_questions(kept_pairs(lake), text_sections(lake), policy, shown_pairs(lake))
    connection = sql.connect(memory_limit)
    connection.register("questions", pa.Table.from_pylist(questions.rows, schema=QUESTIONS))
    sql.create_table(connection, "rows", STATEMENTS[name], segment=SEGMENT)
    # Outcomes of logged answers; none enters these datasets.
    connection.execute("CREATE TABLE outcomes (interaction_id VARCHAR, reason VARCHAR)")
    with_image = sum(row["needs_image"] for row in questions.rows)
    metrics = {"need_an_image": with_image, "need_none": len(questions.rows) - with_image}
    candidates = len(questions.rows) + sum(questions.dropped.values())
    return connection, Built(candidates, len(questions.rows), questions.dropped, metrics)


def make_questions(
    pairs: Sequence[Row], sections: Sequence[Row], policy: MultimodalPolicy, shown: Sequence[Row] | None = None
) -> Questions:
    """A question for every kept pair, and from text sections as many as make `policy.negatives` of all.

    `shown` are all images that pages show, kept or not; none is a wrong one where it is shown.
    """
    presentable = [pair for pair in pairs if not shows_markup(catalogue_line(pair))]
    images = Distractors(presentable, pairs if shown is None else shown)
    ordered = sorted(presentable, key=lambda pair: (-pair["confidence"], pair["pair_id"]))
    candidates = Candidates(ordered[: policy.max_rows], sections, images, policy.distractors)
    wanted = _negatives(len(candidates.pairs), policy)
    rows = [_question(candidate) for candidate in (*candidates.pairs, *candidates.sections[:wanted])]
    dropped = candidates.dropped + Counter(
        image_markup=len(pairs) - len(presentable),
        over_max_rows=len(ordered[policy.max_rows :]),
        enough_without_image=len(candidates.sections[wanted:]),
    )
    return Questions(sorted(rows, key=lambda row: row["row_id"]), dict(sorted(dropped.items())))


def _negatives(positives: int, policy: MultimodalPolicy) -> int:
    """How many questions without an image make their share, rounded up; in whole numbers, which are exact."""
    return -(-round(positives * policy.negatives * 1_000_000) // round((1 - policy.negatives) * 1_000_000))


def _question(candidate: Candidate) -> Row:
    row, text, right = candidate.row, candidate.text, candidate.right
    row_id = sha256_text(row_key(row, f"{len(right)}{row['position']}{text}"))
    topic = topic_of(row)
    question = QUESTION_TEMPLATES[int(row_id[:8], 16) % len(QUESTION_TEMPLATES)].format(topic=topic)
    catalogue = sorted(candidate.offered, key=lambda image: sha256_text(row_id + image["pair_id"]))
    offer = listing({image["path"]: describe(image) for image in catalogue})
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
            {"role": "user", "content": f"{question}\n\nDocumentation:\n{text}{offer}"},
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
