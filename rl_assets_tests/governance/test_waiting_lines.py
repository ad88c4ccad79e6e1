"""Erasing reaches what a gateway has logged and not landed, also while the gateway goes on writing."""

import json
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.core.home import Home
from rl_assets.governance.erasure import Erasure, erase_scope, plan_erasure, scope_of
from rl_assets.ingest.day import ingest_day
from rl_assets.ingest.landing import files_of
from rl_assets.lake.tombstones import Erased
from rl_assets.serving.feedback_lines import Line
from rl_assets.serving.spool import Entry, Spool
from rl_assets.tables.records import FEEDBACK, INTERACTIONS
from rl_assets_tests.support import products
from rl_assets_tests.support.gateways import landed_lines, wait_for
from rl_assets_tests.support.logs import Product, interaction

pytestmark = pytest.mark.slow  # An erasure rewrites every table of the lake.
SECRET = products.SECRET


def answer(name: str, user: str, **fields: object) -> Line:
    now = datetime.now(UTC).isoformat()
    return Line(
        "interaction_log", interaction(name, user_id=user, query=f"{SECRET} of {user}", timestamp=now, **fields)
    )


def thumb(name: str, about: str, **fields: object) -> Line:
    now = datetime.now(UTC).isoformat()
    given = {"id": name, "interaction_id": about, "feedback_type": "thumbs_down", "created_at": now, **fields}
    return Line("feedback_table", given)


def score(about: str, **fields: object) -> Line:
    return Line("reward_log", {"type": "feedback", "interaction_id": about, "reward": 0.5, **fields})


LINES = [
    answer("m1", "mary"),
    answer("t1", "tom"),
    answer("m2", " mary\n"),
    thumb("f1", "m1", comment=f"{SECRET} of mary, says nobody"),
    thumb("f2", "t1", user_id="mary", comment=f"{SECRET} of mary"),
    thumb("f3", "t1", user_id="tom"),
    score("m2"),
    score("t1", user_id="tom"),
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "landing").mkdir()
    return Home(tmp_path)


def log(spool: Spool, lines: list[Line]) -> None:
    for line in lines:
        spool.put(Entry(lambda line=line: line, 100))
    wait_for(lambda: spool.waiting == 0 and spool.bytes_waiting() > 0)


def waiting(home: Home) -> str:
    files = [path for folder in ("spool", "for_service") for path in (home.serving / folder).rglob("*.jsonl")]
    return "".join(path.read_text(encoding="utf-8") for path in files)


def erase(home: Home, order: Erased) -> Erasure:
    lake = products.lake(home.folder)
    return erase_scope(home, lake, order, scope_of(lake, order), products.key(home.folder))


def test_lines_of_the_erased_are_blanked_in_the_files_of_a_running_gateway(home):
    product = Product(home.folder / "landing", products.lake(home.folder))
    spool = Spool(home)
    spool.start()
    log(spool, LINES)
    assert erase(home, products.mary(home.folder)).waiting_lines == 5
    assert "mary" not in waiting(home) and "tom" in waiting(home)
    log(spool, [answer("t2", "tom"), answer("m3", "mary"), thumb("f4", "m2"), thumb("f5", "m3")])
    spool.close()
    assert (spool.accepted, spool.landed, spool.dropped) == (12, 12, 0)
    today = datetime.now(UTC).date()
    day = ingest_day(product.lake, files_of(product.landing, today), today, products.key(home.folder))
    assert day.rejects == {} and day.lines == 7
    assert {row["interaction_id"] for row in product.rows(INTERACTIONS)} == {"t1", "t2"}
    assert {(row["interaction_id"], row["kind"]) for row in product.rows(FEEDBACK)} == {
        ("t1", "thumbs"),
        ("t1", "reward"),
    }


def test_lines_that_wait_for_the_feedback_service_or_were_sealed_are_blanked_too(home):
    fields = [json.dumps(line.fields) for line in (answer("m1", "mary"), answer("t1", "tom"))]
    torn = '{"interaction_id": "m4", "user_id": "mary", "query": "the'
    places = ("for_service/0a1b/7-x.jsonl", "spool/sealed/interaction_log/2026-10-01/gateway-h-1.jsonl")
    for place in places:
        path = home.serving / place
        path.parent.mkdir(parents=True)
        path.write_text("\n".join([*fields, torn]), encoding="utf-8")
    sizes = [(home.serving / place).stat().st_size for place in places]
    order = products.mary(home.folder)
    lake, key = products.lake(home.folder), products.key(home.folder)
    assert plan_erasure(home, lake, order, key).waiting_lines == 4
    assert "mary" in waiting(home)
    assert erase(home, order).waiting_lines == 4
    assert "mary" not in waiting(home) and waiting(home).count(f"{SECRET} of tom") == 2
    assert [(home.serving / place).stat().st_size for place in places] == sizes


def test_the_job_tells_how_many_lines_had_not_landed(home, tmp_path):
    spool = Spool(home)
    spool.start()
    log(spool, LINES[:3])
    job = products.definitions(home.folder).resolve_job_def("erase")
    config = {"ops": {"erase_records": {"config": {"users": ["mary"]}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(run_config=config, instance=instance)
    [output] = [event for event in result.all_events if event.is_successful_output]
    assert output.step_output_data.metadata["gateway_lines_that_had_not_landed"].value == 2
    spool.close()
    assert landed_lines(home) == [LINES[1].fields]
