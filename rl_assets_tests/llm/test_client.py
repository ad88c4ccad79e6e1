"""Asking a judge: retries, time-outs, budget, cache, and what is kept secret."""

import time
from collections import Counter
from pathlib import Path

import pytest

from rl_assets.judging.prompts import PAIR_SCHEMA
from rl_assets.llm.cache import ReplyCache
from rl_assets.llm.client import Judge, Reply, Request
from rl_assets_tests.support.judge_server import SECRET, Asked, Say, error


def questions(count: int) -> list[Request]:
    return [Request("Judge.", f"question {number}", PAIR_SCHEMA) for number in range(count)]


def echo(asked: Asked) -> Say:
    return Say(f"on {asked.user}")


def test_replies_come_in_the_order_of_the_questions(make_judge):
    judge, server = make_judge(lambda asked: (time.sleep(0.02 * (asked.user[-1] == "0")), echo(asked))[1])
    assert [reply.text for reply in judge.ask(questions(8))] == [f"on question {number}" for number in range(8)]
    assert (judge.calls, judge.from_cache, judge.tokens) == (8, 0, 80)
    assert server.asked[0].body["temperature"] == 0


def test_a_question_is_asked_once_in_a_batch_and_never_again(make_judge):
    judge, server = make_judge(echo)
    assert len({reply.text for reply in judge.ask(questions(2) * 3)}) == 2
    again, other = make_judge(echo)
    again.endpoint = judge.endpoint
    assert again.ask(questions(2)) == judge.ask(questions(2))
    assert (len(server.asked), len(other.asked), again.calls, again.from_cache) == (2, 0, 0, 2)


def test_repeated_samples_of_one_question_are_different_questions(make_judge):
    judge, server = make_judge(echo)
    judge.ask([Request("s", "u", PAIR_SCHEMA, 0.7, sample) for sample in range(3)])
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_or_broken_service_is_tried_again(make_judge, status):
    seen: Counter[str] = Counter()

    def recovering(asked: Asked) -> Say:
        seen[asked.user] += 1
        return error(status) if seen[asked.user] < 3 else echo(asked)

    judge, server = make_judge(recovering)
    assert [reply.text for reply in judge.ask(questions(2))] == ["on question 0", "on question 1"]
    assert len(server.asked) == 6 and not judge.failures


def test_a_service_that_stays_down_is_left_alone_after_a_while(make_judge):
    judge, server = make_judge(lambda asked: error(500), concurrency=1)
    replies = judge.ask(questions(30))
    assert Counter(reply.problem for reply in replies) == {"failed": 5, "gave up": 25}
    assert judge.failures == {"InternalServerError 500": 5}
    assert len(server.asked) == 5 * 3


def test_a_time_out_is_a_failure_of_that_question_only(make_judge):
    def sleepy(asked: Asked) -> Say:
        if asked.user == "question 1":
            time.sleep(0.4)
        return echo(asked)

    judge, _ = make_judge(sleepy, timeout_s=0.2, retries=0)
    assert [reply.problem for reply in judge.ask(questions(3))] == [None, "failed", None]
    assert judge.failures == {"APITimeoutError": 1}


def test_what_failed_is_asked_again_another_time_and_what_succeeded_is_not(make_judge):
    judge, server = make_judge(lambda asked: error(500) if asked.user == "question 1" else echo(asked), retries=0)
    judge.ask(questions(3))
    server.behaviour = echo
    later = Judge(judge.endpoint, judge.cache, 10, print)
    assert [reply.text for reply in later.ask(questions(3))] == [f"on question {number}" for number in range(3)]
    assert (later.calls, later.from_cache) == (1, 2)


def test_the_budget_ends_the_calls_and_the_next_night_goes_on(make_judge):
    judge, server = make_judge(echo, max_calls=4)
    assert [reply.problem for reply in judge.ask(questions(6))] == [None] * 4 + ["budget"] * 2
    assert judge.ask(questions(7)[6:]) == [Reply(None, "budget")]
    later = Judge(judge.endpoint, judge.cache, 4, print)
    assert [reply.problem for reply in later.ask(questions(6))] == [None] * 6
    assert len(server.asked) == 6


def test_no_more_calls_run_at_once_than_allowed(make_judge):
    judge, server = make_judge(lambda asked: (time.sleep(0.01), echo(asked))[1], concurrency=3)
    judge.ask(questions(20))
    assert 2 <= server.most_at_once <= 3


def test_a_server_without_response_formats_is_asked_without(make_judge):
    judge, server = make_judge(
        lambda asked: error(400) if "response_format" in asked.body else echo(asked), concurrency=1
    )
    assert [reply.text for reply in judge.ask(questions(3))] == [f"on question {number}" for number in range(3)]
    assert ["response_format" in asked.body for asked in server.asked] == [True, False, False, False]


def test_a_reply_without_text_is_a_text_that_no_reader_accepts(make_judge):
    judge, _ = make_judge(lambda asked: Say(body={"id": "1", "object": "chat.completion", "created": 0, "choices": []}))
    assert judge.ask(questions(1)) == [Reply("")]


def test_the_key_goes_to_the_service_and_nowhere_else(make_judge, tmp_path, capsys):
    judge, server = make_judge(lambda asked: error(401) if asked.user == "question 1" else echo(asked), retries=0)
    judge.ask(questions(2))
    assert server.asked[0].headers["Authorization"] == f"Bearer {SECRET}"
    kept = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "cache").rglob("*.json"))
    assert SECRET not in kept + capsys.readouterr().out + repr(judge.endpoint) + str(judge.failures)
    assert judge.failures == {"AuthenticationError 401": 1}


def test_a_key_of_another_service_in_the_environment_is_never_sent(make_judge, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-service")
    judge, server = make_judge(echo)
    judge.ask(questions(1))
    assert "another-service" not in str(server.asked[0].headers)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"reply": 3}'])
def test_a_damaged_file_of_the_cache_is_asked_anew(tmp_path: Path, content: str):
    cache = ReplyCache(tmp_path)
    cache.put("ab12", "m", "kept")
    assert cache.get("ab12") == "kept"
    (tmp_path / "ab" / "ab12.json").write_text(content, encoding="utf-8")
    assert cache.get("ab12") is None
