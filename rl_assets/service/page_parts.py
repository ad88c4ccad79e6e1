"""What all pages share: templates, assets, forms, who is there, and errors as pages that keep what was typed."""

import hashlib
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined

from rl_assets.evaluation.report.escaping import printable
from rl_assets.service.access import key_of, rater_of
from rl_assets.service.database import StoreError
from rl_assets.service.errors import ServiceError
from rl_assets.service.rater_rows import Rater
from rl_assets.service.state import Service

STATIC = Path(__file__).parent / "static"
MEDIA = {"pages.css": "text/css", "keys.js": "text/javascript", "icon.svg": "image/svg+xml"}
PAGES = (("/", "Start"), ("/rate", "Rate"), ("/compare", "Compare"), ("/mine", "My answers"))
ADMIN_PAGES = (*PAGES, ("/admin", "Admin"))
MESSAGES = {
    "saved": "Saved.",
    "skipped": "Skipped.",
    "undone": "Taken back. You can answer it again.",
    "changed": "Your change is saved.",
    "gone": "That answer is no longer here, so nothing was saved. Here is the next one.",
    "nothing": "There was nothing left to undo.",
    "revoked": "Revoked.",
}
PRIVATE = {"Cache-Control": "private, no-cache", "Referrer-Policy": "same-origin"}
Form = Mapping[str, str]
FORM_TYPE, MAX_FIELDS = "application/x-www-form-urlencoded", 200


class SignedOutError(ServiceError):
    """There is no session, or it has ended."""

    def __init__(self) -> None:
        super().__init__(401, "your session has ended: open your invitation link again")


@cache
def environment() -> Environment:
    """The templates. Every text is escaped, and characters that reorder or hide what is read are made visible."""
    made = Environment(
        loader=PackageLoader("rl_assets.service"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    made.filters["title_of"] = title_of
    made.globals["asset"] = asset_url
    return made


@cache
def asset_url(name: str) -> str:
    """The address of a file in `static`, which changes with its content, so that browsers may keep it."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def title_of(name: str) -> str:
    """The name of a dimension as a title: `brand_voice` is "Brand voice"."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def page(
    request: Request, template: str, person: Rater | None, status: int = HTTPStatus.OK, **values: Any
) -> HTMLResponse:
    """A page with what frames it: navigation, and the message of the act before with its undo."""
    query = request.query_params
    here = request.url.path
    frame = {
        "person": person,
        "pages": ADMIN_PAGES if person and person.admin else PAGES,
        "here": here,
        "narrow": False,
        "message": MESSAGES.get(query.get("said", "")),
        "undo": query.get("undo"),
        "next": f"{here}{query_of(query.get('brand'), query.get('task'))}",
    }
    text = environment().get_template(f"{template}.html.j2").render({**frame, **values})
    return HTMLResponse(text, status, PRIVATE)


def query_of(brand: str | None, task: str | None, **more: str | None) -> str:
    """The end of an address that keeps the filter; empty without one."""
    named = {"brand": brand, "task": task, **more}
    kept = {name: value for name, value in named.items() if value is not None}
    return f"?{urlencode(kept)}" if kept else ""


def redirect(path: str) -> RedirectResponse:
    """See other: a reload then asks for that page, and sends no form again."""
    return RedirectResponse(path, HTTPStatus.SEE_OTHER, PRIVATE)


async def read_form(request: Request) -> Form:
    """The text fields of a form, the first of each name; also kept for a page about an error.

    Forms of the pages are sent in one way. Another has names of encodings in it, some of which take minutes to decode.
    """
    kind, body = request.headers.get("content-type", FORM_TYPE), await request.body()
    if kind.partition(";")[0].strip().lower() != FORM_TYPE:
        raise ServiceError(415, f"a form is sent as {FORM_TYPE}: use the form of the page")
    try:
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise ServiceError(422, f"a form has at most {MAX_FIELDS} fields: use the form of the page") from None
    fields = dict(reversed(pairs))
    request.state.form = fields
    return fields


def person_of(service: Service, request: Request) -> Rater:
    """Who has the session. Raises SignedOutError."""
    rater = rater_of(service, request)
    if rater is None:
        raise SignedOutError
    return rater


def admin_of(service: Service, request: Request) -> Rater:
    """An administrator by session or by key. Raises SignedOutError, and 403 for anybody else."""
    if key := key_of(service, request):
        person = Rater(key.name, key.brand, key.may("admin"))
    else:
        person = person_of(service, request)
    if not person.admin:
        raise ServiceError(403, "this page is for administrators: ask one for an invitation that says so")
    return person


def when(moment: datetime) -> str:
    """A time as people read it."""
    return f"{moment:%d %B %Y, %H:%M} UTC".lstrip("0")


class PageRoute(APIRoute):
    """A route whose errors are pages. What was typed is in them, to be sent again."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of the route."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await handle(request)
            except (ServiceError, StoreError) as error:
                return error_page(request, error)

        return handler


def error_page(request: Request, error: ServiceError | StoreError) -> HTMLResponse:
    """The page of an error: a title, a sentence, what was typed, and where to go."""
    status = error.status if isinstance(error, ServiceError) else HTTPStatus.SERVICE_UNAVAILABLE
    titles = {401: "Your session has ended", 403: "This page is not for you", 404: "There is no such page"}
    titles |= {429: "One moment, please", 503: "The service cannot save anything right now"}
    text = error.detail if isinstance(error, ServiceError) else "Its database does not answer. Try again in a minute."
    kept = dict(getattr(request.state, "form", {})) if status not in (403, 404) else {}
    # The page of an error may be kept by a browser: no secret is in it.
    kept.pop("key", None)
    if isinstance(error, SignedOutError):
        text = (
            "Open the link of your invitation: it signs you in for twelve hours. If you have none, ask who runs this."
        )
        if kept:
            text = (
                "Open the link of your invitation in another tab, then send again here. What you wrote is kept below."
            )
    response = page(
        request,
        "message",
        None,
        int(status),
        narrow=True,
        message=None,
        title=titles.get(int(status), "This did not work"),
        text=text[:1].upper() + text[1:].rstrip(".") + ".",
        kept=sorted(kept.items()),
        again=request.url.path,
        links=[] if isinstance(error, SignedOutError) else [("/", "Back to the start")],
    )
    if isinstance(error, ServiceError):
        response.headers.update(error.headers)
    return response
