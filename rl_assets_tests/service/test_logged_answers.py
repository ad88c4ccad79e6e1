"""What is accepted without asking SQL is what ingestion accepts."""

import json
from datetime import date

import pytest

from rl_assets.ingest.connection import connect_for_lines
from rl_assets.ingest.day import line_faults
from rl_assets.service.logged_answers import AnswerChecks, is_plain

LINE = {"interaction_id": "a", "timestamp": "2026-10-01T10:00:00Z", "query": "Why?", "agent_type": "desk"}
TURNS = [{"role": role, "content": "Text."} for role in ("system", "user", "assistant", "user", "assistant")]
VALUES = {
    "interaction_id": ["a b", "7", "0", "", " ", "nan", 7, None, True],
    "timestamp": ["2026-10-01T10:00:00.5+02:00", "2026-10-01T24:00:00Z", "2026-13-01T10:00:00Z", "2026-10-01", 1.5e9],
    "query": ["\u00fc" * 9, "", " ", "None", {"a": 1}, 3],
    "answer": ["So.", "", None, 7],
    "latency_ms": [0, 0.5, 1e12, 1e13, -1, "5", True, None],
    "tokens_used": [0, 1.5, 1e12, 2**62, -1, "many"],
    "cost_usd": [0, 1e-9, -1, "free"],
    "error_occurred": [True, False, "yes", 1],
    "tools_used": [[], ["a"], [1], "a", {}],
    "quality_scores": [{}, {"overall": 1, "tone": 0.5}, {"overall": 2}, {"overall": "good"}, {"a": True}, [], 1],
    "messages": [[], TURNS, TURNS[1:], TURNS[::-1], [{"role": "tool", "content": "x"}], [{"role": "user"}], "x", [1]],
    "sources": [[], [{"page": "a", "score": 0.5}], {"a": {"b": [1]}}, "a", 5, None],
    "user_id": ["mary", 7, "nan", {}],
    "propensity": [0.5, 0, 2],
    "unknown": [1, {"a": 1}],
}


def test_a_plain_line_is_one_that_ingestion_accepts():
    rows = [LINE, *({**LINE, name: value} for name, values in VALUES.items() for value in values)]
    lines = [json.dumps(row, ensure_ascii=False, sort_keys=True) for row in rows]
    faults = line_faults(connect_for_lines("512MB"), lines, "interaction_log", date(2026, 10, 1), {})
    plain = {number for number, row in enumerate(rows) if is_plain(row)}
    assert not plain & set(faults), [(rows[number], faults[number]) for number in plain & set(faults)]
    assert len(plain) > 30 and len(faults) > 20


def test_an_answer_is_kept_under_the_id_that_the_lake_will_have():
    (kept,) = AnswerChecks({}).answers({**LINE, "interaction_id": " 12.0\u200b", "user_id": "7.0"}, date(2026, 10, 1))
    assert (kept.interaction_id, kept.user_id) == ("12", "7")


@pytest.mark.parametrize("moment", ["2000-01-01T00:00:00+14:00", "2099-12-31T23:59:59-14:00"])
def test_a_time_at_the_edge_of_the_century_is_left_to_sql(moment: str):
    assert not is_plain({**LINE, "timestamp": moment})
