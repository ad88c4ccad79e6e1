"""What people say of answers in annotation tools: verdicts on the fields of a task, by the shape of their values.

Exports name the fields and the questions but not what they mean. A field is the prompt or an answer by its name. A
number is a rating, a word such as `good` a thumb, the name of an answer a preference over the others, an order of these
a preference for each pair, a text a correction if the name of its question says so; anything else is a comment.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations
from typing import Any, Literal

from rl_assets.ingest.annotation_questions import ANSWER, ANSWERS, BEST, dimension_of, is_correction
from rl_assets.ingest.conversion import Records
from rl_assets.ingest.message_shapes import Turns, decode
from rl_assets.ingest.parsers import Json, RejectedLineError, is_missing, rating
from rl_assets.ingest.vendor_fields import comment_events, shape_of, thumb_event
from rl_assets.ingest.vendor_messages import read_turns
from rl_assets.metrics.scales import Metrics

PROMPTS = ("messages", "prompt", "instruction", "question", "query", "input", "conversation", "chat", "dialogue")
SYSTEMS = ("system", "system_prompt")
# Words that judge whatever they answer: a yes may say that an answer is toxic.
GOOD = {"good", "correct", "accept", "accepted", "acceptable", "like", "thumbs up", "helpful", "good answer"}
BAD = {
    "bad",
    "incorrect",
    "wrong",
    "reject",
    "rejected",
    "unacceptable",
    "dislike",
    "thumbs down",
    "unhelpful",
    "bad answer",
}
MARK = re.compile(rf"(?:option|model|{'|'.join(ANSWERS)})?(\d+|[a-z])")
MAX_ANSWERS = 50
Event = dict[str, Any]
Form = Literal["text", "choice"]  # what a person wrote, or chose of what was offered


@dataclass(frozen=True)
class Answered:
    """A question with its value: who answered it when, the names of what it is about, and an id for its events. Its
    form is None if an export does not say it."""

    question: str
    value: Any
    id: str
    given_at: datetime
    rater: str | None = None
    names: tuple[str, ...] = ()
    source: str = "human"
    form: Form | None = None


@dataclass(frozen=True)
class Task:
    """What is judged: a prompt and its answers by the name of their field, in order."""

    name: str
    prompt: Turns
    answers: dict[str, str]

    def answer_id(self, field: str) -> str:
        """The id of an answer: that of the task if it has one answer only."""
        return self.name if len(self.answers) < 2 else f"{self.name}-{field}"

    def named(self, word: Any) -> str | None:
        """The field of the answer that a word names: its field, its number or its letter; None if it names none."""
        fields = {_plain(field): field for field in self.answers}
        marks = {match[1]: field for plain, field in fields.items() if (match := MARK.fullmatch(plain))}
        mark = MARK.fullmatch(_plain(word))
        return fields.get(_plain(word)) or (marks.get(mark[1]) if mark and len(self.answers) > 1 else None)

    def target(self, *names: str) -> str | None:
        """The field of the answer that a question is about: the only one, or that in one of the names."""
        if len(self.answers) == 1:
            return next(iter(self.answers))
        held = [field for field in self.answers if any(_plain(field) in _plain(name) for name in names)]
        return held[0] if len(held) == 1 else None


def read_task(name: str, fields: Json) -> Task:
    """The task that fields show. Raises an error that names them if they hold no prompt."""
    prompt = next((field for field in PROMPTS if not is_missing(fields.get(field))), None)
    if prompt is None:
        raise RejectedLineError("missing_field", f"a prompt ({', '.join(PROMPTS)}) in {shape_of(fields)}")
    system = next((fields[field] for field in SYSTEMS if not is_missing(fields.get(field))), None)
    turns = read_turns(_with_input(fields, prompt), prompt, system)
    answers = dict(sorted(_answers(fields, prompt), key=lambda item: _natural(item[0])))
    if not answers and len(turns) > 1 and turns[-1]["role"] == "assistant":
        answers = {"answer": turns.pop()["content"]}
    if len(answers) > MAX_ANSWERS:
        raise RejectedLineError("too_long", f"over {MAX_ANSWERS} answers")
    return Task(name, turns, answers)


def _with_input(fields: Json, prompt: str) -> Any:
    """The prompt, with the input that an instruction is about."""
    texts = [fields[prompt], fields.get("input")]
    is_instruction = prompt == "instruction" and all(isinstance(text, str) and not is_missing(text) for text in texts)
    return "\n\n".join(texts) if is_instruction else fields[prompt]


def task_records(task: Task, answered: Iterable[Answered], common: dict[str, Any], metrics: Metrics) -> Records:
    """The answers of a task and the verdicts on them. The text that people write for a prompt without an answer is its
    answer, which they approve of. A value that cannot be read is noted."""
    answers = [
        {**common, "interaction_id": task.answer_id(name), "answer": text} for name, text in task.answers.items()
    ]
    events, notes = list[Event](), list[str]()
    for each in answered:
        try:
            read = _events(task, each, metrics)
        except RejectedLineError as error:
            notes.append(error.detail)
            continue
        written = [event for event in read if event["kind"] == "correction" and not task.answers]
        for event in written:
            own = f"{task.name}-{each.id}"
            answers.append({**common, "interaction_id": own, "answer": event.pop("preferred"), "user_id": None})
            event.update(thumb_event(True), interaction_id=own)
        events += read
    if not answers:
        answers.append({**common, "interaction_id": task.name, "answer": None})
    return Records(answers, events, notes)


def _events(task: Task, answered: Answered, metrics: Metrics) -> list[Event]:
    read = read_verdict(task, answered, metrics)
    common = {"given_at": answered.given_at, "rater": answered.rater, "dimension": "overall", "source": answered.source}
    first = next(iter(task.answers), "")
    return [
        {
            **common,
            **{name: value for name, value in event.items() if name not in ("field", "part")},
            "interaction_id": task.answer_id(event.get("field") or first),
            "feedback_id": "-".join([task.name, answered.id, answered.question, *filter(None, [event.get("part")])]),
        }
        for event in read
    ]


def _answers(fields: Json, prompt: str) -> Iterator[tuple[str, str]]:
    for field, value in fields.items():
        if field != prompt and isinstance(value, str) and ANSWER.fullmatch(field) and not is_missing(value):
            yield field, value
        elif isinstance(items := decode(value), list) and items and all(map(_is_item, items)):
            yield from ((str(item["id"]), _item_text(item)) for item in items)


def _is_item(value: Any) -> bool:
    return isinstance(value, dict) and value.get("id") is not None and bool(_item_text(value))


def _item_text(item: Json) -> str:
    return next((str(item[name]) for name in ("body", "text", "html", "title") if isinstance(item.get(name), str)), "")


def read_verdict(task: Task, answered: Answered, metrics: Metrics) -> list[Event]:
    """The events of one value that answers a question. Raises RejectedLineError if the value is none that can be
    read."""
    question, value = answered.question, _value(answered)
    target = task.target(question, *answered.names)
    if is_missing(value):
        return []
    if isinstance(value, bool):
        return _comment(question, value)
    if isinstance(value, int | float):
        return _rating(question, float(value), target, metrics)
    if isinstance(value, str):
        return _word(task, replace(answered, value=value), target, metrics)
    if events := _comparison(task, question, value):
        return events
    raise RejectedLineError("wrong_type", f"{question} is {shape_of(value)}")


def _value(answered: Answered) -> Any:
    """The value, or the only one of a list; a better answer in JSON stays as it was written."""
    value = decode(answered.value)
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    is_text = isinstance(value, str | int | float)
    return answered.value if isinstance(answered.value, str) and not is_text and _is_better(answered) else value


def _comparison(task: Task, question: str, value: Any) -> list[Event]:
    """The events of several words, of the answer that was preferred, or of an order of answers."""
    if isinstance(value, dict):
        best = task.named(value.get("preferred"))
        return _preferences(task, best) if best else []
    is_words = isinstance(value, list) and all(isinstance(word, str) for word in value)
    if (not is_words or BEST.search(question)) and (order := _order(task, value)):
        return list(_ranking(task, order))
    return _comment(question, ", ".join(value)) if is_words else []


def _word(task: Task, answered: Answered, target: str | None, metrics: Metrics) -> list[Event]:
    question, value, form = answered.question, answered.value, answered.form
    plain = value.strip().lower().replace("_", " ")
    correction = [{"kind": "correction", "preferred": value, "field": target}] if target or not task.answers else []
    if len(task.answers) > 1 and BEST.search(question) and (best := task.named(value)):
        return _preferences(task, best)
    if correction and _is_better(answered):
        return correction
    if form != "text" and target and plain in GOOD | BAD:
        return [{**thumb_event(plain in GOOD), "dimension": dimension_of(question, metrics), "field": target}]
    if form != "text" and re.fullmatch(r"\d{1,2}(\.\d+)?", plain):
        return _rating(question, float(plain), target, metrics)
    return correction if correction and form != "choice" and ANSWER.fullmatch(question) else _comment(question, value)


def _is_better(answered: Answered) -> bool:
    return answered.form != "choice" and is_correction(answered.question)


def _order(task: Task, values: Any) -> list[list[str]]:
    """Names of answers in order, those of one rank together; empty if the values are no order of all answers."""
    if not isinstance(values, list) or not len(values) == len(task.answers) > 1:
        return []
    ranks: dict[float, list[str]] = {}
    for place, value in enumerate(values):
        field = task.named(value.get("value") if isinstance(value, dict) else value)
        rank = value.get("rank") if isinstance(value, dict) else place
        if field is None or isinstance(rank, bool) or not isinstance(rank, int | float | None):
            return []
        if rank is not None:
            ranks.setdefault(float(rank), []).append(field)
    return [ranks[rank] for rank in sorted(ranks)]


def _ranking(task: Task, order: list[list[str]]) -> Iterator[Event]:
    for better, worse in combinations(order, 2):
        yield from (_preference(task, first, second) for first in better for second in worse)


def _preferences(task: Task, best: str) -> list[Event]:
    return [_preference(task, best, other) for other in task.answers if other != best]


def _preference(task: Task, better: str, worse: str) -> Event:
    texts = {"preferred": task.answers[better], "rejected": task.answers[worse]}
    return {"kind": "preference", **texts, "field": better, "part": f"{better}-{worse}"}


def _rating(question: str, value: float, target: str | None, metrics: Metrics) -> list[Event]:
    if target is None:
        return _comment(question, f"{value:g}")
    event = {"kind": "rating", "dimension": dimension_of(question, metrics), "field": target}
    return [{**event, **rating(metrics, question, value)}]


def _comment(question: str, value: Any) -> list[Event]:
    return comment_events(f"{question}: {value}")


def _plain(word: Any) -> str:
    return re.sub(r"[^a-z0-9]", "", str(word).lower())


def _natural(field: str) -> list[Any]:
    """A key that sorts answer_2 before answer_10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|\D+", field)]
