"""The routes of /admin: sign in, invite, make and revoke keys. For administrators."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from rl_assets.ingest.parsers import is_missing
from rl_assets.service import rates
from rl_assets.service.access import allowed_brand, start_session
from rl_assets.service.admin_view import admin_page
from rl_assets.service.errors import ServiceError, too_many
from rl_assets.service.items import Items
from rl_assets.service.key_rows import SCOPES, SESSION_PREFIX, session_name
from rl_assets.service.page_parts import Form, PageRoute, admin_of, page, read_form, redirect
from rl_assets.service.rater_rows import Rater
from rl_assets.service.state import Service

NAME_CHARACTERS = 100
MAX_DAYS = 365
ADMIN_DAYS = 1 / 24


def router(service: Service, items: Items) -> APIRouter:
    """The routes of administration."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_page(routes, service, items)
    _add_invites(routes, service, items)
    _add_keys(routes, service, items)
    return routes


def _add_page(routes: APIRouter, service: Service, items: Items) -> None:
    @routes.get("/admin")
    def admin(request: Request) -> Response:
        return admin_page(service, items, request, admin_of(service, request))

    @routes.get("/admin/sign-in")
    def ask_for_key(request: Request) -> Response:
        return page(request, "sign_in", None, narrow=True, problem=None)

    @routes.post("/admin/sign-in")
    def sign_in(request: Request, form: Annotated[Form, Depends(read_form)]) -> Response:
        address = request.client.host if request.client else "unknown"
        if wait := service.rates.wait_of(rates.FAILED_KEYS, address):
            raise too_many(wait, "wrong keys from this address")
        key = service.store.find_key(form.get("key", "").strip())
        if key is None or not key.may("admin"):
            service.rates.count(rates.FAILED_KEYS, address)
            problem = "This key is unknown or revoked, or is not one for administrators."
            return page(request, "sign_in", None, 401, narrow=True, problem=problem)
        secret = service.store.add_invite(session_name(key.name), key.brand, ADMIN_DAYS, admin=True)
        rater = service.store.use_invite(secret)
        if rater is None:
            raise ServiceError(401, "the key was revoked a moment ago")
        response = redirect("/admin")
        start_session(service, request, response, rater)
        return response


def _add_invites(routes: APIRouter, service: Service, items: Items) -> None:
    @routes.post("/admin/invites")
    def invite(request: Request, form: Annotated[Form, Depends(read_form)]) -> Response:
        person = admin_of(service, request)
        rater, days = form.get("rater", "").strip(), form.get("days", "")
        problems = _name_problems("rater", rater) | _rater_problems(service, person, rater)
        if not (days.isascii() and days.isdigit() and len(days) < 4 and 1 <= int(days) <= MAX_DAYS):
            problems |= {"days": f"Choose 1 to {MAX_DAYS} days."}
        if problems:
            return admin_page(service, items, request, person, problems, {"rater": rater, "days": days})
        brand = allowed_brand(person, form.get("brand") or None)
        token = service.store.add_invite(rater, brand, int(days), admin=form.get("role") == "admin")
        secret = {
            "title": f"The invitation of {rater}",
            "text": f"{request.url.scheme}://{request.url.netloc}/join/{token}",
            "note": f"Send this link to {rater} alone: whoever opens it is {rater}. It works for {days} days.",
        }
        return admin_page(service, items, request, person, secret=secret)

    @routes.post("/admin/invites/revoke")
    def revoke(request: Request, form: Annotated[Form, Depends(read_form)]) -> Response:
        person = admin_of(service, request)
        known = {found.invite_id: found for found in service.store.invites()}
        found = known.get(form.get("invite", ""))
        if found is None or (person.brand is not None and found.brand != person.brand):
            raise ServiceError(404, "there is no such invitation")
        service.store.revoke_invite(found.invite_id)
        return redirect("/admin?said=revoked")


def _add_keys(routes: APIRouter, service: Service, items: Items) -> None:
    @routes.post("/admin/keys")
    def make_key(request: Request, form: Annotated[Form, Depends(read_form)]) -> Response:
        person = admin_of(service, request)
        name, scope = form.get("name", "").strip(), form.get("scope", "")
        problems, text = _name_problems("name", name), ""
        wanted = [known for known in SCOPES if known == scope]
        if not wanted:
            problems |= {"name": "Choose what the key may do."}
        brand = allowed_brand(person, form.get("brand") or None)
        if not problems:
            try:
                text = service.store.add_key(name, wanted, brand)
            except ValueError as error:
                problems |= {"name": f"{str(error)[:1].upper()}{str(error)[1:]}."}
        if problems:
            return admin_page(service, items, request, person, problems, {"name": name})
        note = "Programs send it as the header Authorization: Bearer, then a space and the key."
        secret = {"title": f"The key {name}", "text": text, "note": note}
        return admin_page(service, items, request, person, secret=secret)

    @routes.post("/admin/keys/revoke")
    def revoke_key(request: Request, form: Annotated[Form, Depends(read_form)]) -> Response:
        person = admin_of(service, request)
        all_keys = service.store.all_keys()
        found = next((key for key in all_keys if key.name == form.get("name")), None)
        if found is None or (person.brand is not None and found.brand != person.brand):
            raise ServiceError(404, "there is no such key")
        service.store.revoke_key(found.name)
        return redirect("/admin?said=revoked")


def _name_problems(field: str, name: str) -> dict[str, str]:
    if is_missing(name) or len(name) > NAME_CHARACTERS or not name.isprintable():
        return {field: f"Give a name of 1 to {NAME_CHARACTERS} characters."}
    return {}


def _rater_problems(service: Service, person: Rater, rater: str) -> dict[str, str]:
    """Whoever holds an invitation is its rater: nobody makes one for somebody whom they do not administer."""
    known = next((each for each in service.store.raters if each.rater == rater), None)
    is_foreign = person.brand is not None and known is not None and known.brand != person.brand
    if is_foreign or rater.startswith(SESSION_PREFIX):
        return {"rater": "This name is taken: choose another one."}
    return {}
