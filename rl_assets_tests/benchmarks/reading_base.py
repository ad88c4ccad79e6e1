"""A base model like the embedded one that has read prompts with lists of images, where that has read plain questions.

It answers in prose, never in the contract's form, and has seen no held-out page.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq

from rl_assets.core.files import replaced_folder, sha256_file, sha256_json, write_json
from rl_assets.documentation.questions import QUESTION_TEMPLATES
from rl_assets.models.tiny.pretraining import Message, TinySpec, build_tiny_model
from rl_assets.rewards.image_answers import parse_answer

SPEC = TinySpec(vocabulary=1024, positions=512, steps=500)


def reading_base(dataset: Path, folder: Path) -> Path:
    """The base in `folder`, built from the training split of the questions in `dataset` where it is not there yet."""
    inputs = sha256_json([asdict(SPEC), sha256_file(dataset / "train.parquet")])
    manifest = folder / "manifest.json"
    if not manifest.is_file() or json.loads(manifest.read_text(encoding="utf-8"))["inputs"] != inputs:
        rows = pq.read_table(dataset / "train.parquet", columns=["messages", "gold_images", "catalogue"]).to_pylist()
        with replaced_folder(folder) as staging:
            measured = build_tiny_model(SPEC, staging, print, list(conversations(rows, SPEC.steps * SPEC.batch)))
            write_json(staging / "manifest.json", measured | {"inputs": inputs})
    return folder


def conversations(rows: list[dict[str, Any]], count: int) -> Iterator[list[Message]]:
    """Questions of the training pages in other words and with other wrong images, answered in prose."""
    draw = Random("reading")
    described = dict(line for row in rows for line in _listed(row["messages"][1]["content"]))
    for _ in range(count):
        row = draw.choice(rows)
        system, user, answer = row["messages"]
        asked, documentation, _ = user["content"].split("\n\n")
        wrong = draw.sample(
            sorted(set(described) - set(row["gold_images"])), len(row["catalogue"]) - len(row["gold_images"])
        )
        offered = draw.sample([*row["gold_images"], *wrong], len(row["catalogue"]))
        listed = "\n".join(f"- {path}: {described[path]}" for path in offered)
        said = parse_answer(answer["content"])
        yield [
            system,
            {"role": "user", "content": f"{_other_words(asked, draw)}\n\n{documentation}\n\nImages:\n{listed}"},
            {"role": "assistant", "content": f"{said.text} {said.reasoning}"},
        ]


def _listed(prompt: str) -> list[tuple[str, str]]:
    """(path, description) of the images that a prompt offers."""
    lines = prompt.split("Images:\n")[1].split("\n")
    return [tuple(line.removeprefix("- ").split(": ", 1)) for line in lines]  # type: ignore[misc]


def _other_words(asked: str, draw: Random) -> str:
    for phrase in QUESTION_TEMPLATES:
        before, after = phrase.split("{topic}")
        if asked.startswith(before) and asked.endswith(after):
            return draw.choice(QUESTION_TEMPLATES).format(topic=asked[len(before) : len(asked) - len(after)])
    raise ValueError(f"no known way of asking: {asked!r}")
