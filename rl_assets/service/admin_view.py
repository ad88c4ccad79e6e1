"""What the page /admin shows: progress by brand and person, agreement, invitations and keys."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from statistics import median
from typing import Any

from fastapi import Request, Response

from rl_assets.service.acts import Act
from rl_assets.service.agreement import Agreement, agreement_of
from rl_assets.service.items import Item, Items
from rl_assets.service.key_rows import SCOPES, Key, Scope
from rl_assets.service.page_parts import page, when
from rl_assets.service.rater_rows import Invite, Rater
from rl_assets.service.state import Service
from rl_assets.service.submissions import form_of

SCOPE_NAMES: dict[Scope, str] = {
    "log": "Log answers and feedback",
    "read": "Read statistics",
    "build": "Build datasets",
    "admin": "Everything",
}
COMPARING = ("preference", "tie")
Problems = Mapping[str, str]


def admin_page(
    service: Service,
    items: Items,
    request: Request,
    person: Rater,
    problems: Problems | None = None,
    typed: Mapping[str, str] | None = None,
    secret: Mapping[str, str] | None = None,
) -> Response:
    """The page as this administrator may see it: of their brand only, if they have one.

    `problems` are sentences by field, `typed` what the form held, `secret` what is shown this once.
    """
    return page(
        request,
        "admin",
        person,
        422 if problems else 201 if secret else 200,
        **_progress(service, items, person.brand),
        **_access(service, person.brand),
        is_of_one_brand=person.brand is not None,
        scopes=SCOPE_NAMES,
        typed={"rater": "", "days": "30", "name": "", **(typed or {})},
        problems=problems or {},
        secret=secret,
    )


def _progress(service: Service, items: Items, brand: str | None) -> dict[str, Any]:
    seen = [item for item in items.all() if brand is None or item.brand == brand]
    verdicts = service.store.verdicts_by_item()
    acts = [act for each in verdicts.values() for act in each if brand is None or act.brand == brand]
    of_brand = {name: each for name, each in verdicts.items() if brand is None or each[0].brand == brand}
    return {
        "brands": _by_brand(seen, set(verdicts)),
        "people": _by_person(acts, service.store.skips_by_rater(brand)),
        "agreement": _agreement(agreement_of(of_brand)),
        "known_brands": [brand] if brand else sorted({item.brand for item in seen if item.brand}),
    }


def _access(service: Service, brand: str | None) -> dict[str, Any]:
    now = service.store.now_text()
    invites = [invite for invite in service.store.invites() if brand is None or invite.brand == brand]
    keys = [key for key in service.store.all_keys() if brand is None or key.brand == brand]
    return {"invites": [_shown_invite(invite, now) for invite in invites], "keys": [_shown_key(key) for key in keys]}


def _shown_invite(invite: Invite, now: str) -> dict[str, Any]:
    return {
        "name": invite.invite_id,
        "rater": invite.rater,
        "brand": invite.brand,
        "admin": invite.admin,
        "until": when(datetime.fromisoformat(invite.expires_at)),
        "state": _state(invite.revoked, invite.expires_at <= now, invite.used_at),
        "is_open": not invite.revoked and invite.expires_at > now,
    }


def _shown_key(key: Key) -> dict[str, Any]:
    return {
        "name": key.name,
        "scopes": ", ".join(SCOPE_NAMES[scope] for scope in SCOPES if scope in key.scopes),
        "brand": key.brand,
        "made": when(datetime.fromisoformat(key.created_at)),
        "is_open": not key.revoked,
    }


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
