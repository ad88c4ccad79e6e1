"""The page /mine: what this person said last, with undo and change; and the route that takes something back."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from rl_assets.metrics.scales import OVERALL
from rl_assets.service.acts import Act
from rl_assets.service.errors import ServiceError
from rl_assets.service.items import Items, Mode
from rl_assets.service.page_parts import Form, PageRoute, page, person_of, read_form, redirect, title_of, when
from rl_assets.service.rater_rows import Rater
from rl_assets.service.state import Service
from rl_assets.service.submissions import form_of, undo
from rl_assets.service.tokens import Signer

LAST = 100
SHOWN = 30
BACK_TO = ("/rate", "/compare", "/mine")


def router(service: Service, items: Items) -> APIRouter:
    """The routes of what a person said."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/mine")
    def mine(request: Request) -> Response:
        person = person_of(service, request)
        forms = _by_form(service.store.acts_of(person.rater, LAST))[:SHOWN]
        return page(request, "mine", person, narrow=True, acts=[_shown(service, items, person, acts) for acts in forms])

    @routes.post("/undo")
    def take_back(request: Request, form: Annotated[Form, Depends(read_form)]) -> Response:
        person = person_of(service, request)
        token = Signer(service.session_key, person.rater).read(form.get("token", ""))
        if token is None:
            raise ServiceError(404, "you have said no such thing: open the page again", "token")
        standing = undo(service.store, person.rater, token.form, service.clock())
        # It comes back first, to be answered again, unless somebody else has it by now.
        if standing:
            service.store.lease(token.key, person.rater)
        return redirect(_with_message(form.get("next", ""), "undone" if standing else "nothing"))

    return routes


def _with_message(path: str, said: str) -> str:
    """One of our own pages, and what it says on top."""
    if path.partition("?")[0] not in BACK_TO:
        path = "/mine"
    return f"{path}{'&' if '?' in path else '?'}said={said}"


def _by_form(acts: Iterable[Act]) -> list[list[Act]]:
    """Acts that a form made, together, the newest form first; what came by the API is left out."""
    forms: dict[str, list[Act]] = {}
    for act in acts:
        if form := form_of(act):
            forms.setdefault(form, []).insert(0, act)
    return list(forms.values())


def _shown(service: Service, items: Items, person: Rater, acts: list[Act]) -> dict[str, Any]:
    first = acts[0]
    mode: Mode = "compare" if _is_pair(first) else "rate"
    item = items.find(items.key(mode, *_ids(first)))
    if item and person.brand is not None and item.brand != person.brand:
        item = None  # Said when the person was of another brand.
    texts = items.texts(item) if item else None
    key = item.key if item else items.key(mode, *_ids(first))
    token = Signer(service.session_key, person.rater).sign(key, service.clock(), form_of(first))
    return {
        "title": "Skipped" if first.kind == "skip" else "Compared" if mode == "compare" else "Rated",
        "when": when(first.created_at),
        "question": texts.prompt[-1]["content"] if texts and texts.prompt else "",
        "said": [line for act in acts for line in _said(act)],
        "edit": f"/{mode}?edit={token}" if texts and first.kind != "skip" else None,
        "token": token,
    }


def _is_pair(act: Act) -> bool:
    return act.other_interaction_id is not None or act.kind in ("preference", "tie")


def _ids(act: Act) -> tuple[str, ...]:
    return (act.interaction_id,) if act.other_interaction_id is None else (act.interaction_id, act.other_interaction_id)


def _said(act: Act) -> list[tuple[str, str]]:
    """What an act says, as names and values."""
    values = {
        "thumbs": ("Would have been sent", "Yes" if act.value else "No"),
        "rating": (title_of(act.dimension or OVERALL), f"{act.value or 0:.0f} of 5 stars"),
        "correction": ("Better answer", act.preferred or ""),
        "preference": ("Better", act.preferred or ""),
        "tie": ("Better", "Neither"),
    }
    comment = [("Reason" if act.kind == "skip" else "Comment", act.comment)] if act.comment else []
    return [*([values[act.kind]] if act.kind in values else []), *comment]
