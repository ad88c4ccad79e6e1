"""What waits in the service becomes log files, each row once, also if a lander is killed between its steps."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.core.home import Home
from rl_assets.defs.ingestion.new_log_files import new_log_files
from rl_assets.defs.ingestion.raw_tables import landed_logs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.service import landing as landing_steps
from rl_assets.service.answer_rows import Answer
from rl_assets.service.database import StoreError
from rl_assets.service.forms import Asker, Rating
from rl_assets.service.items import Item
from rl_assets.service.lander_lock import lander_lock
from rl_assets.service.landing import land, land_if_used
from rl_assets.service.schema import acts
from rl_assets.service.state import Service
from rl_assets.settings import Settings
from rl_assets.tables.records import FEEDBACK, INTERACTIONS
from rl_assets_tests.support.logs import Product
from rl_assets_tests.support.s3 import bucket, s3_endpoint  # noqa: F401
from rl_assets_tests.support.service_clients import NOW, StoppedClock, act, service_at

DAY = NOW.date()


def answer(name: str, user: str = "mary") -> Answer:
    row = {
        "interaction_id": name,
        "timestamp": NOW.isoformat(),
        "query": f"What is {name}?",
        "answer": f"It is {name}.",
        "agent_type": "general",
        "user_id": user,
    }
    return Answer(name, json.dumps(row), user)


def files(service: Service) -> dict[str, bytes]:
    root = Path(str(service.home.landing))
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_every_kind_of_act_is_a_row_of_its_log_and_a_skip_is_none(tmp_path: Path):
    service = service_at(tmp_path)
    two = {"other_interaction_id": "answer-2", "shown_first": "answer-2", "seconds": 3.5}
    given = [
        act("t", "thumbs", value=0, comment="no"),
        act("r", "rating", value=4, dimension="accuracy"),
        act("c", "comment", comment="well"),
        act("w", "correction", preferred="It is better."),
        act("p", "preference", preferred="yes", rejected="no", **two),
        act("tie", "tie", **two),
        act("skipped", "skip"),
        act("gone", "retraction", retracts="t"),
        act("reward", "reward", value=0.25),
    ]
    for one in given:
        service.store.record_act(one)
    service.store.record_answers([answer("answer-1")])

    landed = land(service.store, service.home)

    assert {file.format: file.rows for file in landed} == {"interaction_log": 1, "feedback_table": 7, "reward_log": 1}
    product = Product.at(tmp_path)
    ingested = product.ingest(DAY)
    assert (ingested.lines, ingested.rejects, ingested.duplicates) == (9, {}, 0)
    rows = {row["feedback_id"]: row for row in product.rows(FEEDBACK)}
    assert {"t", "r", "c", "w", "p", "tie", "gone"} <= rows.keys() and "skipped" not in rows
    assert (rows["r"]["value"], rows["r"]["dimension"], rows["w"]["preferred"]) == (0.75, "accuracy", "It is better.")
    assert [row["interaction_id"] for row in product.rows(INTERACTIONS)] == ["answer-1"]
    assert service.store.counts()["acts_waiting"] == 0


def test_no_odd_text_that_a_form_takes_is_rejected_by_ingestion(tmp_path: Path):
    service = service_at(tmp_path)
    odd = ["null", "NaN", "\u2028x", "a\x85b", "x\ry", "12.0", "\ufeffy", "\x1f", "\u200b", '"', "\\", "<think>x"]
    for number, text in enumerate(odd):
        item = Item("a" * 24, "rate", None, None, (f"answer-{number}",))
        typed = Rating("up", {"tone": "3"}, comment=text, correction=text)
        assert typed.problems("An answer.") == {}
        service.store.record_form(typed.acts(Asker(text or "mary", item, f"{number:032x}", NOW, 1.0), "An answer."))
    land(service.store, service.home)
    ingested = Product.at(tmp_path).ingest(DAY)
    assert (ingested.rejects, ingested.lines) == ({}, service.store.counts()["acts"])


def test_a_skip_that_is_taken_back_is_no_row_either(tmp_path: Path):
    store = service_at(tmp_path).store
    store.record_act(act("s", "skip"))
    assert store.retract("s", "mary", "s-undo").status == "new"
    assert store.counts()["acts_waiting"] == 0 and store.acts_of("mary") == []


def test_nothing_waits_and_nothing_lands_twice(tmp_path: Path):
    service = service_at(tmp_path)
    service.store.record_act(act())
    land(service.store, service.home)
    before = files(service)
    assert land(service.store, service.home) == [] and files(service) == before
    service.store.record_act(act("act-2"))
    (file,) = land(service.store, service.home)
    assert file.rows == 1 and len(files(service)) == 2


@pytest.mark.parametrize("written", [False, True])
def test_what_a_killed_lander_left_is_completed_with_the_same_bytes_under_the_same_name(tmp_path, written: bool):
    service = service_at(tmp_path)
    service.store.record_act(act())
    # A lander that was killed after it had claimed the rows, or after it had written their file.
    claimed = landing_steps._claim(service.store, acts, "feedback_table")
    if written:
        landing_steps._write_file(service.store, service.home, claimed)
    before = files(service)
    service.store.record_act(act("act-2"))

    first, second = land(service.store, service.home)

    assert first == claimed and second.rows == 1
    after = files(service)
    assert len(after) == 2 and all(after[name] == content for name, content in before.items())
    assert Product.at(tmp_path).ingest(DAY).rows == 2


def test_files_of_a_day_lie_some_time_apart(tmp_path: Path):
    clock = StoppedClock()
    service = service_at(tmp_path, clock)
    service.store.record_act(act())
    assert len(land(service.store, service.home, min_seconds=300)) == 1
    service.store.record_act(act("act-2"))
    clock.advance(299)
    assert land(service.store, service.home, min_seconds=300) == []
    clock.advance(1)
    assert len(land(service.store, service.home, min_seconds=300)) == 1


def test_a_file_of_a_clock_that_was_ahead_holds_nothing_up(tmp_path: Path):
    clock = StoppedClock()
    service = service_at(tmp_path, clock)
    service.store.record_act(act())
    assert len(land(service.store, service.home)) == 1
    clock.advance(-86_400)
    service.store.record_act(act("act-2"))
    (file,) = land(service.store, service.home, min_seconds=300)
    assert file.day == str(DAY - timedelta(days=1)) and service.store.counts()["acts_waiting"] == 0


def test_one_lander_is_at_work_at_a_time(tmp_path: Path):
    service = service_at(tmp_path)
    service.store.record_act(act())
    with lander_lock(service.store.database, service.home.service, 0) as held:
        assert held and land(service.store, service.home) == []
    assert len(land(service.store, service.home)) == 1


def test_rows_wait_if_their_file_cannot_be_written(tmp_path: Path):
    service = service_at(tmp_path)
    service.store.record_act(act())
    (tmp_path / "landing").write_text("no folder", encoding="utf-8")
    with pytest.raises(StoreError, match="its rows wait"):
        land(service.store, service.home)
    (tmp_path / "landing").unlink()
    assert [file.rows for file in land(service.store, service.home)] == [1]


def test_a_home_without_a_service_gets_no_database(tmp_path: Path):
    assert land_if_used(Home(tmp_path), None) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.server
def test_files_land_in_an_object_store(tmp_path: Path, bucket: str):  # noqa: F811
    service = service_at(tmp_path, landing_url=f"{bucket}/landing")
    service.store.record_act(act())
    (file,) = land(service.store, service.home)
    with file.path(service.home.landing).open("rb") as written:
        assert json.loads(written.read())["id"] == "act-1"
    assert land(service.store, service.home) == []
    # A service whose database and session key lie elsewhere has no folder in the home.
    landing_steps._write(file.path(service.home.landing), b"{}\n", tmp_path / "nothing" / "service")


@pytest.mark.slow
def test_the_assets_of_today_and_the_sensor_land_what_waits_first(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("RL_ASSETS_HOME", str(tmp_path))
    service = service_at(tmp_path)
    service.store.record_act(act(created_at=datetime.now(UTC)))
    home = HomeResource.from_settings(Settings(home=tmp_path))
    today = str(datetime.now(UTC).date())
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, resources={"home": home})
        (request,) = new_log_files(context)
        assert request.partition_key == today
        # Within five minutes the sensor lands nothing more, but a run of today does.
        service.store.record_act(act("act-2", created_at=datetime.now(UTC)))
        assert list(new_log_files(context)) and service.store.counts()["acts_waiting"] == 1
        assert dg.materialize([landed_logs], instance=instance, partition_key=today, resources={"home": home}).success
    assert {row["feedback_id"] for row in Product.at(tmp_path).rows(FEEDBACK)} == {"act-1", "act-2"}
