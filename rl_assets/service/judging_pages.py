"""The pages /rate and /compare: one item each, what is said of it, skips, and changes of what was said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from rl_assets.evaluation.report.escaping import printable
from rl_assets.service.access import check_act_rate
from rl_assets.service.acts import Act
from rl_assets.service.errors import ServiceError
from rl_assets.service.forms import CHOICES, SKIP_REASONS, Asker, Comparison, Rating, skip, text_of
from rl_assets.service.items import Item, Items, Mode, Texts
from rl_assets.service.page_parts import Form, PageRoute, page, person_of, query_of, read_form, redirect
from rl_assets.service.queue import Filter, Next, Queue
from rl_assets.service.rater_rows import Rater
from rl_assets.service.reading import ANSWER_CHARACTERS, passage, turns
from rl_assets.service.state import Service
from rl_assets.service.submissions import submit
from rl_assets.service.tokens import Signer, Token

MODES: tuple[Mode, ...] = ("rate", "compare")
KEYS = {"a": "A", "b": "B", "tie": "S", "both_bad": ""}
BUTTONS = {"a": "A is better", "b": "B is better", "tie": "Same", "both_bad": "Both bad"}
MAX_SECONDS = 3600.0
JUDGED_BEFORE = "You said something else of this before. Send once more to change it, or leave it as it was."
UNDONE_BEFORE = "You took this back. Send once more to say it again."


@dataclass(frozen=True)
class Shown:
    """An item as it is put before one person: its texts, its filter, and the form, filled in as far as it is."""

    person: Rater
    item: Item
    texts: Texts
    wanted: Filter
    filled: Rating | Comparison
    editing: str | None = None
    counted: Next | None = None


def router(service: Service, items: Items, queue: Queue) -> APIRouter:
    """The routes of both pages."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    judging = Judging(service, items, queue)
    for mode in MODES:
        _add(routes, judging, mode)
    return routes


def _add(routes: APIRouter, judging: "Judging", mode: Mode) -> None:
    @routes.get(f"/{mode}", name=mode)
    def show(request: Request, brand: str | None = None, task: str | None = None, edit: str | None = None) -> Response:
        person = person_of(judging.service, request)
        if edit is not None:
            return judging.show_again(request, person, mode, edit)
        return judging.show_next(request, person, Filter(mode, brand, task))

    @routes.post(f"/{mode}", name=f"send_{mode}")
    def send(request: Request, form: Annotated[Form, Depends(read_form)]) -> Response:
        return judging.send(request, person_of(judging.service, request), mode, form)

    @routes.post(f"/{mode}/skip", name=f"skip_{mode}")
    def pass_over(request: Request, form: Annotated[Form, Depends(read_form)]) -> Response:
        return judging.skip(request, person_of(judging.service, request), mode, form)


class Judging:
    """What the routes of both modes do."""

    def __init__(self, service: Service, items: Items, queue: Queue) -> None:
        self.service, self.items, self.queue = service, items, queue
        self.dimensions: Sequence[str] = service.settings.service_dimensions

    def show_next(self, request: Request, person: Rater, wanted: Filter) -> Response:
        """The next item, leased to the person; those whose texts are gone are passed over."""
        gone: frozenset[str] = frozenset()
        while (found := self.queue.next(person, wanted, gone)).item is not None:
            texts = self.items.texts(found.item, found.upcoming)
            if texts is not None:
                empty = Rating(stars={}) if wanted.mode == "rate" else Comparison()
                return self._page(request, Shown(person, found.item, texts, wanted, empty, counted=found))
            self.service.store.release(found.item.key, person.rater)
            gone |= {found.item.key}
        return self._nothing_left(request, person, wanted, found)

    def show_again(self, request: Request, person: Rater, mode: Mode, edit: str) -> Response:
        """The form of an item as this person filled it in before."""
        token = self._token(person, edit)
        item = self._item(person, token, mode)
        acts = self.service.store.acts_of_form(person.rater, token.form)
        texts = self.items.texts(item) if item else None
        if item is None or texts is None or not acts:
            return redirect("/mine?said=nothing")
        filled = Rating.from_acts(acts) if mode == "rate" else self._comparison(person, item, texts, acts)
        return self._page(request, Shown(person, item, texts, Filter(mode), filled, editing=edit))

    def send(self, request: Request, person: Rater, mode: Mode, form: Form) -> Response:
        """Keep what was said, or show the form again with what is wrong."""
        token, wanted = self._token(person, form.get("token", "")), _filter(mode, form)
        item = self._item(person, token, mode)
        texts = self.items.texts(item) if item else None
        if item is None or texts is None:
            return redirect(f"/{mode}{query_of(wanted.brand, wanted.task, said='gone')}")
        filled = Rating.from_form(form, self.dimensions) if mode == "rate" else Comparison.from_form(form)
        shown = Shown(person, item, texts, wanted, filled, editing=form.get("edits"))
        problems = filled.problems(texts.answers[0]) if isinstance(filled, Rating) else filled.problems()
        if problems:
            return self._page(request, shown, problems, HTTPStatus.UNPROCESSABLE_ENTITY)
        check_act_rate(self.service, person.rater)
        return self._keep(request, shown, token)

    def skip(self, request: Request, person: Rater, mode: Mode, form: Form) -> Response:
        """Keep that this person does not judge the item, and why."""
        token, wanted = self._token(person, form.get("token", "")), _filter(mode, form)
        item = self._item(person, token, mode)
        if item is None:
            return redirect(f"/{mode}{query_of(wanted.brand, wanted.task, said='gone')}")
        check_act_rate(self.service, person.rater)
        asker = Asker(person.rater, item, token.form, self.service.clock())
        self.service.store.record_act(skip(asker, text_of(form, "reason")))
        self.service.store.release(item.key, person.rater)
        return self._after(person, item, wanted, token.form, "skipped")

    def _keep(self, request: Request, shown: Shown, token: Token) -> Response:
        person, item, now = shown.person, shown.item, self.service.clock()
        seconds = (now - token.made_at).total_seconds()
        asker = Asker(person.rater, item, token.form, now, seconds if 0 <= seconds <= MAX_SECONDS else None)
        edits = self._token(person, shown.editing).form if shown.editing else None
        kept = submit(self.service.store, person.rater, item, token.form, self._acts(shown, asker), edits, now)
        if kept.outcome == "undone_before":
            return self._page(request, shown, {"choice": UNDONE_BEFORE}, HTTPStatus.CONFLICT)
        if kept.outcome == "judged_before":
            editing = self._signer(person).sign(item.key, now, kept.before)
            again = Shown(person, item, shown.texts, shown.wanted, shown.filled, editing)
            return self._page(request, again, {"choice": JUDGED_BEFORE}, HTTPStatus.CONFLICT)
        self.service.store.release(item.key, person.rater)
        if kept.outcome == "changed":
            return redirect("/mine?said=changed")
        return self._after(person, item, shown.wanted, token.form, "saved")

    def _acts(self, shown: Shown, asker: Asker) -> list[Act]:
        if isinstance(shown.filled, Rating):
            return shown.filled.acts(asker, shown.texts.answers[0])
        first, second = shown.texts.answers
        second_first = self._signer(shown.person).shows_second_first(shown.item.key)
        return shown.filled.acts(asker, (first, second), second_first)

    def _comparison(self, person: Rater, item: Item, texts: Texts, acts: Sequence[Act]) -> Comparison:
        return Comparison.from_act(acts[0], texts.answers[0], self._signer(person).shows_second_first(item.key))

    def _after(self, person: Rater, item: Item, wanted: Filter, form: str, said: str) -> Response:
        undo = self._signer(person).sign(item.key, self.service.clock(), form)
        return redirect(f"/{wanted.mode}{query_of(wanted.brand, wanted.task, said=said, undo=undo)}")

    def _token(self, person: Rater, text: str) -> Token:
        token = self._signer(person).read(text)
        if token is None:
            raise ServiceError(404, "this form was not made for you: open the page again", "token")
        return token

    def _item(self, person: Rater, token: Token, mode: Mode) -> Item | None:
        """The item of a token, None if it is gone. Raises 404 for another brand's, whoever signed the token when."""
        item = self.items.find(token.key)
        if item is not None and (item.mode != mode or (person.brand is not None and item.brand != person.brand)):
            raise ServiceError(404, "there is no such answer here", "token")
        return item

    def _signer(self, person: Rater) -> Signer:
        return Signer(self.service.session_key, person.rater)

    def _page(
        self, request: Request, shown: Shown, problems: Mapping[str, str] | None = None, status: int = HTTPStatus.OK
    ) -> Response:
        now, signer = self.service.clock(), self._signer(shown.person)
        mode = shown.item.mode
        values = _rate_values(shown, self.dimensions) if mode == "rate" else _compare_values(shown, signer)
        return page(
            request,
            mode,
            shown.person,
            status,
            **values,
            label=" · ".join(name for name in (shown.item.brand, shown.item.task) if name),
            turns=turns(shown.texts.prompt),
            context=passage(shown.texts.context) if shown.texts.context else None,
            form=shown.filled,
            token=signer.sign(shown.item.key, now),
            skip_token=signer.sign(shown.item.key, now),
            editing=shown.editing,
            problems=problems or {},
            brand=shown.wanted.brand,
            task=shown.wanted.task,
            reasons=SKIP_REASONS,
            **self._counts(shown),
        )

    def _counts(self, shown: Shown) -> dict[str, int]:
        if shown.counted is not None:
            return {"done": shown.counted.done, "left": shown.counted.left}
        view = self.queue.view(shown.person)
        return {"done": sum(map(shown.wanted.matches, view.done)), "left": sum(map(shown.wanted.matches, view.left))}

    def _nothing_left(self, request: Request, person: Rater, wanted: Filter, found: Next) -> Response:
        others = found.left > 0
        text = "Others are looking at the answers that are left. Come back in ten minutes."
        if not others:
            text = "You have seen all there is. New answers come once the product's logs are read, usually every night."
        links = [("/", "Back to the start"), ("/mine", "Look at what you said")]
        values: dict[str, Any] = {"kept": [], "again": "", "links": links}
        title = "One moment" if others else "All done. Thank you!"
        return page(request, "message", person, narrow=True, title=title, text=text, **values)


def _filter(mode: Mode, form: Form) -> Filter:
    return Filter(mode, form.get("brand"), form.get("task"))


def _rate_values(shown: Shown, dimensions: Sequence[str]) -> dict[str, Any]:
    answer = shown.texts.answers[0]
    return {"answer": passage(answer, ANSWER_CHARACTERS), "prefilled": printable(answer), "dimensions": dimensions}


def _compare_values(shown: Shown, signer: Signer) -> dict[str, Any]:
    sides = [passage(answer, ANSWER_CHARACTERS) for answer in shown.texts.answers]
    if signer.shows_second_first(shown.item.key):
        sides.reverse()
    choices = [(value, text, KEYS[value]) for value, text in BUTTONS.items()]
    chosen = CHOICES.get(shown.filled.choice, "") if isinstance(shown.filled, Comparison) else ""
    return {"sides": sides, "choices": choices, "chosen": chosen}
