"""Pages for people who are no engineers: invitation, start, and what they are made of. The others are routers here.

Server-rendered forms, each POST followed by a redirect. They work without JavaScript.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse

from rl_assets.service import admin_pages, judging_pages, own_pages
from rl_assets.service.access import end_session, start_session
from rl_assets.service.errors import ServiceError
from rl_assets.service.items import Item, Items, Mode
from rl_assets.service.page_parts import (
    MEDIA,
    STATIC,
    Form,
    PageRoute,
    asset_url,
    page,
    person_of,
    query_of,
    read_form,
    redirect,
)
from rl_assets.service.queue import Queue, View
from rl_assets.service.state import Service

VERBS: tuple[tuple[Mode, str], ...] = (("rate", "Rate"), ("compare", "Compare"))


def router(service: Service) -> APIRouter:
    """The routes of all pages, on the parts of one service."""
    items = Items(service.home, service.session_key, service.settings.duckdb_memory_limit)
    queue = Queue(items, service.store)
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_start(routes, service, queue)
    _add_invitation(routes, service)
    routes.include_router(judging_pages.router(service, items, queue))
    routes.include_router(own_pages.router(service, items))
    routes.include_router(admin_pages.router(service, items))
    return routes


def _add_start(routes: APIRouter, service: Service, queue: Queue) -> None:
    @routes.get("/")
    def start(request: Request) -> Response:
        person = person_of(service, request)
        view = queue.view(person)
        brands = _brands(view)
        return page(request, "home", person, brands=brands, done=len(view.done), left=len(view.left))

    @routes.get("/static/{name}")
    def static(name: str, v: str = "") -> Response:
        if name not in MEDIA:
            raise ServiceError(404, f"there is no file {name} here")
        fresh = asset_url(name).endswith(f"={v}")
        cache = "public, max-age=31536000, immutable" if v and fresh else "no-cache"
        return FileResponse(STATIC / name, media_type=MEDIA[name], headers={"Cache-Control": cache})


def _add_invitation(routes: APIRouter, service: Service) -> None:
    # Two steps: programs that preview links open them, and must not use them up or sign anybody in.
    @routes.get("/join/{token}")
    def invitation(request: Request, token: str) -> Response:
        rater = service.store.invited_by(token)
        if rater is None:
            return _no_invitation(request)
        action = request.url.path
        return page(request, "join", None, rater=rater.rater, brand=rater.brand, action=action, narrow=True)

    @routes.post("/join/{token}")
    def join(request: Request, token: str, form: Annotated[Form, Depends(read_form)]) -> Response:
        rater = service.store.use_invite(token)
        if rater is None:
            return _no_invitation(request)
        response = redirect("/")
        start_session(service, request, response, rater)
        return response

    @routes.post("/leave")
    def leave(request: Request) -> Response:
        response = page(
            request,
            "message",
            None,
            narrow=True,
            title="You are signed out",
            text="Open the link of your invitation to come back.",
            kept=[],
            again="",
            links=[],
        )
        end_session(response)
        return response


def _no_invitation(request: Request) -> Response:
    text = "The link is not complete, or its invitation has expired or was revoked. Ask for a new one."
    values: dict[str, Any] = {"kept": [], "again": "", "links": []}
    return page(request, "message", None, 404, narrow=True, title="This invitation does not work", text=text, **values)


def _brands(view: View) -> list[dict[str, Any]]:
    """What is left by brand and task, as the start page lists it."""
    names = sorted({item.brand or "" for item in (*view.left, *view.done)})
    return [{"name": name or "Answers without a brand", "rows": list(_rows(view, name))} for name in names]


def _rows(view: View, brand: str) -> Iterator[dict[str, Any]]:
    left = [item for item in view.left if (item.brand or "") == brand]
    done = [item for item in view.done if (item.brand or "") == brand]
    tasks = sorted({item.task or "" for item in (*left, *done)})
    if len(tasks) > 1:
        yield _row("All tasks", query_of(brand, None), left, done, is_part=False)
    for task in tasks:
        name = task or ("Other tasks" if len(tasks) > 1 else "All answers")
        left_of_task, done_of_task = ([item for item in some if (item.task or "") == task] for some in (left, done))
        yield _row(name, query_of(brand, task), left_of_task, done_of_task, is_part=len(tasks) > 1)


def _row(name: str, query: str, left: Iterable[Item], done: Iterable[Item], is_part: bool) -> dict[str, Any]:
    counts = Counter(item.mode for item in left)
    modes = [(mode, verb, counts[mode]) for mode, verb in VERBS]
    return {"name": name, "query": query, "modes": modes, "done": len(list(done)), "is_part": is_part}
