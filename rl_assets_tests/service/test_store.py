"""What the service keeps, in SQLite and PostgreSQL: acts once per id, leases, invitations, keys."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy

from rl_assets.service.answer_rows import Answer
from rl_assets.service.database import StoreError
from rl_assets.service.schema import metadata
from rl_assets.service.store import Store
from rl_assets_tests.support.postgres import postgres_server  # noqa: F401
from rl_assets_tests.support.service_clients import NOW, StoppedClock, act, service_at


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.server])])
def store(request, tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_server").url
    service = service_at(tmp_path, service_database=url)
    yield service.store
    if url:
        metadata.drop_all(service.store.database.engine)
    service.store.database.close()


def test_an_act_that_comes_again_is_one_row_and_other_content_under_its_id_is_refused(store: Store):
    assert store.record_act(act()).status == "new"
    again = act(created_at=NOW + timedelta(minutes=1), seconds=3.0)
    assert store.record_act(again).status == "repeated"
    other = store.record_act(act(value=0))
    assert (other.status, other.act.value) == ("conflict", 1)
    assert store.counts()["acts"] == 1


def test_of_clients_that_send_one_act_at_the_same_time_one_is_told_that_it_is_new(store: Store):
    with ThreadPoolExecutor(8) as clients:
        recorded = list(clients.map(store.record_act, [act()] * 24))
    assert sorted(one.status for one in recorded) == ["new"] + ["repeated"] * 23


def test_acts_that_come_together_each_get_their_own_result(store: Store):
    acts = [act(f"act-{number}", value=number % 2) for number in range(120)]
    with ThreadPoolExecutor(16) as clients:
        recorded = list(clients.map(store.record_act, acts))
    assert [one.act for one in recorded] == acts
    assert {one.status for one in recorded} == {"new"}
    assert store.counts() == {"acts": 120, "acts_waiting": 120, "answers": 0, "answers_waiting": 0}


def test_an_act_is_read_as_it_was_written(store: Store):
    kept = act(
        "c", "preference", preferred="Ünï 🦓\n", rejected="", other_interaction_id="answer-2", shown_first="answer-2"
    )
    store.record_act(kept)
    assert store.find_act("c") == kept
    assert store.verdicts_by_item() == {kept.item: [kept]}
    assert store.verdicts_by_item(["answer-1"]) == {}


def test_what_was_taken_back_stands_no_more_and_only_its_rater_may_take_it_back(store: Store):
    store.record_act(act())
    store.record_act(act("skipped", "skip", interaction_id="answer-2"))
    assert store.retract("act-1", "tom", "undo-1") is None
    assert [one.act_id for one in store.acts_of("mary")] == ["skipped", "act-1"]
    assert store.retract("act-1", "mary", "undo-1").status == "new"
    assert store.retract("act-1", "mary", "undo-1").status == "repeated"
    assert [one.act_id for one in store.acts_of("mary")] == ["skipped"]
    assert store.raters_by_item() == {"answer-2": {"mary": {"skip"}}}
    assert store.retract("undo-1", "mary", "undo-2") is None


def test_a_lease_is_of_one_rater_until_it_expires(tmp_path: Path):
    clock = StoppedClock()
    store = service_at(tmp_path, clock).store
    assert store.lease("answer-1", "mary") and not store.lease("answer-1", "tom")
    assert store.leased_to_others("tom") == {"answer-1"} and store.leased_to_others("mary") == set()
    clock.advance(601)
    assert store.leased_to_others("tom") == set()
    assert store.lease("answer-1", "tom") and not store.lease("answer-1", "mary")
    store.release("answer-1", "tom")
    assert store.lease("answer-1", "mary")


def test_an_invitation_lets_its_rater_in_until_it_expires_or_is_revoked(tmp_path: Path):
    clock = StoppedClock()
    store = service_at(tmp_path, clock).store
    token = store.add_invite("mary", "acme", days=1)
    assert store.use_invite(token).brand == "acme" and store.use_invite("guessed") is None
    clock.advance(86_401)
    assert store.use_invite(token) is None
    second = store.add_invite("mary", "acme")
    (invite,) = [one for one in store.invites() if one.used_at is None]
    assert store.revoke_invite(invite.invite_id) and store.use_invite(second) is None


def test_secrets_are_nowhere_in_the_database(tmp_path: Path):
    store = service_at(tmp_path).store
    secrets = [store.add_key("prod", ["log"]), store.add_invite("mary")]
    store.database.close()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "service").iterdir())
    assert not [secret for secret in secrets if secret.encode("ascii") in kept]


def test_a_revoked_key_is_unknown_and_its_name_stays_taken(store: Store):
    key = store.add_key("prod", ["log", "read"], "acme")
    assert store.find_key(key).scopes == {"log", "read"}
    assert store.revoke_key("prod") and store.find_key(key) is None
    with pytest.raises(ValueError, match="prod already"):
        store.add_key("prod", ["log"])


def test_a_logged_answer_is_kept_once(store: Store):
    first = Answer("a", '{"interaction_id": "a"}')
    other = Answer("a", '{"interaction_id": "a", "answer": "no"}')
    statuses = [one.status for one in store.record_answers([first, first, other, Answer("b", "{}")])]
    assert statuses == ["new", "repeated", "conflict", "new"]


def test_writers_in_several_connections_wait_for_each_other(tmp_path: Path):
    stores = [service_at(tmp_path).store for _ in range(4)]

    def write(number: int) -> str:
        return stores[number % 4].record_act(act(f"act-{number}")).status

    with ThreadPoolExecutor(8) as clients:
        assert set(clients.map(write, range(80))) == {"new"}


def test_sqlite_outlives_a_power_cut_and_begins_writes_as_writes(tmp_path: Path):
    database = service_at(tmp_path).store.database
    with database.write() as connection:
        pragmas = [sqlalchemy.text(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "busy_timeout")]
        assert [connection.execute(pragma).scalar() for pragma in pragmas] == ["wal", 2, 30_000]
        with (
            closing(sqlite3.connect(str(database.url.database), timeout=0, isolation_level=None)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("BEGIN IMMEDIATE")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://host/name", "use postgresql:// or sqlite:///"),
        ("no url", "is no URL like"),
        ("postgresql://user:secret@127.0.0.1:1/name", "cannot be used"),
        ("sqlite:////proc/service.db", "cannot be used"),
    ],
)
def test_a_database_that_cannot_be_used_is_a_sentence_without_its_password(tmp_path: Path, url: str, sentence: str):
    with pytest.raises(StoreError, match=sentence) as raised:
        service_at(tmp_path, service_database=url)
    assert "secret" not in str(raised.value)
