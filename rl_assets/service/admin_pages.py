"""The page /admin: invitations, keys, progress by brand and person, agreement. For administrators."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from statistics import median
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from rl_assets.service import rates
from rl_assets.service.access import allowed_brand, start_session
from rl_assets.service.acts import Act
from rl_assets.service.agreement import Agreement, agreement_of
from rl_assets.service.errors import ServiceError, too_many
from rl_assets.service.items import Item, Items
from rl_assets.service.key_rows import SCOPES, Scope
from rl_assets.service.page_parts import Form, PageRoute, admin_of, page, read_form, redirect, when
from rl_assets.service.rater_rows import Rater
from rl_assets.service.state import Service
from rl_assets.service.submissions import form_of

NAME_CHARACTERS = 100
MAX_DAYS = 365
ADMIN_DAYS = 1 / 24
SCOPE_NAMES: dict[Scope, str] = {
    "log": "Log answers and feedback",
    "read": "Read statistics",
    "build": "Build datasets",
    "admin": "Everything",
}
COMPARING = ("preference", "tie")
Problems = Mapping[str, str]


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
        return _page(service, items, request, admin_of(service, request))

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
        secret = service.store.add_invite(f"key {key.name}", key.brand, ADMIN_DAYS, admin=True)
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
        problems = _name_problems("rater", rater)
        if not (days.isascii() and days.isdigit() and 1 <= int(days) <= MAX_DAYS):
            problems |= {"days": f"Choose 1 to {MAX_DAYS} days."}
        if problems:
            return _page(service, items, request, person, problems, {"rater": rater, "days": days})
        brand = allowed_brand(person, form.get("brand") or None)
        token = service.store.add_invite(rater, brand, int(days), admin=form.get("role") == "admin")
        secret = {
            "title": f"The invitation of {rater}",
            "text": f"{request.url.scheme}://{request.url.netloc}/join/{token}",
            "note": f"Send this link to {rater} alone: whoever opens it is {rater}. It works for {days} days.",
        }
        return _page(service, items, request, person, secret=secret)

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
            return _page(service, items, request, person, problems, {"name": name})
        note = "Programs send it as the header Authorization: Bearer, then a space and the key."
        secret = {"title": f"The key {name}", "text": text, "note": note}
        return _page(service, items, request, person, secret=secret)

    @routes.post("/admin/keys/revoke")
    def revoke_key(request: Request, form: Annotated[Form, Depends(read_form)]) -> Response:
        person = admin_of(service, request)
        all_keys = service.store.all_keys()
        found = next((key for key in all_keys if key.name == form.get("name")), None)
        if found is None or (person.brand is not None and found.brand != person.brand):
            raise ServiceError(404, "there is no such key")
        service.store.revoke_key(found.name)
        return redirect("/admin?said=revoked")


def _page(
    service: Service,
    items: Items,
    request: Request,
    person: Rater,
    problems: Problems | None = None,
    typed: Mapping[str, str] | None = None,
    secret: Mapping[str, str] | None = None,
) -> Response:
    """The page as this administrator may see it: of their brand only, if they have one."""
    seen = [item for item in items.all() if person.brand is None or item.brand == person.brand]
    verdicts = service.store.verdicts_by_item()
    acts = [act for each in verdicts.values() for act in each if person.brand is None or act.brand == person.brand]
    of_brand = {name: each for name, each in verdicts.items() if person.brand is None or each[0].brand == person.brand}
    brands = [person.brand] if person.brand else sorted({item.brand for item in seen if item.brand})
    now, all_keys = service.store.now_text(), service.store.all_keys()
    return page(
        request,
        "admin",
        person,
        422 if problems else 201 if secret else 200,
        brands=_by_brand(seen, set(verdicts)),
        people=_by_person(acts, service.store.skips_by_rater(person.brand)),
        agreement=_agreement(agreement_of(of_brand)),
        invites=[
            {
                "name": invite.invite_id,
                "rater": invite.rater,
                "brand": invite.brand,
                "admin": invite.admin,
                "until": when(datetime.fromisoformat(invite.expires_at)),
                "state": _state(invite.revoked, invite.expires_at <= now, invite.used_at),
                "is_open": not invite.revoked and invite.expires_at > now,
            }
            for invite in service.store.invites()
            if person.brand is None or invite.brand == person.brand
        ],
        keys=[
            {
                "name": key.name,
                "scopes": ", ".join(SCOPE_NAMES[scope] for scope in SCOPES if scope in key.scopes),
                "brand": key.brand,
                "made": when(datetime.fromisoformat(key.created_at)),
                "is_open": not key.revoked,
            }
            for key in all_keys
            if person.brand is None or key.brand == person.brand
        ],
        known_brands=brands,
        is_of_one_brand=person.brand is not None,
        scopes=SCOPE_NAMES,
        typed={"rater": "", "days": "30", "name": "", **(typed or {})},
        problems=problems or {},
        secret=secret,
    )


def _name_problems(field: str, name: str) -> dict[str, str]:
    if not name or len(name) > NAME_CHARACTERS or not name.isprintable():
        return {field: f"Give a name of 1 to {NAME_CHARACTERS} characters."}
    return {}


def _state(is_revoked: bool, is_over: bool, used_at: str | None) -> str:
    if is_revoked:
        return "Revoked"
    if is_over:
        return "Expired"
    return f"Opened {when(datetime.fromisoformat(used_at))}" if used_at else "Not opened yet"


def _by_brand(items: Iterable[Item], judged: set[str]) -> list[dict[str, Any]]:
    """Items of each brand and mode, and those with a verdict."""
    listed = list(items)
    counts = Counter(
        (item.brand or "", item.mode, is_done) for item in listed for is_done in {False, item.name in judged}
    )
    return [
        {"name": brand or "Without a brand"}
        | {f"{mode}_all": counts[brand, mode, False] for mode in ("rate", "compare")}
        | {f"{mode}_done": counts[brand, mode, True] for mode in ("rate", "compare")}
        for brand in sorted({item.brand or "" for item in listed})
    ]


def _by_person(acts: Iterable[Act], skips: Mapping[str, int]) -> list[dict[str, Any]]:
    """Each person's forms, by the newest first."""
    by_rater: dict[str, list[Act]] = {name: [] for name in skips}
    for act in acts:
        if act.rater:
            by_rater.setdefault(act.rater, []).append(act)
    rows = []
    for name, own in by_rater.items():
        forms = {form_of(act) or act.act_id: act for act in own}
        seconds = [act.seconds for act in forms.values() if act.seconds is not None]
        compared = sum(act.kind in COMPARING for act in forms.values())
        last = max((act.created_at for act in own), default=None)
        rows.append(
            {
                "name": name,
                "rated": len(forms) - compared,
                "compared": compared,
                "skipped": skips.get(name, 0),
                "seconds": f"{median(seconds):.0f}" if seconds else "–",
                "last": when(last) if last else "–",
                "order": last.timestamp() if last else 0.0,
            }
        )
    return sorted(rows, key=lambda row: row["order"], reverse=True)


def _agreement(found: Agreement) -> list[tuple[str, str]]:
    return [
        ("Same choice of two people", _share(found.equal_choices, found.pairs)),
        ("Ratings within one star", _share(found.near_ratings, found.ratings)),
        ("Comparisons without a winner", _share(found.ties, found.compared)),
    ]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%} ({part} of {whole})" if whole else "None yet"
