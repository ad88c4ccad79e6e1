"""What becomes of a sent form: kept, kept before, or at odds with what this person said of the item already.

A form is sent twice by a double click, the back button, a reload or a lost reply: it is one act. One that says
something else of the same item is a change, and the person is asked whether they mean it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from rl_assets.service.act_rows import ConflictingActError, JudgedMeanwhileError, retraction_of
from rl_assets.service.acts import Act
from rl_assets.service.items import Item
from rl_assets.service.store import Store

FORM_DIGITS = 32
# A change is a retraction and then a new act.
AFTER = timedelta(microseconds=1)
Outcome = Literal["saved", "changed", "undone_before", "judged_before"]


@dataclass(frozen=True)
class Submission:
    """What became of a form. `before` is the id of the form by which this person judged the item already."""

    outcome: Outcome
    before: str | None = None


def form_of(act: Act) -> str | None:
    """The id of the form that made an act; None if no form did."""
    form, dash, _ = act.act_id.partition("-")
    return form if dash and len(form) == FORM_DIGITS else None


def submit(
    store: Store, rater: str, item: Item, form: str, acts: Sequence[Act], edits: str | None, now: datetime
) -> Submission:
    """Keep the acts of a form, all or none; with `edits`, those of that form are taken back in the same commit."""
    said = store.acts_of_form(rater, form, standing=False)
    standing = store.acts_of_form(rater, form)
    if said and not standing:
        return Submission("undone_before")
    if said:
        same = _contents(standing) == _contents(acts)
        return Submission("saved") if same else Submission("judged_before", form)
    if before := _form_before(store, rater, item, except_for=edits):
        return Submission("judged_before", before)
    old = store.acts_of_form(rater, edits) if edits else []
    new = [act.model_copy(update={"created_at": act.created_at + AFTER}) for act in acts] if old else acts
    try:
        own = (form, edits)
        store.record_form(
            [*retractions(old, now), *new], may=lambda standing: _newest_form(standing, rater, own) is None
        )
    except JudgedMeanwhileError:
        return Submission("judged_before", _form_before(store, rater, item, except_for=edits))
    except ConflictingActError:  # The same form, sent twice at once with different contents.
        return Submission("judged_before", form)
    return Submission("changed" if edits else "saved")


def undo(store: Store, rater: str, form: str, now: datetime) -> list[Act]:
    """Take back what a form said; the acts that stood. Undone twice, each is taken back once."""
    standing = store.acts_of_form(rater, form)
    if standing:
        store.record_form(retractions(standing, now))
    return standing


def retractions(acts: Sequence[Act], now: datetime) -> list[Act]:
    """An act for each that takes it back, whose id follows from it."""
    return [retraction_of(act, f"{act.act_id}-undo", now) for act in acts]


def _form_before(store: Store, rater: str, item: Item, except_for: str | None) -> str | None:
    """The newest form by which the rater judged the item, and did not take it back."""
    return _newest_form(store.verdicts_by_item([item.name]).get(item.name, []), rater, (except_for,))


def _newest_form(acts: Sequence[Act], rater: str, except_for: Collection[str | None]) -> str | None:
    forms = [form_of(act) for act in acts if act.rater == rater]
    return next((form for form in reversed(forms) if form and form not in except_for), None)


def _contents(acts: Sequence[Act]) -> set[str]:
    return {act.content_sha256 for act in acts}
