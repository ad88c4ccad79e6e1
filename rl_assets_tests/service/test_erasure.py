"""Erasure reaches the service: its rows, its log files and the bytes of its database."""

import hashlib
from pathlib import Path

from rl_assets.core.identity import user_hash_key
from rl_assets.lake.tombstones import Erased, hash_user
from rl_assets.service.answer_rows import Answer
from rl_assets.service.erasure import erase_from_service
from rl_assets.service.landing import land
from rl_assets.service.schema import landed_files
from rl_assets.service.state import Service
from rl_assets.settings import Settings
from rl_assets_tests.support.service_clients import act, service_at

SECRET = "zebrafish"
MARY = "mary.zebrafish@example.com"


def order_of_mary(home: Path) -> Erased:
    return Erased(users=frozenset({hash_user(MARY, user_hash_key(None, Settings(home=home).paths))}))


def test_an_id_is_found_as_ingestion_reads_it(tmp_path: Path):
    service = service_at(tmp_path)
    key = user_hash_key(None, service.home)
    service.store.record_act(act("a1", rater="\u200b7.0 "))
    service.store.record_act(act("a2", rater="tom", interaction_id=" answer-9\ufeff"))
    order = Erased(interactions=frozenset({"answer-9"}), users=frozenset({hash_user("7", key)}))
    assert erase_from_service(service.home, None, order, key).rows == {"acts": 2}


def fill(service: Service) -> None:
    """Acts and answers of mary and tom, some landed; tom corrects an answer to mary."""
    store = service.store
    store.add_invite(MARY)
    store.add_invite("tom")
    store.record_act(act("m1", rater=MARY, comment=f"the {SECRET}"))
    store.record_act(act("t1", rater="tom", interaction_id="answer-2", comment="of tom"))
    store.record_answers([Answer("hers", f'{{"query": "my {SECRET}"}}', MARY), Answer("his", '{"query": "x"}', "tom")])
    land(store, service.home)
    store.record_act(act("t2", "correction", rater="tom", interaction_id="hers", preferred=f"A {SECRET}."))
    store.record_act(act("t3", rater="tom", interaction_id="his"))
    store.lease("answer-9", MARY)


def traces(home: Path) -> list[str]:
    """Files below the home that hold her name, or what she wrote."""
    return [str(path) for path in home.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


def test_no_byte_of_the_erased_is_left_and_what_others_said_stays(tmp_path: Path):
    service = service_at(tmp_path)
    fill(service)
    assert len(traces(tmp_path)) >= 3
    key = user_hash_key(None, service.home)

    planned = erase_from_service(service.home, None, order_of_mary(tmp_path), key, dry_run=True)
    assert len(traces(tmp_path)) >= 3
    done = erase_from_service(service.home, None, order_of_mary(tmp_path), key)

    assert done == planned
    assert done.rows == {"acts": 2, "answers": 1, "raters": 1, "invites": 1, "leases": 1}
    assert sorted(name.split("/")[0] for name in done.files) == ["feedback_table", "interaction_log"]
    assert traces(tmp_path) == []
    assert [one.act_id for one in service.store.acts_of("tom")] == ["t3", "t1"]
    assert service.store.find_rater(MARY) is None and service.store.find_rater("tom")
    landed = [path.read_text(encoding="utf-8") for path in sorted((tmp_path / "landing").rglob("*.jsonl"))]
    assert len(landed) == 2 and all(text.count("\n") == 1 for text in landed)
    assert erase_from_service(service.home, None, order_of_mary(tmp_path), key).rows == {}


def test_a_file_that_is_written_again_has_its_new_hash_and_an_archived_one_stays_away(tmp_path: Path):
    service = service_at(tmp_path)
    fill(service)
    (archived,) = (tmp_path / "landing" / "interaction_log").rglob("*.jsonl")
    archived.unlink()
    erase_from_service(service.home, None, order_of_mary(tmp_path), user_hash_key(None, service.home))
    assert not archived.exists()
    (rewritten,) = (tmp_path / "landing" / "feedback_table").rglob("*.jsonl")
    with service.store.database.read() as connection:
        kept = {row.format: row for row in connection.execute(landed_files.select())}
    assert kept["feedback_table"].sha256 == hashlib.sha256(rewritten.read_bytes()).hexdigest()
    assert kept["feedback_table"].rows == 1 and kept["feedback_table"].done
