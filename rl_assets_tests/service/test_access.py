"""Who may do what: keys, sessions, origins, rates; and what hostile input gets."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI, Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from rl_assets.service import access
from rl_assets.service.database import sqlite_file
from rl_assets.service.key_rows import Key
from rl_assets.service.rater_rows import Rater
from rl_assets.service.state import Service, session_key
from rl_assets_tests.support.act_server import with_acts
from rl_assets_tests.support.service_clients import StoppedClock, act, act_fields, client_of, service_at

PAGE = {"Sec-Fetch-Site": "same-origin"}


def guarded(service: Service) -> FastAPI:
    """The service with a route for keys that log, one for raters, and one that begins a session."""
    app = with_acts(service)

    @app.post("/logged")
    def logged(key: Key = Depends(access.require_key(service, "log"))) -> str:  # noqa: B008
        return key.name

    @app.post("/rated")
    def rated(rater: Rater = Depends(access.require_rater(service))) -> str:  # noqa: B008
        access.check_act_rate(service, rater.rater)
        return service.store.record_act(act(f"act-{service.store.counts()['acts']}", rater=rater.rater)).status

    @app.get("/enter")
    def enter(request: Request) -> PlainTextResponse:
        response = PlainTextResponse("in")
        access.start_session(service, request, response, service.store.find_rater("mary"))
        return response

    return app


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def service(tmp_path: Path, clock: StoppedClock) -> Service:
    made = service_at(tmp_path, clock)
    made.store.add_invite("mary", "acme")
    return made


def client(service: Service, url: str = "http://127.0.0.1:8802", address: str = "127.0.0.1") -> TestClient:
    return TestClient(guarded(service), base_url=url, client=(address, 5_000), raise_server_exceptions=False)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_key_opens_what_its_scopes_allow(service: Service):
    log, read, admin = (service.store.add_key(name, [name]) for name in ("log", "read", "admin"))
    with client(service) as asking:
        assert asking.post("/logged", headers=bearer(log)).json() == "log"
        assert asking.post("/logged", headers=bearer(admin)).json() == "admin"
        assert asking.post("/logged", headers=bearer(read)).status_code == 403
        assert asking.post("/logged", headers=bearer(log + "x")).status_code == 401
        missing = asking.post("/logged")
        assert missing.status_code == 401 and "Authorization: Bearer" in missing.json()["detail"]
        service.store.revoke_key("log")
        assert asking.post("/logged", headers=bearer(log)).status_code == 401
        assert not asking.cookies


def test_without_any_key_only_this_machine_by_its_own_name_is_let_in(service: Service):
    assert client(service).post("/logged").status_code == 200
    assert client(service, address="10.0.0.7").post("/logged").status_code == 401
    assert client(service, "http://rebound.example").post("/logged").status_code == 401


def test_the_eleventh_wrong_key_of_a_minute_waits_and_so_does_the_right_one(service: Service, clock: StoppedClock):
    key = service.store.add_key("log", ["log"])
    with client(service) as asking:
        assert {asking.post("/logged", headers=bearer("guess")).status_code for _ in range(10)} == {401}
        late = asking.post("/logged", headers=bearer(key))
        assert late.status_code == 429 and late.headers["retry-after"] == "60"
        clock.advance(60)
        assert asking.post("/logged", headers=bearer(key)).status_code == 200


def test_a_key_asks_a_hundred_times_a_second(service: Service, clock: StoppedClock):
    key = service.store.add_key("log", ["log"])
    with client(service) as asking:
        assert {asking.post("/logged", headers=bearer(key)).status_code for _ in range(100)} == {200}
        assert asking.post("/logged", headers=bearer(key)).status_code == 429
        clock.advance(1)
        assert asking.post("/logged", headers=bearer(key)).status_code == 200


def test_a_rater_acts_sixty_times_a_minute(service: Service, clock: StoppedClock):
    with client(service) as asking:
        asking.get("/enter")
        assert {asking.post("/rated", headers=PAGE).json() for _ in range(60)} == {"new"}
        assert asking.post("/rated", headers=PAGE).status_code == 429
        clock.advance(61)
        assert asking.post("/rated", headers=PAGE).json() == "new"


def test_a_session_ends_after_twelve_hours_and_with_its_rater(service: Service, clock: StoppedClock):
    with client(service) as asking:
        assert asking.post("/rated", headers=PAGE).status_code == 401
        cookie = asking.get("/enter").headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie
        assert asking.post("/rated", headers=PAGE).status_code == 200
        clock.advance(12 * 3600)
        assert asking.post("/rated", headers=PAGE).status_code == 401


def test_a_session_ends_when_the_last_invitation_is_revoked(service: Service):
    with client(service) as asking:
        asking.get("/enter")
        service.store.add_invite("mary", "acme")
        first, second = service.store.invites()
        service.store.revoke_invite(first.invite_id)
        assert asking.post("/rated", headers=PAGE).status_code == 200
        service.store.revoke_invite(second.invite_id)
        assert asking.post("/rated", headers=PAGE).status_code == 401


def test_a_session_does_not_live_again_with_a_new_invitation(service: Service, clock: StoppedClock):
    with client(service) as asking:
        asking.get("/enter")
        service.store.revoke_invite(service.store.invites()[0].invite_id)
        clock.advance(1)
        service.store.add_invite("mary", "acme")
        assert asking.post("/rated", headers=PAGE).status_code == 401
        asking.get("/enter")
        assert asking.post("/rated", headers=PAGE).status_code == 200


def test_behind_https_the_cookie_is_secure(service: Service):
    assert "Secure" in client(service, "https://feedback.example").get("/enter").headers["set-cookie"]


def test_a_cookie_that_is_changed_or_signed_for_another_purpose_is_none(service: Service, tmp_path: Path):
    content = {"rater": "mary", "expires": 4e9}
    signed = access.sign(service.session_key, "session", content)
    body, _, signature = signed.partition(".")
    forged = access.sign(b"another key of as many characters", "session", content)
    other = access.sign(service.session_key, "invite", content)
    for value in (f"{body}x.{signature}", f"{body}.", body, "", ".", "é.é", forged, other, signed[:-1]):
        assert access.signed_content(service.session_key, "session", value) is None
    assert access.signed_content(service.session_key, "session", signed) == content


def test_the_session_key_is_made_once_and_read_by_its_owner_only(tmp_path: Path):
    home = service_at(tmp_path).home
    path = home.service / "session.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert session_key(None, home) == session_key(None, home) == path.read_bytes()
    assert session_key("x" * 32, home) == b"x" * 32


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8802"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://feedback.example"}, 201),
        ({"Origin": "http://127.0.0.1:8802"}, 201),
        ({"Origin": "https://127.0.0.1:8802"}, 403),
        ({"Origin": "http://127.0.0.1:9"}, 403),
        ({"Origin": "null"}, 403),
        ({"Cookie": "any=1"}, 403),
        ({}, 201),
        ({"Sec-Fetch-Site": "cross-site", "Authorization": "Bearer any"}, 201),
        ({"Sec-Fetch-Site": "cross-site", "Authorization": "Basic YTpi"}, 403),
    ],
)
def test_an_act_that_another_site_makes_a_browser_send_leaves_no_row(tmp_path, headers: dict[str, str], status: int):
    made = service_at(tmp_path, service_origins=["https://feedback.example"])
    reply = client_of(made).post("/acts", json=act_fields(), headers=headers)
    assert reply.status_code == status
    assert made.store.counts()["acts"] == (status == 201)


def with_value(value: Any, **fields: Any) -> bytes:
    return json.dumps(act_fields("a", "rating") | {"value": value} | fields).encode("utf-8")


HOSTILE = [
    (b'{"act_id": "a", "value": NaN}', 422, "value"),
    (b'{"act_id": "a", "value": -Infinity}', 422, "value"),
    (b'{"act_id": "a", "value": 1e999}', 422, "value"),
    (with_value(2**63), 422, "value"),
    (with_value(0), 422, None),
    (with_value(6), 422, None),
    (with_value(3.5), 422, None),
    (with_value("4"), 422, "value"),
    (with_value(True), 422, "value"),
    (with_value(4, comment="\ud800"), 422, "comment"),
    (with_value(4, comment="a\x00b"), 422, "comment"),
    (with_value(4, interaction_id=""), 422, "interaction_id"),
    (with_value(4, interaction_id="x" * 513), 422, "interaction_id"),
    (with_value(4, created_at="yesterday"), 422, "created_at"),
    (with_value(4, created_at="2026-11-29T12:00:00"), 422, "created_at"),
    (with_value(4, colour="red"), 422, "colour"),
    (with_value(4, kind="applause"), 422, "kind"),
    (b'{"act_id": "a", "act_id": "b"}', 422, "act_id"),
    (b"[" * 100_000, 422, None),
    (b"{", 422, None),
    (b"\xff{}", 422, None),
    (b'"' + b"x" * 1_000_000 + b'"', 413, None),
]


@pytest.mark.parametrize(("body", "status", "field"), HOSTILE, ids=[str(number) for number in range(len(HOSTILE))])
def test_hostile_input_gets_a_sentence_with_its_field_and_leaves_no_row(service, body: bytes, status: int, field):
    reply = client_of(service).post("/acts", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == status
    detail = reply.json()
    assert detail.keys() == {"detail", "field"} and len(detail["detail"]) > 10
    if field:
        assert detail["field"] == field
    assert service.store.counts()["acts"] == 0


@pytest.mark.parametrize("kind", ["application/problem+json", "text/json", "Application/JSON; charset=utf-8"])
def test_json_by_any_name_is_checked(service: Service, kind: str):
    body = with_value(4, comment="\ud800")
    assert client_of(service).post("/acts", content=body, headers={"Content-Type": kind}).status_code == 422
    assert service.store.counts()["acts"] == 0


def test_values_that_are_nested_deep_are_refused_at_every_depth(service: Service):
    for depth in (101, 950, 963, 980, 990, 20_000):
        body = b'{"act_id": ' + b"[" * depth + b"]" * depth + b"}"
        reply = client_of(service).post("/acts", content=body, headers={"Content-Type": "application/json"})
        assert reply.status_code == 422, depth


def test_half_a_form_of_a_client_that_went_away_is_kept_nowhere(service: Service):
    body = json.dumps(act_fields()).encode("utf-8")
    scope = {"type": "http", "method": "POST", "path": "/acts", "query_string": b"", "scheme": "http", "headers": []}
    scope["headers"] = [(b"host", b"127.0.0.1:8802"), (b"content-type", b"application/json")]
    messages = iter([{"type": "http.request", "body": body, "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(with_acts(service)(scope, receive, send))
    assert sent == [] and service.store.counts()["acts"] == 0


def test_a_body_in_pieces_is_read_no_further_than_its_limit(service: Service):
    sent = 0

    def pieces():
        nonlocal sent
        for _ in range(200):
            sent += 1
            yield b" " * 100_000

    assert client_of(service).post("/acts", content=pieces()).status_code == 413
    assert service.store.counts()["acts"] == 0


def test_an_act_is_acknowledged_once_repeated_as_such_and_refused_with_other_content(service: Service):
    asking = client_of(service)
    first, again = (asking.post("/acts", json=act_fields()) for _ in range(2))
    other = asking.post("/acts", json=act_fields() | {"value": 0})
    assert [first.status_code, again.status_code, other.status_code] == [201, 200, 409]


def test_every_reply_forbids_what_the_pages_do_not_need(service: Service):
    asking = client_of(service)
    for reply in (asking.get("/nowhere"), asking.post("/acts", content=b"{", headers={"Origin": "http://x"})):
        policy = reply.headers["content-security-policy"]
        assert policy.startswith("default-src 'self'") and "unsafe" not in policy
        assert reply.headers["x-content-type-options"] == "nosniff" and reply.headers["cache-control"] == "no-store"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_database_that_may_not_be_written_is_a_503(service: Service):
    sqlite_file(service.home).chmod(0o400)
    assert client_of(service).post("/acts", json=act_fields()).status_code == 503


def test_a_database_that_is_gone_is_a_503_and_nothing_is_acknowledged(service: Service):
    service.store.database.close()
    for path in service.home.service.glob("service.db*"):
        path.unlink()
    sqlite_file(service.home).mkdir()
    reply = client_of(service).post("/acts", json=act_fields())
    assert reply.status_code == 503 and "cannot be used" in reply.json()["detail"]


def test_a_full_disk_is_a_507_and_the_service_lives_on(service: Service):
    asking = client_of(service)
    with service.store.database.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    service.store.database.close()

    from sqlalchemy import event

    limit = pages + 1
    event.listen(
        service.store.database.engine,
        "connect",
        lambda connection, _: connection.execute(f"PRAGMA max_page_count={limit}"),
    )
    full = asking.post("/acts", json=act_fields() | {"comment": "x" * 100_000})
    assert full.status_code == 507 and "disk" in full.json()["detail"]
    assert asking.post("/acts", json=act_fields()).status_code == 201
