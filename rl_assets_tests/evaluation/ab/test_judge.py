"""Agents and logged answers before a judge."""

import pytest

from rl_assets.annotation.judge_preferences import judge_preferences
from rl_assets.evaluation.ab.compare import compare_agents
from rl_assets.evaluation.ab.judge import judge_agents
from rl_assets.evaluation.ab.report import ab_sections
from rl_assets.evaluation.report.html import to_html
from rl_assets.evaluation.report.markdown import to_markdown
from rl_assets.tables.judge_preferences import JUDGE_PREFERENCES
from rl_assets_tests.support.ab_log import DAY, Log
from rl_assets_tests.support.judge_server import always_first, honest


@pytest.fixture
def log() -> Log:
    """Ada answers well and bob badly, on eight prompts in two categories; nobody rated them."""
    found = Log()
    for question in range(8):
        category = "one" if question % 2 else "two"
        found.answer("ada", f"q{question}", None, text=f"good {question}", category=category)
        found.answer("bob", f"q{question}", None, text=f"bad {question}", category=category)
    found.answer("bob", "q0", None, text="bad again")
    found.answer("cyd", "q0", None, text="", error=True)
    return found


def test_agents_are_compared_on_answers_to_the_same_prompts(log, make_judge):
    judge, _ = make_judge(honest)
    (found,) = judge_agents(log.connection, judge, 100)
    assert (found.ours, found.theirs, found.wins, found.losses, found.reliable) == ("parts: ada", "bob", 8, 0, True)
    report = compare_agents(log.connection, DAY, [found])
    assert "parts: ada − bob" in to_html(ab_sections(report)) and "8 / 0 / 0" in to_markdown(ab_sections(report))
    assert not any("No judge" in note for note in report.notes)


def test_the_sample_takes_turns_over_the_categories(log, make_judge):
    judge, server = make_judge(honest)
    (found,) = judge_agents(log.connection, judge, 6)
    asked = {text[-1] for request in server.asked for text in request.answers if text.startswith("good ")}
    assert found.pairs == 6 and sum(int(number) % 2 for number in asked) == 3


def test_a_small_budget_is_shared_by_all_comparisons(log, make_judge):
    for question in range(8):
        log.answer("dan", f"q{question}", None, text=f"good too {question}")
    judge, server = make_judge(honest, max_calls=36)
    assert [found.pairs for found in judge_agents(log.connection, judge, 100)] == [6, 6, 6]
    assert len(server.asked) <= 36 + 6


def test_a_biased_judge_is_reported_and_not_believed(log, make_judge):
    judge, _ = make_judge(always_first)
    found = judge_agents(log.connection, judge, 100)
    report = compare_agents(log.connection, DAY, found)
    assert "are not used. It contradicts itself" in to_html(ab_sections(report))


def test_preferences_are_rows_where_rewards_tell_nothing_apart(log, make_judge):
    for question in ("r0", "r1"):
        log.answer("ada", question, 0.9, text="good")
        log.answer("bob", question, 0.9 if question == "r1" else 0.1, text="bad")
    judge, _ = make_judge(honest)
    found = judge_preferences(log.connection, judge, DAY, 100)
    rows = {row["prompt_key"]: row for row in found.rows}
    assert set(rows) == {*(f"q{n}" for n in range(8)), "r1"}
    assert rows["q3"]["preferred_id"] < rows["q3"]["rejected_id"] and rows["q3"]["model"] == "tiny-judge"
    table = found.reader().read_all()
    assert table.num_rows == 9 and table.schema == JUDGE_PREFERENCES.schema


def test_the_preferred_answer_may_be_the_second(make_judge):
    found = Log()
    found.answer("bob", "q", None, text="bad")
    found.answer("ada", "q", None, text="good")
    judge, _ = make_judge(honest)
    (row,) = judge_preferences(found.connection, judge, DAY, 10).rows
    assert (row["preferred_id"], row["rejected_id"]) == ("i000002", "i000001")


def test_a_judge_that_cannot_be_believed_leaves_no_preference(log, make_judge):
    judge, _ = make_judge(always_first)
    found = judge_preferences(log.connection, judge, DAY, 100)
    assert found.rows == [] and not found.verdicts.reliable
    assert found.reader().read_all().num_rows == 0


def test_tomorrow_the_same_pairs_are_asked_and_cost_nothing(log, make_judge):
    judge, server = make_judge(honest)
    first = judge_preferences(log.connection, judge, DAY, 4)
    asked = len(server.asked)
    assert judge_preferences(log.connection, judge, DAY, 4).rows == first.rows
    assert len(server.asked) == asked
