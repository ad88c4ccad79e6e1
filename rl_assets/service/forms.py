"""Forms of the pages: what was typed, what is wrong with it, and the acts that it makes. No database, no HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from rl_assets.core.blank import is_blank, stripped
from rl_assets.evaluation.report.escaping import printable
from rl_assets.ingest.parsers import is_missing
from rl_assets.metrics.scales import OVERALL
from rl_assets.service.acts import TEXT_CHARACTERS, Act, unstorable
from rl_assets.service.items import Item

STARS = ("1", "2", "3", "4", "5")
COMMENT_CHARACTERS = 10_000
SKIP_REASONS = {
    "unsure": "I cannot tell",
    "not_my_subject": "Not my subject",
    "unclear": "The question is unclear",
    "harmful": "Harmful or private content",
    "broken": "The text is broken",
    "other": "Another reason",
}
Choice = Literal["a", "b", "tie", "both_bad"]
BOTH_BAD = "both bad"
CHOICES: dict[str, str] = {"a": "A is better", "b": "B is better", "tie": "About the same", "both_bad": "Both are bad"}


@dataclass(frozen=True)
class Asker:
    """Who acts, on what, and when; `act` is the id that was made with the form."""

    rater: str
    item: Item
    act: str
    now: datetime
    seconds: float | None = None


@dataclass(frozen=True)
class Rating:
    """What the form of /rate holds, as it was typed. `stars` are by dimension."""

    thumbs: str = ""
    stars: Mapping[str, str] | None = None
    comment: str = ""
    correction: str = ""

    @classmethod
    def from_form(cls, form: Mapping[str, Any], dimensions: Sequence[str]) -> "Rating":
        stars = {name: text_of(form, f"stars-{number}") for number, name in enumerate(dimensions)}
        stars = {name: value for name, value in stars.items() if value}
        return cls(text_of(form, "thumbs"), stars, text_of(form, "comment"), text_of(form, "correction"))

    def problems(self, answer: str) -> dict[str, str]:
        """What is wrong, by field, as sentences; empty if it can be kept."""
        found = {}
        stars = self.stars or {}
        if self.thumbs not in ("", "up", "down"):
            found["thumbs"] = "Choose thumbs up or thumbs down."
        if wrong := [name for name, value in stars.items() if value not in STARS]:
            found["stars"] = f"Give {wrong[0]} 1 to 5 stars."
        overall = stars.get(OVERALL, "")
        if (self.thumbs == "up" and overall in ("1", "2")) or (self.thumbs == "down" and overall in ("4", "5")):
            found["thumbs"] = f"Thumbs {self.thumbs} and {overall} of 5 stars overall do not fit: change one of them."
        for field, text, limit in (
            ("comment", self.comment, COMMENT_CHARACTERS),
            ("correction", self.correction, TEXT_CHARACTERS),
        ):
            if problem := _text_problem(text, limit):
                found[field] = problem
        if not found and not self._says_something(answer):
            found["thumbs"] = "Nothing is chosen yet: give a thumb, stars, a comment or a better answer, or skip."
        return found

    def acts(self, asker: Asker, answer: str) -> list[Act]:
        """The acts that the form makes, one for each thing that was said.

        Thumbs and stars overall are one verdict: the stars, which say it more precisely, are kept.
        """
        stars = self.stars or {}
        made = []
        if self.thumbs and OVERALL not in stars:
            made.append(_act(asker, "thumbs", "thumbs", value=1 if self.thumbs == "up" else 0, dimension=OVERALL))
        for name, value in stars.items():
            made.append(_act(asker, f"stars-{name}", "rating", value=int(value), dimension=name))
        if self.is_corrected(answer):
            made.append(_act(asker, "correction", "correction", preferred=stripped(self.correction)))
        if comment := _said(self.comment):
            made.append(_act(asker, "comment", "comment", comment=comment))
        return made

    def is_corrected(self, answer: str) -> bool:
        """Whether the prefilled answer was changed."""
        shown = printable(plain_lines(answer))
        return not is_blank(self.correction) and stripped(self.correction) != stripped(shown)

    def _says_something(self, answer: str) -> bool:
        return bool(self.thumbs or self.stars or _said(self.comment) or self.is_corrected(answer))

    @classmethod
    def from_acts(cls, acts: Sequence[Act]) -> "Rating":
        """The form as it was filled in."""
        found = cls(stars={act.dimension or OVERALL: str(int(act.value or 0)) for act in acts if act.kind == "rating"})
        for act in acts:
            if act.kind == "thumbs":
                found = replace(found, thumbs="up" if act.value else "down")
            elif act.kind == "comment":
                found = replace(found, comment=act.comment or "")
            elif act.kind == "correction":
                found = replace(found, correction=act.preferred or "")
        return found


@dataclass(frozen=True)
class Comparison:
    """What the form of /compare holds, as it was typed."""

    choice: str = ""
    comment: str = ""

    @classmethod
    def from_form(cls, form: Mapping[str, Any]) -> "Comparison":
        return cls(text_of(form, "choice"), text_of(form, "comment"))

    @classmethod
    def from_act(cls, act: Act, first: str, second_first: bool) -> "Comparison":
        """The form as it was filled in; `first` is the first answer of the item, whichever was shown first."""
        comment = act.comment or ""
        if act.kind == "tie":
            is_bad = comment == BOTH_BAD or comment.startswith(f"{BOTH_BAD}: ")
            return cls("both_bad", comment.removeprefix(BOTH_BAD).removeprefix(": ")) if is_bad else cls("tie", comment)
        return cls("a" if (act.preferred == first) != second_first else "b", comment)

    def problems(self) -> dict[str, str]:
        """What is wrong, by field, as sentences; empty if it can be kept."""
        found = {}
        if self.choice not in CHOICES:
            found["choice"] = "Choose A, B, the same, or both bad; or skip the pair."
        if problem := _text_problem(self.comment, COMMENT_CHARACTERS):
            found["comment"] = problem
        return found

    def acts(self, asker: Asker, answers: tuple[str, str], second_first: bool) -> list[Act]:
        """One act: a preference, or a tie, of which "both bad" says so in its comment.

        `answers` are in the order of the item, whatever the order in which they were shown.
        """
        item = asker.item
        is_first = (self.choice == "a") != second_first
        better, worse = answers if is_first else (answers[1], answers[0])
        is_tie = self.choice in ("tie", "both_bad")
        is_logged = item.line is None
        pair = {"shown_first": item.ids[int(second_first)], "other_interaction_id": item.ids[1]} if is_logged else {}
        # A tie on a pair of the review queue holds both texts, in the order in which they were shown.
        if is_tie and not is_logged:
            better, worse = (answers[1], answers[0]) if second_first else answers
        verdict = {} if is_tie and is_logged else {"preferred": better, "rejected": worse}
        note = ": ".join(part for part in (BOTH_BAD * (self.choice == "both_bad"), _said(self.comment)) if part)
        return [_act(asker, "choice", "tie" if is_tie else "preference", comment=note or None, **pair, **verdict)]


def skip(asker: Asker, reason: str) -> Act:
    """A skip with its reason, which is no feedback on the answer."""
    other = {"other_interaction_id": asker.item.ids[1]} if len(asker.item.ids) > 1 else {}
    return _act(asker, "skip", "skip", comment=SKIP_REASONS.get(reason, SKIP_REASONS["other"]), **other)


def text_of(form: Mapping[str, Any], name: str) -> str:
    """A field as text with `\\n` at the ends of lines (browsers send `\\r\\n`); empty if it is missing or a file."""
    value = form.get(name)
    return plain_lines(value) if isinstance(value, str) else ""


def plain_lines(text: str) -> str:
    """The text with `\\n` at the ends of lines."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _said(comment: str) -> str | None:
    """A comment without its blank ends; None if it shows nothing, or is how tables write a missing value."""
    return None if is_missing(comment) else stripped(comment)


def _text_problem(text: str, limit: int) -> str | None:
    if len(text) > limit:
        return f"This text has {len(text):,} characters: shorten it to {limit:,}."
    problem = unstorable(text)
    return f"This text cannot be kept: {problem}." if problem else None


def _act(asker: Asker, part: str, kind: Any, **fields: Any) -> Act:
    item = asker.item
    return Act(
        act_id=f"{asker.act}-{part}",
        kind=kind,
        interaction_id=item.ids[0],
        rater=asker.rater,
        brand=item.brand,
        task=item.task,
        seconds=asker.seconds,
        created_at=asker.now,
        **fields,
    )
