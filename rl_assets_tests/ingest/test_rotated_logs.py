"""Logs that are rotated, cut or replaced between two looks: every line lands once, or what is missing is named."""

import gzip
import os
import random
import time
from datetime import date
from pathlib import Path
from unittest.mock import Mock

import pytest

from rl_assets.ingest import append_only_logs
from rl_assets.ingest.append_only_logs import land_new_lines
from rl_assets_tests.support.logs import undated_log

TODAY = date(2026, 10, 2)
LONG = "".join(f'{{"id": {number}}}\n' for number in range(2_000))


@pytest.fixture
def log(tmp_path) -> Path:
    return undated_log(tmp_path, "interaction_log")


def add(log: Path, *lines: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))


def look(log: Path, today: date = TODAY) -> list[str]:
    """Land what is new; returns the notices."""
    return land_new_lines(log.parents[1], today).notices


def landed(log: Path) -> list[str]:
    chunks = sorted(log.parent.glob("2026-*/*@*.jsonl"))
    return [line for chunk in chunks for line in chunk.read_text(encoding="utf-8").splitlines()]


def settle(path: Path, hours: int = 1) -> None:
    """As if nobody had written to it for a while."""
    os.utime(path, (time.time() - hours * 3600,) * 2)


def rename(log: Path, name: str) -> None:
    log.rename(log.with_name(name))


def copy_and_truncate(log: Path, name: str) -> None:
    log.with_name(name).write_bytes(log.read_bytes())
    log.write_bytes(b"")


def compress(log: Path, name: str) -> None:
    log.with_name(name).write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()


ROTATIONS = [
    (rename, "service.jsonl.1"),
    (rename, "service.jsonl-20261002"),
    (rename, "service-20261002.jsonl"),
    (rename, "service.jsonl.2026-10-02"),
    (rename, "service.1.jsonl"),
    (rename, "anything.jsonl"),
    (copy_and_truncate, "service.jsonl.1"),
    (copy_and_truncate, "service-20261002.jsonl"),
    (compress, "service.jsonl.1.gz"),
    (compress, "service-20261002.jsonl.gz"),
]


@pytest.mark.parametrize(("rotate", "name"), ROTATIONS)
@pytest.mark.parametrize("first", ["a", "start"], ids=["another first line", "the same first line"])
@pytest.mark.parametrize("start", ["start\n", f"start\n{LONG}"], ids=["short", "long"])
def test_lines_between_the_last_look_and_a_rotation_land_once(log, rotate, name, first, start):
    log.write_text(start, encoding="utf-8")
    assert look(log) == []
    add(log, "between")
    rotate(log, name)
    add(log, first, "after")
    assert look(log) == look(log) == []
    add(log, "later")
    assert look(log) == []
    assert sorted(landed(log)) == sorted([*start.splitlines(), "between", first, "after", "later"])


def test_a_rotation_within_the_same_day_keeps_the_order_of_the_lines(log):
    add(log, "1")
    look(log)
    for number in range(2, 14):
        add(log, str(number))
        rename(log, f"service.jsonl-202610{number:02d}")
        add(log, f"{number}b")
        look(log)
    assert landed(log) == ["1", *(line for number in range(2, 14) for line in (str(number), f"{number}b"))]


def test_a_log_that_rotated_twice_between_two_looks_lands_whole(log):
    add(log, "start", "1")
    look(log)
    add(log, "2")
    rename(log, "service.jsonl.2")
    add(log, "start", "3")
    rename(log, "service.jsonl.1")
    add(log, "start", "4")
    settle(log.with_name("service.jsonl.2"), hours=2)
    settle(log.with_name("service.jsonl.1"), hours=1)
    assert look(log) == []
    assert landed(log) == ["start", "1", "2", "start", "3", "start", "4"]


@pytest.mark.parametrize("content", ["start\nnew\n", f"start\nnew\n{LONG}{LONG}"], ids=["shorter", "longer"])
def test_a_log_that_was_cut_and_grew_again_is_read_from_its_start_and_the_gap_is_named(log, content):
    log.write_text(f"start\n{LONG}", encoding="utf-8")
    look(log)
    log.write_text(content, encoding="utf-8")
    (notice,) = look(log)
    size = len(f"start\n{LONG}")
    assert f"interaction_log/service.jsonl was cut or replaced after {size} bytes of it had landed" in notice
    assert look(log) == []
    assert sorted(landed(log)) == sorted([*f"start\n{LONG}".splitlines(), *content.splitlines()])


def test_a_gap_is_named_when_the_log_has_a_line_again(log):
    add(log, "one", "two")
    look(log)
    log.write_bytes(b"")
    assert look(log) == []
    log.unlink()
    assert look(log) == []
    add(log, "three")
    assert "was cut or replaced after 8 bytes" in look(log)[0]


def test_the_rest_of_a_log_in_a_dated_file_is_no_gap(log):
    add(log, "one")
    look(log)
    add(log, "two")
    rename(log, "service-2026-10-02.jsonl")
    add(log, "three")
    assert look(log) == []


def test_the_nuls_of_a_writer_that_keeps_its_offset_are_no_lines(log):
    add(log, "one", "two")
    look(log)
    log.with_name("service.jsonl.1").write_bytes(log.read_bytes())
    with log.open("r+b") as file:
        file.truncate(0)
        file.seek(1_000_000)
        file.write(b"three\n")
        file.flush()
        assert look(log) == []
        file.seek(2_000_000)
        file.write(b"four\n")
    assert look(log) == []
    assert sorted(landed(log)) == ["four", "one", "three", "two"]


def test_a_log_that_cannot_be_read_stops_no_other(log):
    outside = log.parents[2] / "outside.jsonl"
    add(outside, "secret")
    log.with_name("link.jsonl").symlink_to(outside)
    log.with_name("bad.jsonl.1.gz").write_bytes(gzip.compress(b"one\ntwo\n" * 1_000)[:-20])
    settle(log.with_name("bad.jsonl.1.gz"))
    add(log, "one")
    broken, link = sorted(look(log))
    assert broken.startswith("interaction_log/bad.jsonl.1.gz has not landed: ")
    assert "link.jsonl is a link that leads out of" in link
    assert landed(log) == ["one"]
    assert look(log) == [link], "a damaged file is not decompressed again until it changes"


def test_what_follows_the_last_line_of_a_rotated_file_is_named_once(log):
    log.with_name("service.jsonl.1").write_text('one\n{"torn": ', encoding="utf-8")
    assert look(log) == [] and landed(log) == ["one"], "it may still be written"
    settle(log.with_name("service.jsonl.1"))
    (notice,) = look(log)
    assert notice.startswith("interaction_log/service.jsonl.1 has 9 bytes after its last complete line")
    assert look(log) == []


def test_a_copy_that_is_not_complete_waits(log):
    log.write_text(LONG, encoding="utf-8")
    look(log)
    copy = log.with_name("service-20261002.jsonl")
    copy.write_text(LONG[:1_000], encoding="utf-8")
    look(log)
    copy.write_text(LONG + "last\n", encoding="utf-8")
    log.write_text("new\n", encoding="utf-8")
    assert look(log) == []
    assert sorted(landed(log)) == sorted([*LONG.splitlines(), "last", "new"])


def test_an_older_copy_of_what_has_landed_lands_no_line_again(log):
    log.write_text(f"start\n{LONG}", encoding="utf-8")
    look(log)
    for name, content in (("service.jsonl.bak", f"start\n{LONG}"[:9_000]), ("other.jsonl", f"start\n{LONG[:500]}")):
        log.with_name(name).write_text(content, encoding="utf-8")
        settle(log.with_name(name))
    add(log, "later")
    assert look(log) == look(log) == []
    assert sorted(landed(log)) == sorted(["start", *LONG.splitlines(), "later"])


def test_a_log_that_is_renamed_during_the_look_is_found_by_the_next_one(log, monkeypatch):
    add(log, "one")
    look(log)
    add(log, "two")
    listed = append_only_logs.undated_files(log.parents[1])
    with monkeypatch.context() as patch:
        patch.setattr(append_only_logs, "undated_files", lambda _landing: [*listed, log.with_name("gone.jsonl")])
        rename(log, "service.jsonl.1")
        add(log, "three")
        assert look(log) == []
    add(log, "four")
    assert look(log) == []
    assert sorted(landed(log)) == ["four", "one", "three", "two"]


@pytest.mark.parametrize(("rotate", "name"), ROTATIONS)
def test_a_log_that_is_rotated_after_its_landing_was_killed_lands_once(log, monkeypatch, rotate, name):
    add(log, "start", "one")
    look(log)
    add(log, "two")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(append_only_logs, "write_atomically", Mock(side_effect=KeyboardInterrupt))
        look(log)
    add(log, "three")
    rotate(log, name)
    add(log, "start", "four")
    assert look(log) == look(log) == []
    assert sorted(landed(log)) == sorted(["start", "one", "two", "three", "start", "four"])


def test_a_file_that_did_not_change_is_not_opened_again(log, monkeypatch):
    add(log, "one")
    look(log)
    rename(log, "service.jsonl.1")
    with monkeypatch.context() as patch:
        patch.setattr(append_only_logs, "uncompressed", lambda path: pytest.fail(f"{path} was opened"))
        assert look(log) == []


def test_a_state_of_an_earlier_version_is_continued(log):
    add(log, "one", "two")
    look(log)
    (state,) = (log.parent / ".growing").glob("service.*.json")
    earlier = state.with_name(f"service-{state.stem.rpartition('-')[2]}.json")
    earlier.write_text('{"begun": null, "landed": 4}\n', encoding="utf-8")
    for file in (state, state.with_name("looks.json")):
        file.unlink()
    look(log)
    assert sorted(landed(log)) == ["one", "two", "two"], "the rest of what that state had landed"
    log.write_text("one\nchanged\n", encoding="utf-8")
    assert "was cut" in look(log)[0]


class Service:
    """Writes a log, whose first line may always be the same, and rotates it, in an order drawn by the seed."""

    def __init__(self, log: Path, seed: int) -> None:
        self.log, self.draw, self.lines = log, random.Random(seed), list[str]()
        self.greets = self.draw.random() < 0.5

    def write(self) -> None:
        is_new = not self.log.exists() or not self.log.stat().st_size
        number = len(self.lines)
        lines = ["start"] if is_new and self.greets else []
        lines += [f"line {number + index}" for index in range(self.draw.choice([1, 3, 300]))]
        add(self.log, *lines)
        self.lines += lines

    def rotate(self, step: int) -> None:
        rotate, suffix = self.draw.choice([(rename, ""), (copy_and_truncate, ""), (compress, ".gz")])
        name = self.draw.choice([f"service.jsonl.{step}", f"service.jsonl-202610{step}", f"service-202610{step}.jsonl"])
        rotate(self.log, name + suffix)
        os.utime(self.log.with_name(name + suffix), (time.time() - 10_000 + step,) * 2)
        if self.draw.random() < 0.7:
            self.write()


@pytest.mark.parametrize("seed", range(6))
def test_every_line_lands_once_whatever_the_order_of_lines_looks_and_rotations(log, monkeypatch, seed):
    service = Service(log, seed)
    monkeypatch.setattr(append_only_logs, "CHUNK_BYTES", service.draw.choice([64, 4096, 2**26]))
    for step in range(10, 22):
        action = service.draw.random()
        if action < 0.4:
            service.write()
        elif action < 0.7:
            assert look(log) == []
        elif log.exists() and log.stat().st_size:
            service.rotate(step)
    assert look(log) == look(log) == []
    assert sorted(landed(log)) == sorted(service.lines)
