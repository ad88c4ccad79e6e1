"""Spans of agents: where an agent's span repeats the answer of the model's call inside it, both are one answer."""

from collections.abc import Iterator, Mapping
from typing import Any

from rl_assets.ingest.conversion import Records

Row = dict[str, Any]
FILLED = ("agent", "model", "tokens", "cost_usd", "finish_reason", "user_id")


def without_repeats(found: Records, parents: Mapping[str, str]) -> Records:
    """The records of the spans of one line, an answer that an enclosing span gives too only once.

    `parents` are ids of spans by the ids of those inside them. The outermost span with that text is the answer, so that
    feedback on the agent finds it, with what only the inner ones say (the model, its tokens, the whole prompt).
    Feedback on an inner one is on that answer.
    """
    answers = {answer["interaction_id"]: answer for answer in found.answers}
    outer: dict[str, str] = {}
    for name in sorted(answers, key=lambda name: -len([*_enclosing(name, parents)])):
        text = answers[name].get("answer")
        same = [each for each in _enclosing(name, parents) if text and answers.get(each, {}).get("answer") == text]
        if same:
            outer[name] = same[-1]
            answers[same[-1]] = _with_inner(answers[same[-1]], answers[name])
    kept = [answers[answer["interaction_id"]] for answer in found.answers if answer["interaction_id"] not in outer]
    moved = [
        {**event, "interaction_id": outer.get(event["interaction_id"], event["interaction_id"])}
        for event in found.feedback
    ]
    return Records(kept, moved, found.notes)


def _enclosing(name: str, parents: Mapping[str, str]) -> Iterator[str]:
    """The ids of the spans around one, from the nearest; a circle ends them."""
    seen = {name}
    while (name := parents.get(name, "")) and name not in seen:
        seen.add(name)
        yield name


def _with_inner(outer: Row, inner: Row) -> Row:
    """An answer with what only the call inside it says; with its prompt too, if that holds the question."""
    filled = {name: inner.get(name) for name in FILLED if outer.get(name) is None}
    asked, whole = outer["prompt"], inner["prompt"]
    holds = bool(asked) and asked[-1]["content"] in [turn["content"] for turn in whole]
    return {**outer, **filled, "prompt": whole if holds and len(whole) >= len(asked) else asked}
