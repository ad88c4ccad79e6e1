"""The logger of a product against a service that is alive, away, hanging or failing, over forks, kills and exits."""

import json
import math
import os
import subprocess
import sys
import time
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rl_assets import logger as logger_module
from rl_assets.logger import BATCH_LINES, BODY_BYTES, QUEUE_LINES, Interaction, InteractionLogger
from rl_assets_tests.support.log_service import accepting, failing, hanging, log_service
from rl_assets_tests.support.servers import free_port


@pytest.fixture
def logger_of(tmp_path: Path):
    """Make loggers that try often, and close them."""
    made = []

    def make(url: str, **options: Any) -> InteractionLogger:
        options = {"batch_seconds": 0.02, "first_retry": 0.02, "max_retry": 0.1, "timeout": 0.3, **options}
        made.append(InteractionLogger(url, "secret-key", tmp_path / "spool", **options))
        return made[-1]

    yield make
    for each in made:
        each.close(0.2)


def spooled(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "spool").rglob("*.jsonl"))


def test_each_answer_arrives_once_with_its_fields(logger_of):
    with log_service() as service:
        logger = logger_of(service.url)
        ids = [logger.log(Interaction("Why?", f"Because {i}.", category="maths", cost_usd=0.0)) for i in range(1_200)]
        assert logger.flush(10)
    assert list(service.rows) == ids and set(service.received.values()) == {1}
    row = service.rows[ids[7]]
    assert (row["query"], row["answer"], row["agent_type"], row["category"]) == (
        "Why?",
        "Because 7.",
        "general",
        "maths",
    )
    assert row["cost_usd"] == 0.0 and "latency_ms" not in row and "user_id" not in row
    assert abs(datetime.fromisoformat(row["timestamp"]) - datetime.now(UTC)).total_seconds() < 60
    assert service.keys == {"Bearer secret-key"} and service.requests < 20


def test_fields_of_the_log_format_that_have_no_argument_are_sent_as_they_are(logger_of, monkeypatch):
    with log_service() as service:
        logger = logger_of(service.url)
        monkeypatch.setitem(logger_module._default, "logger", logger)
        given = logger_module.log_interaction("Why?", "So.", interaction_id="i-1", messages=[], segment="acme")
        assert logger.flush(5)
    assert given == "i-1" and service.rows["i-1"]["segment"] == "acme"


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def test_values_that_are_no_json_are_replaced_and_counted(logger_of):
    cycle: list[Any] = []
    cycle.append(cycle)
    replaced = [math.nan, math.inf, b"\xff\x00", Hostile(), "a\ud800b", "a\x00b", 2**63, cycle]
    kept = [np.float32(0.5), Decimal("0.25"), ("x",), datetime(2026, 10, 1, tzinfo=UTC), -(2**63)]
    with log_service() as service:
        logger = logger_of(service.url)
        given = logger.log(
            Interaction("Why?", "So.", sources=[*replaced, *kept, {3: 4}], quality_scores={"overall": math.nan})
        )
        assert logger.flush(5)
    row = service.rows[given]
    assert row["sources"] == [
        *(None, None, "\ufffd\ufffd", "<Hostile>", "a?b", "a\ufffdb", None, [None]),
        *(0.5, 0.25, ["x"], "2026-10-01T00:00:00+00:00", -(2**63)),
        {"3": 4},
    ]
    assert row["quality_scores"] == {"overall": None}
    assert logger.get_stats()["replaced"] == len(replaced) + 2


def test_what_cannot_be_a_line_is_counted_and_nothing_is_raised(logger_of):
    class Broken(dict):
        def items(self):
            raise RuntimeError("broken")

    logger = logger_of("http://127.0.0.1:1")
    for odd in (None, 7, Interaction("q", "a", quality_scores=Broken(a=1)), Interaction("q", "x" * BODY_BYTES)):
        assert logger.log(odd)
    assert logger.dropped == 4


@pytest.mark.parametrize("url", ["localhost:8802", "http://", "http://a b:c", "http://127.0.0.1:99999", "\ud800"])
def test_an_address_that_is_none_leaves_the_answers_waiting(logger_of, url):
    logger = logger_of(url)
    logger.log(Interaction("Why?", "So."))
    assert not logger.flush(0.2)
    stats = logger.get_stats()
    assert (stats["logged"], stats["waiting"], stats["service"]) == (1, 1, None) and stats["last_error"]
    assert logger.get_interactions() is None


@pytest.mark.slow
@pytest.mark.parametrize("condition", ["dead", "hanging", "failing"])
def test_ten_thousand_answers_reach_a_service_that_comes_back(logger_of, tmp_path, condition):
    port = free_port()
    behaviour = {"hanging": hanging, "failing": failing}.get(condition)
    logger = logger_of(f"http://127.0.0.1:{port}")
    answers = [Interaction(f"Question {i}?", "An answer. " * 20) for i in range(QUEUE_LINES)]
    if behaviour:
        with log_service(behaviour, port) as service:
            ids = [logger.log(answer) for answer in answers]
            assert not logger.flush(0.5)
            assert not service.rows
    else:
        ids = [logger.log(answer) for answer in answers]
        assert not logger.flush(0.5)
    assert [path.stat().st_mode & 0o777 for path in spooled(tmp_path)] == [0o600]
    with log_service(accepting, port) as service:
        assert logger.flush(30)
    assert set(service.rows) == set(ids) and logger.dropped == 0
    assert [path.stat().st_size for path in spooled(tmp_path)] == [0]


def test_a_refused_line_costs_no_other(logger_of):
    def refuses_one(lines: list[Any]) -> int:
        return 422 if any(line["query"] == "bad" for line in lines) else 200

    with log_service(refuses_one) as service:
        logger = logger_of(service.url)
        for i in range(BATCH_LINES):
            logger.log(Interaction("bad" if i in (3, 77) else "good", "a", interaction_id=str(i)))
        assert logger.flush(10)
    assert len(service.rows) == BATCH_LINES - 2 and not {"3", "77"} & set(service.rows)
    stats = logger.get_stats()
    assert (stats["sent"], stats["rejected"], stats["waiting"], stats["last_error"]) == (
        498,
        2,
        0,
        "ConnectionRefusedError",
    )


def test_a_full_queue_drops_the_newest_and_counts_it(logger_of, monkeypatch):
    monkeypatch.setattr(logger_module, "SPOOL_BYTES", 0)
    monkeypatch.setattr(logger_module, "QUEUE_LINES", 600)
    port = free_port()
    logger = logger_of(f"http://127.0.0.1:{port}")
    for i in range(600 + BATCH_LINES + 300):
        logger.log(Interaction("q", "a", interaction_id=str(i)))
    logged = logger.get_stats()["logged"]
    assert logger.dropped == 600 + BATCH_LINES + 300 - logged >= 300
    with log_service(port=port) as service:
        assert logger.flush(10)
    assert len(service.rows) == logged and {str(i) for i in range(600)} <= set(service.rows)


def test_memory_stays_bounded_while_long_answers_cannot_be_sent(logger_of, monkeypatch):
    monkeypatch.setattr(logger_module, "SPOOL_BYTES", 0)
    monkeypatch.setattr(logger_module, "QUEUE_BYTES", 4 * 2**20)
    logger, answer = logger_of("http://127.0.0.1:1"), "x" * 500_000
    tracemalloc.start()
    for _ in range(30):
        logger.log(Interaction("q", answer))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 8 * 2**20 and logger.dropped > 15


def test_a_spool_without_a_folder_to_write_keeps_answers_in_memory(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    port = free_port()
    logger = InteractionLogger(
        f"http://127.0.0.1:{port}", spool=tmp_path / "file", batch_seconds=0.02, first_retry=0.02, max_retry=0.05
    )
    logger.log(Interaction("q", "a", interaction_id="i-1"))
    assert not logger.flush(0.2)
    with log_service(port=port) as service:
        assert logger.flush(5)
    assert list(service.rows) == ["i-1"]
    logger.close()


PRODUCT = """
import os, sys, time
from rl_assets.logger import Interaction, InteractionLogger
logger = InteractionLogger(sys.argv[1], spool=sys.argv[2], timeout=float(sys.argv[4]), first_retry=0.01, max_retry=0.05)
for i in range(100):
    logger.log(Interaction("q", "a", interaction_id=f"p-{i}"))
if sys.argv[3] == "killed":
    logger.flush(1.5)
    os.write(2, b"spooled")
    os.kill(os.getpid(), 9)
"""


def run_product(url: str, tmp_path: Path, end: str, timeout: float = 0.3) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PRODUCT, url, str(tmp_path / "spool"), end, str(timeout)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("end", ["exit", "killed"])
def test_the_next_process_sends_what_a_dead_one_left(logger_of, tmp_path, end):
    port = free_port()
    product = run_product(f"http://127.0.0.1:{port}", tmp_path, end)
    assert product.stdout == "" and product.stderr == ("spooled" if end == "killed" else "")
    left = spooled(tmp_path)
    assert sum(len(path.read_bytes().splitlines()) for path in left) == 100
    with left[0].open("ab") as cut:
        cut.write(b'{"interaction_id": "cut o')
    with log_service(port=port) as service:
        logger = logger_of(service.url)
        logger.log(Interaction("q", "a", interaction_id="own"))
        assert logger.flush(10)
    assert set(service.rows) == {"own", *(f"p-{i}" for i in range(100))}
    stats = logger.get_stats()
    assert (stats["sent"], stats["adopted"], stats["waiting"]) == (1, 101, 0)
    assert not left[0].exists()


def test_a_living_process_keeps_its_spool_to_itself(logger_of, tmp_path):
    first, second = logger_of("http://127.0.0.1:1"), logger_of("http://127.0.0.1:1")
    for each in (first, second):
        each.log(Interaction("q", "a"))
        each.flush(0.1)
    assert [len(path.read_bytes().splitlines()) for path in spooled(tmp_path)] == [1, 1]


@pytest.mark.slow
def test_a_process_ends_within_two_seconds_while_the_service_hangs(tmp_path):
    with log_service(hanging) as service:
        start = time.monotonic()
        run_product("http://127.0.0.1:1", tmp_path / "other", "exit")
        bare = time.monotonic() - start
        start = time.monotonic()
        run_product(service.url, tmp_path, "exit", timeout=30)
        assert time.monotonic() - start < 2 * bare + 2
    assert sum(len(path.read_bytes().splitlines()) for path in spooled(tmp_path)) == 100


FORKING = """
import multiprocessing, os, sys
from rl_assets.logger import Interaction, InteractionLogger
logger = InteractionLogger(sys.argv[1], spool=sys.argv[2], batch_seconds=5)

def work(name):
    for i in range(50):
        logger.log(Interaction("q", "a", interaction_id=f"{name}-{i}"))

work("parent")
children = [multiprocessing.get_context("fork").Process(target=work, args=(f"child{n}",)) for n in range(2)]
[child.start() for child in children]
[child.join() for child in children]
pid = os.fork()
if not pid:
    work("raw")
    assert logger.flush(5)
    os._exit(0)
os.waitpid(pid, 0)
"""


@pytest.mark.slow
def test_forked_processes_send_what_they_logged_and_nothing_of_their_parent(tmp_path):
    with log_service() as service:
        command = [sys.executable, "-c", FORKING, service.url, str(tmp_path / "spool")]
        assert subprocess.run(command, timeout=60, check=False).returncode == 0
    expected = {f"{name}-{i}" for name in ("parent", "child0", "child1", "raw") for i in range(50)}
    assert set(service.rows) == expected and set(service.received.values()) == {1}


def test_an_answer_logged_after_the_end_is_spooled(logger_of, tmp_path):
    logger = logger_of("http://127.0.0.1:1")
    logger.close()
    logger.log(Interaction("q", "a"))
    assert logger.dropped == 1 and not spooled(tmp_path)


def test_the_file_imports_nothing_but_the_standard_library(tmp_path):
    copy = tmp_path / "copied.py"
    copy.write_bytes(Path(logger_module.__file__).read_bytes())
    code = "import copied, sys; print(copied.log_interaction('q', 'a', timestamp='2026-10-01T10:00:00Z'))"
    environment = {
        "PATH": os.environ["PATH"],
        "XDG_STATE_HOME": str(tmp_path),
        "RL_ASSETS_SERVICE_URL": "http://127.0.0.1:1",
    }
    command = [sys.executable, "-S", "-c", code]
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0 and run.stderr == ""
    lines = [json.loads(line) for path in tmp_path.rglob("*.jsonl") for line in path.read_bytes().splitlines()]
    assert [line["interaction_id"] for line in lines] == [run.stdout.strip()]
