"""Logs that grow without a date in their path: every complete line is landed once, whatever happens in between."""

import json
from datetime import date
from pathlib import Path

import pytest

from rl_assets.ingest import append_only_logs
from rl_assets.ingest.append_only_logs import land_new_lines
from rl_assets.ingest.landing import LandingError, files_of

TODAY = date(2026, 10, 2)


@pytest.fixture
def log(tmp_path) -> Path:
    path = tmp_path / "landing" / "reward_log" / "service.jsonl"
    path.parent.mkdir(parents=True)
    return path


def landed(log: Path, *days: date) -> str:
    landing = log.parent.parent
    return "".join(file.path.read_text(encoding="utf-8") for day in days or (TODAY,) for file in files_of(landing, day))


def append(log: Path, text: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(text)


def land_all(log: Path, **options) -> int:
    return sum(
        chunk.end - chunk.start for chunk in land_new_lines(log.parent.parent, options.pop("today", TODAY), **options)
    )


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


def test_a_history_can_be_landed_under_the_days_of_its_events(log):
    moments = ["2026-09-01T23:00:00Z", "2026-09-02T01:00:00+02:00", 1788307200, 1788307200000, "no time"]
    append(log, "".join(json.dumps({"timestamp": moment}) + "\n" for moment in moments))
    land_all(log, by="event-time")
    by_day = {day: landed(log, date.fromisoformat(day)).count("\n") for day in ("2026-09-01", "2026-09-02", str(TODAY))}
    assert by_day == {"2026-09-01": 2, "2026-09-02": 2, str(TODAY): 1}


@pytest.mark.parametrize("writes_before_death", range(3))
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
        for name in ("write_json", "write_atomically"):
            patch.setattr(append_only_logs, name, dying(getattr(append_only_logs, name)))
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


def test_a_log_that_was_cut_is_an_error_that_names_it(log):
    append(log, "one\ntwo\n")
    land_all(log)
    log.write_text("one\n", encoding="utf-8")
    with pytest.raises(LandingError, match=r"service\.jsonl was truncated: it has 4 bytes, but 8 of it have landed"):
        land_all(log)


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
