"""What a person does in the feedback service: one value, checked, and the line of a log that it lands as.

The id of an act is made with its form, so that a double click, a reload or a lost reply is one act.
"""

import json
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, Field, field_validator, model_validator

from rl_assets.core.blank import is_blank
from rl_assets.core.files import sha256_json
from rl_assets.core.validation import Record

FEEDBACK_TABLE, REWARD_LOG, INTERACTION_LOG = "feedback_table", "reward_log", "interaction_log"
ID_CHARACTERS, TEXT_CHARACTERS = 512, 200_000
Kind = Literal["thumbs", "rating", "comment", "correction", "preference", "tie", "retraction", "reward", "skip"]
STARS = (1, 2, 3, 4, 5)
REVIEW_PAIR = "review:"
# These say when it was done, not what: a form that is sent twice holds the same answer at two times.
NOT_CONTENT = ("created_at", "seconds")


class Act(Record):
    """One act of one rater on one answer, or on two.

    `value` is 0 or 1 for thumbs, 1 to 5 stars for a rating, a number in [0, 1] for a reward. `preferred` is the better
    text of a preference or the corrected answer, `rejected` the worse text. A tie names both answers and no text; on a
    pair of the review queue, which names its answers by their texts, it holds both of them as they were shown.
    `brand` is the segment. `retracts` is the id of the act that a retraction takes back. `seconds` is how long the form
    was open. `prompt` and `model_output` are needed only for an answer that no log holds.
    """

    act_id: str = Field(min_length=1, max_length=ID_CHARACTERS)
    kind: Kind
    interaction_id: str = Field(min_length=1, max_length=ID_CHARACTERS)
    rater: str | None = Field(None, min_length=1, max_length=ID_CHARACTERS)
    other_interaction_id: str | None = Field(None, min_length=1, max_length=ID_CHARACTERS)
    value: float | None = Field(None, allow_inf_nan=False)
    dimension: str | None = Field(None, min_length=1, max_length=ID_CHARACTERS)
    preferred: str | None = Field(None, max_length=TEXT_CHARACTERS)
    rejected: str | None = Field(None, max_length=TEXT_CHARACTERS)
    comment: str | None = Field(None, max_length=TEXT_CHARACTERS)
    prompt: str | None = Field(None, max_length=TEXT_CHARACTERS)
    model_output: str | None = Field(None, max_length=TEXT_CHARACTERS)
    brand: str | None = Field(None, min_length=1, max_length=ID_CHARACTERS)
    task: str | None = Field(None, min_length=1, max_length=ID_CHARACTERS)
    shown_first: str | None = Field(None, min_length=1, max_length=ID_CHARACTERS)
    seconds: float | None = Field(None, ge=0, allow_inf_nan=False)
    retracts: str | None = Field(None, min_length=1, max_length=ID_CHARACTERS)
    created_at: AwareDatetime

    @field_validator("value", mode="before")
    @classmethod
    def _is_number(cls, value: Any) -> Any:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ValueError("use a number")
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _is_storable(cls, value: Any) -> Any:
        if isinstance(value, str) and (problem := unstorable(value)):
            raise ValueError(problem)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Act":
        if problem := _problem(self):
            raise ValueError(problem)
        return self

    @property
    def item(self) -> str:
        """What a rater is given to judge: an answer, or a pair of them in either order."""
        return item_of(self.interaction_id, self.other_interaction_id)

    @property
    def content_sha256(self) -> str:
        """Of what was said, whenever it was said."""
        return sha256_json(self.model_dump(mode="json", exclude=set(NOT_CONTENT)))

    @property
    def format(self) -> str | None:
        """The log format that it lands in; None for a skip, which is no feedback."""
        return None if self.kind == "skip" else REWARD_LOG if self.kind == "reward" else FEEDBACK_TABLE


def item_of(interaction_id: str, other_interaction_id: str | None = None) -> str:
    """The name of an item: the id of its answer, or the two ids of a pair, in order."""
    if other_interaction_id is None:
        return interaction_id
    return json.dumps(sorted((interaction_id, other_interaction_id)), ensure_ascii=False)


def unstorable(text: str) -> str | None:
    """Why a text cannot be kept: PostgreSQL has no NUL, and a lone surrogate is no UTF-8. None if it can."""
    if "\x00" in text:
        return "leave out the character NUL"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "leave out the lone surrogate, half of a character"
    return None


def _problem(act: Act) -> str | None:
    """What an act of its kind lacks."""
    problems: dict[str, list[tuple[bool, str]]] = {
        "thumbs": [(act.value not in (0, 1), "value of thumbs is 0 or 1")],
        "rating": [(act.value not in STARS, "value of a rating is a whole number of stars, 1 to 5")],
        "reward": [(act.value is None or not 0 <= act.value <= 1, "value of a reward is a number in [0, 1]")],
        "comment": [(is_blank(act.comment), "comment is empty")],
        "correction": [(is_blank(act.preferred), "preferred, the corrected answer, is empty")],
        "preference": [
            (is_blank(act.preferred), "preferred, the better text, is empty"),
            (act.rejected is None, "rejected, the worse text, is missing"),
            _other_problem(act),
        ],
        "tie": [_other_problem(act)],
        "retraction": [(act.retracts is None, "retracts names the act that is taken back")],
    }
    return next((sentence for is_wrong, sentence in problems.get(act.kind, []) if is_wrong), None)


def _other_problem(act: Act) -> tuple[bool, str]:
    if act.interaction_id.startswith(REVIEW_PAIR):
        return (
            act.other_interaction_id is not None,
            "other_interaction_id: a pair of the review queue is named by one id",
        )
    missing = act.other_interaction_id in (None, act.interaction_id)
    return missing, "other_interaction_id names the second of two answers"


def line_of(act: Act) -> str:
    """The line that lands, without a line break; the same act gives the same bytes."""
    fields = _reward_line(act) if act.kind == "reward" else _feedback_line(act)
    return json.dumps({name: value for name, value in fields.items() if value is not None}, ensure_ascii=False)


def _feedback_line(act: Act) -> dict[str, Any]:
    kind = act.kind if act.kind != "thumbs" else "thumbs_up" if act.value else "thumbs_down"
    if act.kind == "tie" and act.interaction_id.startswith(REVIEW_PAIR):
        return _review_tie(act)
    return {
        "id": act.act_id,
        "feedback_type": kind,
        "interaction_id": act.interaction_id,
        "other_interaction_id": act.other_interaction_id,
        "rating": act.value if act.kind == "rating" else None,
        "dimension": act.dimension,
        "preferred_output": act.preferred,
        "rejected_output": act.rejected,
        "comment": act.comment,
        "prompt": act.prompt,
        "model_output": act.model_output,
        "brand_id": act.brand,
        "task_type": act.task,
        "user_id": act.rater,
        "shown_first": act.shown_first,
        "seconds": act.seconds,
        "retracts": act.retracts,
        "created_at": time_text(act.created_at),
    }


def _review_tie(act: Act) -> dict[str, Any]:
    """A pair of the review queue is labelled by a preference; a tie is one of its verdicts."""
    return {
        "id": act.act_id,
        "feedback_type": "preference",
        "interaction_id": act.interaction_id,
        "verdict": "tie",
        "first_output": act.preferred,
        "second_output": act.rejected,
        "comment": act.comment,
        "user_id": act.rater,
        "seconds": act.seconds,
        "created_at": time_text(act.created_at),
    }


def _reward_line(act: Act) -> dict[str, Any]:
    return {
        "type": "feedback",
        "interaction_id": act.interaction_id,
        "reward": act.value,
        "dimension": act.dimension,
        "user_id": act.rater,
        "timestamp": time_text(act.created_at),
    }


def time_text(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds: such texts sort as their times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
