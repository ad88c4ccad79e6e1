"""Heads of dimensions as a file and as a reward: `DimensionRewards.scores` turns conversations into values in [0, 1].

A folder is named by the hash of what its heads were made from, and holds `model.json`; days point at folders as they do
at adapters. No pickle, no time of day: equal inputs give equal bytes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from rl_assets.core.files import write_atomically, write_json
from rl_assets.core.validation import Record, problems
from rl_assets.rewards.answer_features import Embed, Refuses, feature_names, feature_table
from rl_assets.rewards.calibration import Calibration, Method, rounded
from rl_assets.rewards.dimension_fit import FittedDimension, FittedHead
from rl_assets.rewards.dimension_report import DimensionReport

MODEL = "model.json"
Conversation = list[dict[str, str]]


class StoredHead(Record):
    """One dimension: coefficients and means by feature, knots of its calibration, and what is known of it.

    `offered` says whether recipes may use it; a `forced` one they may although it does not beat the length rule.
    """

    source: str
    offered: bool
    forced: bool
    coefficients: dict[str, float]
    means: dict[str, float]
    length_slope: float
    calibration: Method
    knots: tuple[tuple[float, float], ...]
    report: DimensionReport

    @property
    def may_be_used(self) -> bool:
        """Whether recipes may name it."""
        return self.offered or self.forced


class StoredDimensions(Record):
    """All heads of a day's ratings; `skipped` says of each other dimension why it has none."""

    version: str
    backend: str
    cosine: bool
    heads: dict[str, StoredHead]
    skipped: dict[str, str]


def store_head(fitted: FittedDimension, names: Sequence[str], force: bool) -> StoredHead:
    """The head as it is written, numbers to ten digits."""
    head = fitted.head
    beats = fitted.report.beats_length
    return StoredHead(
        source=fitted.data.source,
        offered=beats,
        forced=force and not beats,
        coefficients=_by_name(names, head.coefficients.tolist()),
        means=_by_name(names, head.means.tolist()),
        length_slope=rounded(head.length_slope),
        calibration=fitted.calibration.method,
        knots=fitted.calibration.knots,
        report=fitted.report,
    )


def _by_name(names: Sequence[str], values: list[float]) -> dict[str, float]:
    return {name: rounded(value) for name, value in zip(names, values, strict=True)}


@dataclass(frozen=True)
class DimensionRewards:
    """Stored heads, ready to score; `embed` is needed if they weigh the cosine of prompt and answer."""

    stored: StoredDimensions
    refuses: Refuses
    embed: Embed | None = None

    @property
    def version(self) -> str:
        """The hash of what the heads were made from."""
        return self.stored.version

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the dimensions that have a head."""
        return tuple(sorted(self.stored.heads))

    def scores(
        self, conversations: Sequence[Conversation], contexts: Sequence[str | None] | None = None
    ) -> dict[str, list[float]]:
        """For each dimension a value in [0, 1] per conversation, whose last message is the answer.

        `contexts` are what retrieval gave; features of an unknown context take their training mean. Raises ValueError
        if a conversation has no answer, or a value is not finite.
        """
        prompts, answers = zip(*map(prompt_and_answer, conversations), strict=True) if conversations else ((), ())
        known = [None] * len(answers) if contexts is None else contexts
        if self.stored.cosine and self.embed is None:
            raise ValueError("these heads weigh the cosine of prompt and answer: give them an embedding")
        embed = self.embed if self.stored.cosine else None
        table = feature_table(prompts, answers, known, self.refuses, embed)
        return {name: self._values(name, table) for name in self.dimensions}

    def _values(self, dimension: str, table: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> list[float]:
        stored, names = self.stored.heads[dimension], feature_names(self.stored.cosine)
        columns = [[row[name] for name in names] for row in (stored.coefficients, stored.means)]
        head = FittedHead(np.array(columns[0]), stored.length_slope, np.array(columns[1]))
        values = Calibration(stored.calibration, stored.knots).values(head.scores(table))
        if not np.isfinite(values).all():
            raise ValueError(f"the head of {dimension} gave a value that is not finite: materialize dimension_rewards")
        return [float(value) for value in values]


def prompt_and_answer(conversation: Conversation) -> tuple[str, str]:
    """The last question of a conversation, and its last message; ValueError if that is not an assistant's."""
    if not conversation or conversation[-1]["role"] != "assistant":
        raise ValueError("a conversation to score ends with the assistant's answer")
    questions = [message["content"] for message in conversation[:-1] if message["role"] == "user"]
    return questions[-1] if questions else "", conversation[-1]["content"]


def write_dimensions(stored: StoredDimensions, folder: Path) -> None:
    """Write the heads into their folder; the same ones give the same bytes."""
    content = json.dumps(stored.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_atomically(folder / MODEL, content + "\n")


def read_dimensions(folder: Path) -> StoredDimensions:
    """The heads in a folder. FileNotFoundError if there are none, ValueError if another version wrote them."""
    path = folder / MODEL
    if not path.is_file():
        raise FileNotFoundError(f"There are no heads at {path}: materialize dimension_rewards first.")
    try:
        return StoredDimensions.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(
            f"{path} is of another version: {problems(error)}; materialize dimension_rewards again."
        ) from error


def point_day(folder: Path, day: str, version: str) -> None:
    """Record which heads the day uses: `<folder>/days/<day>.json`."""
    write_json(folder / "days" / f"{day}.json", {"inputs_hash": version})


def newest_dimensions(folder: Path, day: str) -> Path | None:
    """The folder of the heads that `day`, or the latest day before it, uses; None if there are none."""
    days = sorted(path for path in (folder / "days").glob("*.json") if path.stem <= day)
    return folder / json.loads(days[-1].read_text(encoding="utf-8"))["inputs_hash"] if days else None
