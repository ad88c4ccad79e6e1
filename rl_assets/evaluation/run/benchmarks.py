"""Benchmarks of the user's own: `<home>/eval/*.jsonl`, which every model answers in addition to the held-out split.

A line is an object: `prompt` (text) or `messages` (chat, ending with the user); `reference` or `references`; and
optionally `verifier` (exact, numeric, json_schema) with its `schema`, `category`, and `cluster`, which lines of one
conversation or passage share.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from rl_assets.core.files import sha256_file
from rl_assets.core.validation import problems
from rl_assets.evaluation.run.inputs import Benchmark, Item, conversation_key
from rl_assets.metrics.structured import check_schema
from rl_assets.metrics.verifiers import Verifier, inferred

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Turn(BaseModel):
    """One message."""

    model_config = ConfigDict(extra="forbid")

    role: str = Field(pattern="^(system|user|assistant)$")
    content: Text


class Line(BaseModel):
    """One line of a benchmark."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    prompt: Text | None = None
    messages: list[Turn] | None = None
    reference: Text | None = None
    references: list[Text] = []
    verifier: Verifier | None = None
    answer_schema: dict[str, Any] | None = Field(None, alias="schema")
    category: str | None = None
    cluster: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError('either "prompt" or "messages" is needed')
        if self.messages is not None and (not self.messages or self.messages[-1].role != "user"):
            raise ValueError('"messages" must end with the user')
        if (self.verifier == "json_schema") != (self.answer_schema is not None):
            raise ValueError('"schema" and the verifier "json_schema" go together')
        if self.answer_schema is not None:
            check_schema(self.answer_schema)
        elif self.reference is None and not self.references:
            raise ValueError('"reference" or "references" is needed')
        return self


def read_benchmarks(folder: Path) -> list[Benchmark]:
    """The benchmarks in a folder, by name; none without the folder.

    Raises ValueError naming file and line for an invalid line: to drop it would silently change the metrics.
    """
    return [Benchmark(path.stem, sha256_file(path), list(_items(path))) for path in sorted(folder.glob("*.jsonl"))]


def _items(path: Path) -> Iterator[Item]:
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            if text.strip():
                yield _item(path.stem, _line(path, number, text))


def _line(path: Path, number: int, text: str) -> Line:
    try:
        return Line.model_validate(json.loads(text))
    except ValidationError as error:
        raise ValueError(f"{path}, line {number}: {problems(error, 'the line')}; correct it or remove it") from error
    except ValueError as error:
        raise ValueError(f"{path}, line {number} is not JSON: {error}; correct it or remove it") from error


def _item(name: str, line: Line) -> Item:
    turns = line.messages or [Turn(role="user", content=line.prompt or "")]
    prompt = tuple({"role": turn.role, "content": turn.content} for turn in turns)
    references = tuple(sorted({*line.references, *([line.reference] if line.reference else [])}))
    verifier = line.verifier or inferred(references)
    cluster = line.cluster or conversation_key(prompt)
    return Item(prompt, references, cluster, name, line.category, verifier=verifier, schema=line.answer_schema)
