"""A history that is imported under its own dates: each line lies under the day that its format reads from it."""

import json
from datetime import date
from pathlib import Path

import pytest

from rl_assets.ingest.append_only_logs import land_new_lines
from rl_assets.ingest.landing import files_of, formats
from rl_assets_tests.support.logs import interaction
from rl_assets_tests.support.pages import DOCS, blocks

TODAY, DAY = date(2026, 11, 28), date(2026, 10, 1)


def land(tmp_path: Path, log_format: str, lines: list[str]) -> dict[str, list[str]]:
    """The lines of each day."""
    log = tmp_path / "landing" / log_format / "history.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    assert land_new_lines(tmp_path / "landing", TODAY, "event-time").notices == []
    chunks = log.parent.glob("????-*/*.jsonl")
    return {chunk.parent.name: chunk.read_text(encoding="utf-8").splitlines() for chunk in chunks}


MESSAGES = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Good day."}]
MESSAGE = {"message_id": "m", "role": "prompter", "text": "Hello?", "created_date": "2026-10-01T10:00:00Z"}
REPLY = {**MESSAGE, "message_id": "n", "role": "assistant"}
LINES = {
    "interaction_log": interaction("a"),
    "reward_log": {"type": "feedback", "interaction_id": "a", "reward": 1, "timestamp": 1790848800},
    "feedback_table": {
        "id": "f",
        "interaction_id": "a",
        "feedback_type": "thumbs_up",
        "created_at": "2026-10-01 10:00",
    },
    "langfuse": {
        "trace": {"id": "t", "timestamp": "2026-10-01T10:00:00Z"},
        "observations": [{"type": "GENERATION", "input": MESSAGES[:1], "output": "Good day."}],
    },
    "openai_chat": {"id": "c", "created": 1790848800, "messages": MESSAGES},
    "tensorzero": {
        "id": "01a0f6e8-1500-7000-8000-000000000001",
        "function_name": "greet",
        "input": {"messages": MESSAGES[:1]},
        "output": [{"type": "text", "text": "Good day."}],
    },
    "oasst_trees": {"message_tree_id": "m", "prompt": {**MESSAGE, "replies": [REPLY]}},
}


@pytest.mark.parametrize("log_format", LINES)
def test_a_line_lies_under_the_day_of_its_event_in_every_format(tmp_path, log_format):
    lines = [json.dumps(LINES[log_format]), "{"]
    assert land(tmp_path, log_format, lines) == {str(DAY): lines[:1], str(TODAY): lines[1:]}


@pytest.mark.parametrize("log_format", formats())
def test_no_line_of_an_example_is_lost(tmp_path, log_format):
    pages = blocks("json", (DOCS / "log-formats.md",))
    (block,) = [block for block in pages if f"landing/{log_format}/" in block.title]
    lines = block.text.strip().splitlines()
    landed = land(tmp_path, log_format, lines)
    assert sorted(line for part in landed.values() for line in part) == sorted(lines)


MOMENTS = [
    *("2026-10-01T10:00:00.123456789Z", "2026-10-01T10:00:00+0000", "2026-10-01 10:00:00"),
    *(1790848800, "1790848800", 1790848800000.0, "2026-10-01T23:30:00-05:00", "2026-09-30T23:30:00-05:00"),
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_time_is_the_one_that_ingestion_reads(tmp_path, moment):
    (day,) = land(tmp_path, "interaction_log", [json.dumps(interaction("a", timestamp=moment))])
    assert day == ("2026-10-02" if moment == "2026-10-01T23:30:00-05:00" else "2026-10-01")


def test_a_rejected_line_lies_under_the_time_that_it_names(tmp_path):
    lines = [json.dumps(interaction("a", query=None)), json.dumps({"trace": {"createdAt": "2026-10-03"}}), "no json"]
    landed = land(tmp_path, "interaction_log", lines)
    assert landed == {"2026-10-01": lines[:1], "2026-10-03": lines[1:2], str(TODAY): lines[2:]}


def test_records_of_several_lines_are_not_torn_apart(tmp_path):
    text = json.dumps([interaction("a"), interaction("b", timestamp="2026-10-05")], indent=1)
    assert sum(len(lines) for lines in land(tmp_path, "interaction_log", [text]).values()) == text.count("\n") + 1


def test_the_days_of_a_history_have_their_files(tmp_path):
    rows = [json.dumps(interaction(f"a{day}", timestamp=f"2026-10-0{day}T10:00:00Z")) for day in range(1, 4)]
    land(tmp_path, "interaction_log", rows)
    for day in range(1, 4):
        (file,) = files_of(tmp_path / "landing", date(2026, 10, day))
        assert Path(str(file.path)).read_text(encoding="utf-8") == f"{rows[day - 1]}\n"
