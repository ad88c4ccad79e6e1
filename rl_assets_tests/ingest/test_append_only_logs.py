"""Logs that grow without a date in their path: every complete line is landed once, whatever happens in between."""

from datetime import date
from pathlib import Path

import pytest

from rl_assets.ingest import append_only_logs, log_state
from rl_assets.ingest.append_only_logs import land_new_lines
from rl_assets.ingest.landing import files_of
from rl_assets_tests.support.logs import undated_log

TODAY = date(2026, 10, 2)


@pytest.fixture
def log(tmp_path) -> Path:
    return undated_log(tmp_path, "reward_log")


def landed(log: Path, *days: date) -> str:
    landing = log.parent.parent
    return "".join(file.path.read_text(encoding="utf-8") for day in days or (TODAY,) for file in files_of(landing, day))


def append(log: Path, text: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(text)


def land_all(log: Path, **options) -> int:
    chunks = land_new_lines(log.parent.parent, options.pop("today", TODAY), **options).chunks
    return sum(chunk.end - chunk.start for chunk in chunks)


def test_new_lines_are_landed_and_old_ones_are_not_landed_again(log):
    append(log, "one\n")
    assert land_all(log) == 4
    assert land_all(log) == 0
    append(log, "two\n")
    assert land_all(log) == 4
    assert landed(log) == "one\ntwo\n"


def test_a_torn_last_line_waits_for_its_end(log):
    append(log, "one\ntw")
    land_all(log)
    assert landed(log) == "one\n"
    append(log, "o\n")
    land_all(log)
    assert landed(log) == "one\ntwo\n"


def test_lines_that_arrive_later_are_landed_under_their_day_of_arrival(log):
    append(log, "one\n")
    land_all(log)
    append(log, "two\n")
    land_all(log, today=date(2026, 10, 3))
    assert landed(log, date(2026, 10, 3)) == "two\n"


@pytest.mark.parametrize("writes_before_death", range(5))
def test_a_run_killed_between_two_writes_is_finished_by_the_next(log, monkeypatch, writes_before_death):
    append(log, "one\ntwo\n")
    count = 0

    def dying(write):
        def write_or_die(*arguments):
            nonlocal count
            if count == writes_before_death:
                raise KeyboardInterrupt
            count += 1
            write(*arguments)

        return write_or_die

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(log_state, "write_json", dying(log_state.write_json))
        patch.setattr(append_only_logs, "write_atomically", dying(append_only_logs.write_atomically))
        land_all(log)
    append(log, "three\n")
    land_all(log, today=date(2026, 10, 3))
    assert sorted(landed(log, TODAY, date(2026, 10, 3)).split()) == ["one", "three", "two"]


def test_a_rotated_log_is_read_from_its_start(log):
    append(log, "one\n")
    land_all(log)
    log.write_text("another first line\n", encoding="utf-8")
    land_all(log)
    assert sorted(landed(log).splitlines()) == ["another first line", "one"]


def test_chunks_end_at_line_ends_whatever_the_length_of_a_line(log, monkeypatch):
    monkeypatch.setattr(append_only_logs, "CHUNK_BYTES", 8)
    append(log, "short\n" + "x" * 50 + "\nend\n")
    assert land_all(log) == 61
    assert sorted(landed(log).splitlines()) == sorted(["short", "x" * 50, "end"])


def test_dated_files_are_left_alone(log):
    dated = log.with_name("2026-10-01.jsonl")
    dated.write_text("dated\n", encoding="utf-8")
    assert land_all(log) == 0
    assert dated.read_text(encoding="utf-8") == "dated\n"
