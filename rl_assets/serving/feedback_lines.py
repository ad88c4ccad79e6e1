"""Feedback on one answer as JSON, and the log lines that it becomes.

{interaction_id, thumbs (up, down, or none, which takes a thumb back) | rating (1 to 5) | score (in [0, 1]) | comment |
correction | preferred + rejected, user_id?, feedback_id?, dimension?}. A comment may stand beside each of them, and a
correction beside thumbs or a rating. A score becomes a line of `reward_log`, anything else one of `feedback_table`.

The gateway and the feedback service share this validation, so that what one accepts the other does, and ingestion
rejects none of it.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import uuid4

from pydantic import AfterValidator, Field, ValidationError, model_validator

from rl_assets.core.blank import is_blank, stripped
from rl_assets.core.validation import Record, problems
from rl_assets.ingest.parsers import is_missing

MAX_ID, MAX_TEXT = 200, 100_000
VERDICTS = ("thumbs", "rating", "score", "preferred")
KINDS = (*VERDICTS, "correction", "comment")
FEEDBACK_FORMAT, REWARD_FORMAT = "feedback_table", "reward_log"
THUMBS = {"up": "thumbs_up", "down": "thumbs_down", "none": "retraction"}


class FeedbackError(ValueError):
    """Feedback that cannot be kept: a sentence, and the field that it is about."""

    def __init__(self, sentence: str, field: str) -> None:
        super().__init__(sentence)
        self.field = field


class Line(NamedTuple):
    """One line of a log format."""

    log_format: str
    fields: dict[str, Any]


def _encodable(text: str) -> str:
    if "\0" in text:
        raise ValueError("it holds a NUL character, which no text has")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("it holds a lone surrogate (half of a character), which UTF-8 cannot encode") from None
    return text


def _filled(text: str) -> str:
    if is_blank(text):
        raise ValueError("it shows nothing: leave the field out, or fill it")
    return text


def _identifying(text: str) -> str:
    if is_missing(text):
        raise ValueError(f"{text!r} names nothing: it is how tables write a missing value")
    return text


def _said(text: str | None) -> str | None:
    return None if is_missing(text) else text


Text = Annotated[str, Field(strict=True, max_length=MAX_TEXT), AfterValidator(_encodable), AfterValidator(_filled)]
Name = Annotated[str, Field(strict=True, max_length=MAX_ID), AfterValidator(_encodable), AfterValidator(_identifying)]


# `None` typed as a comment says as much as none.
Comment = Annotated[Text | None, AfterValidator(_said)]


class Feedback(Record):
    """What one rater says of one answer. `user_id` is the raw id, which ingestion hashes."""

    interaction_id: Name
    thumbs: Literal["up", "down", "none"] | None = None
    rating: Annotated[int, Field(strict=True, ge=1, le=5)] | None = None
    score: Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)] | None = None
    comment: Comment = None
    correction: Text | None = None
    preferred: Text | None = None
    rejected: Text | None = None
    user_id: Name | None = None
    feedback_id: Name | None = None
    dimension: Name | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Feedback":
        given = [name for name in KINDS if getattr(self, name) is not None]
        verdicts = [name for name in VERDICTS if name in given]
        if (self.preferred is None) != (self.rejected is None):
            raise ValueError("`preferred` and `rejected` belong together: send both texts")
        if not given:
            raise ValueError(f"it says nothing of the answer: send one of {', '.join(KINDS)}")
        if len(verdicts) > 1:
            raise ValueError(f"{' and '.join(verdicts)} are several verdicts: send each as feedback of its own")
        if "correction" in given and verdicts not in ([], ["thumbs"], ["rating"]):
            raise ValueError(f"a correction beside {verdicts[0]} is two events: send each as feedback of its own")
        if self.preferred is not None and stripped(self.preferred) == stripped(self.rejected or ""):
            raise ValueError("`preferred` and `rejected` are the same text, so neither is better")
        return self


@dataclass(frozen=True)
class ReadFeedback:
    """Valid feedback; `feedback_id` is the caller's, or a new one."""

    feedback: Feedback
    feedback_id: str

    def lines(self, given_at: datetime) -> list[Line]:
        """The log lines of the feedback: one, or two for a score with a comment."""
        feedback = self.feedback
        if feedback.score is None:
            return [self._event(given_at, _kind(feedback), self.feedback_id)]
        reward = {
            "type": "feedback",
            "interaction_id": feedback.interaction_id,
            "reward": feedback.score,
            "timestamp": given_at.isoformat(),
            "dimension": feedback.dimension,
            "user_id": feedback.user_id,
        }
        lines = [Line(REWARD_FORMAT, _given(reward))]
        if feedback.comment is not None:
            lines.append(self._event(given_at, "comment", f"{self.feedback_id}-comment"))
        return lines

    def _event(self, given_at: datetime, kind: str, feedback_id: str) -> Line:
        feedback = self.feedback
        better = feedback.preferred if feedback.preferred is not None else feedback.correction
        event = {
            "id": feedback_id,
            "interaction_id": feedback.interaction_id,
            "feedback_type": kind,
            "created_at": given_at.isoformat(),
            "rating": feedback.rating,
            "comment": feedback.comment,
            "preferred_output": better,
            "rejected_output": feedback.rejected,
            "user_id": feedback.user_id,
            "dimension": feedback.dimension,
        }
        return Line(FEEDBACK_FORMAT, _given(event))


def _kind(feedback: Feedback) -> str:
    """The `feedback_type` of everything but a score."""
    if feedback.thumbs is not None:
        return THUMBS[feedback.thumbs]
    if feedback.rating is not None:
        return "rating"
    if feedback.preferred is not None:
        return "preference"
    return "correction" if feedback.correction is not None else "comment"


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def read_feedback(body: bytes | dict[str, Any]) -> ReadFeedback:
    """Feedback from JSON. Raises FeedbackError with the first field at fault."""
    value = _parsed(body) if isinstance(body, bytes) else body
    try:
        feedback = Feedback.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][:1]) or _field_of(value)
        raise FeedbackError(problems(error, "the feedback", Feedback), field) from None
    return ReadFeedback(feedback, feedback.feedback_id or uuid4().hex)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FeedbackError(f"the body is no JSON in UTF-8: {error}", "body") from None


def _field_of(value: Any) -> str:
    """The field that a problem of the whole feedback is about: the first verdict given, or the body."""
    given = value if isinstance(value, dict) else {}
    return next((name for name in (*KINDS, "rejected") if given.get(name) is not None), "body")
