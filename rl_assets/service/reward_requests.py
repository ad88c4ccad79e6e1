"""Rewards of answers from routers and products: checked as the gateway checks feedback, kept as acts."""

from typing import Any

from rl_assets.service.acts import Act
from rl_assets.service.answer_brands import AnswerBrands
from rl_assets.service.errors import ServiceError
from rl_assets.service.state import Service
from rl_assets.serving.feedback_lines import FeedbackError, ReadFeedback, read_feedback

FIELDS = ("interaction_id", "reward", "feedback_id", "user_id", "comment")


def keep_reward(service: Service, brands: AnswerBrands, body: Any, brand: str | None) -> tuple[int, dict[str, Any]]:
    """Status and reply: 201 for a new reward, 200 for one that was kept before. Raises ServiceError."""
    read = _read(body)
    brands.require(read.feedback.interaction_id, brand)
    recorded = [service.store.record_act(act) for act in _acts(service, read, brand)]
    if any(outcome.status == "conflict" for outcome in recorded):
        raise ServiceError(
            409, f"the feedback {read.feedback_id!r} was sent before with other content: use a new id", "feedback_id"
        )
    status = 201 if any(outcome.status == "new" for outcome in recorded) else 200
    return status, {
        "feedback_id": read.feedback_id,
        "interaction_id": read.feedback.interaction_id,
        "reward": read.feedback.score,
        "message": "kept; if no answer of this id has landed yet, the reward counts from when it does",
    }


def _read(body: Any) -> ReadFeedback:
    if not isinstance(body, dict):
        raise ServiceError(422, f"send one object with {', '.join(FIELDS)}")
    if unknown := sorted(set(body) - set(FIELDS)):
        raise ServiceError(422, f"{unknown[0]} is no field here: use {', '.join(FIELDS)}", unknown[0])
    if body.get("reward") is None:
        raise ServiceError(422, "reward is missing: send a number in [0, 1]", "reward")
    try:
        return read_feedback({"score" if name == "reward" else name: value for name, value in body.items()})
    except FeedbackError as error:
        field = "reward" if error.field == "score" else error.field
        raise ServiceError(422, str(error).replace("score", "reward"), field) from None


def _acts(service: Service, read: ReadFeedback, brand: str | None) -> list[Act]:
    """The reward, and the comment beside it under an id of its own."""
    feedback, now = read.feedback, service.clock()
    shared = {"interaction_id": feedback.interaction_id, "rater": feedback.user_id, "brand": brand, "created_at": now}
    acts = [Act(act_id=read.feedback_id, kind="reward", value=feedback.score, **shared)]
    if feedback.comment is not None:
        acts.append(Act(act_id=f"{read.feedback_id}-comment", kind="comment", comment=feedback.comment, **shared))
    return acts
