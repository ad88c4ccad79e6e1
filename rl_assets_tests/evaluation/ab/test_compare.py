"""Agents compared by logged answers: from rows of the lake to winners."""

import pytest

from rl_assets.evaluation.ab.matrix import win_matrix
from rl_assets.evaluation.ab.report import ab_sections, read_ab_report, write_ab_report
from rl_assets.evaluation.report.html import to_html
from rl_assets.evaluation.report.markdown import to_markdown
from rl_assets_tests.support.ab_log import DAY, only


def test_the_better_agent_on_the_same_questions_wins(log):
    for question in range(40):
        log.answer("ada", f"q{question}", 0.9 if question % 4 else 0.5)
        log.answer("bob", f"q{question}", 0.5 if question % 3 else 0.6)
    comparison = only(log.report())
    assert (comparison.basis, comparison.questions, comparison.wins, comparison.losses, comparison.ties) == (
        "same questions",
        40,
        30,
        4,
        6,
    )
    assert comparison.winner == "ada" and comparison.p_holm is not None and comparison.p_holm < 0.001


def test_a_shift_of_mix_that_flips_the_raw_winner_does_not_flip_the_stratified_one(log):
    """Ada is better at each kind of question, and was given the hard ones."""
    for row in range(200):
        hard = row % 10 < 8
        noise = 0.05 if row % 2 else -0.05
        log.answer("ada", f"a{row}", (0.35 if hard else 0.95) + noise * 0.5, category="hard" if hard else "easy")
        log.answer("bob", f"b{row}", (0.25 if not hard else 0.85) + noise * 0.5, category="easy" if hard else "hard")
    report = log.report()
    raw = {agent.agent: agent.raw for agent in report.agents}
    adjusted = {agent.agent: agent.adjusted.mean for agent in report.agents if agent.adjusted}
    comparison = only(report)
    assert raw["bob"] > raw["ada"] + 0.2 and comparison.raw < -0.2
    assert adjusted["ada"] > adjusted["bob"] + 0.05
    assert (comparison.basis, comparison.winner) == ("same categories", "ada")
    assert comparison.difference.mean == pytest.approx(0.10, abs=0.01)


def test_equal_agents_have_no_winner(log):
    for question in range(60):
        log.answer("ada", f"q{question}", 0.2 + 0.1 * (question % 5))
        log.answer("bob", f"q{question}", 0.2 + 0.1 * ((question * 3) % 5))
    assert only(log.report()).winner is None


def test_an_agent_that_fails_is_reported_and_its_column_is_not_shifted(log):
    for question in range(30):
        log.answer("ada", f"q{question}", 0.9)
        log.answer(
            "bob",
            f"q{question}",
            None if question < 10 else 0.5,
            error=question < 10,
            text="" if question < 10 else "b",
        )
    report = log.report()
    comparison = only(report)
    assert comparison.questions == 20 and comparison.difference.mean == pytest.approx(0.4)
    assert "bob in parts failed on 10 of 30." in report.notes
    (bob,) = [cost for cost in report.costs if cost.agent == "bob"]
    assert (bob.answers, bob.failed, bob.unrated, bob.cost_usd) == (30, 10, 10, None)


def test_segments_and_sources_of_reward_are_never_mixed(log):
    for question in range(20):
        log.answer("ada", f"q{question}", 0.9, segment="one")
        log.answer("bob", f"q{question}", 0.5, segment="two")
        log.answer("cyd", f"q{question}", 0.5, segment="one", source="verifier")
    report = log.report()
    assert report.comparisons == [] and report.agents == []
    assert sum("no other to compare it with" in note for note in report.notes) == 3


def test_several_answers_to_one_question_are_one_question(log):
    for question in range(10):
        for repeat in range(3):
            log.answer("ada", f"q{question}", 0.3 * repeat, text=f"a{repeat}")
        log.answer("bob", f"q{question}", 0.1)
    comparison = only(log.report())
    assert comparison.questions == 10 and comparison.difference.mean == pytest.approx(0.2)


def test_categories_that_not_all_agents_have_are_dropped_from_adjusted_scores_and_named(log):
    for question in range(10):
        log.answer("ada", f"q{question}", 0.8, category="both")
        log.answer("bob", f"q{question}", 0.6, category="both")
        log.answer("ada", f"x{question}", 0.1, category="hers")
    ada, bob = log.report().agents
    assert ada.adjusted is not None and ada.adjusted.mean == pytest.approx(0.8) and ada.raw == pytest.approx(0.45)
    assert ada.dropped_categories == bob.dropped_categories == ["hers"]


def test_agents_that_share_nothing_are_not_compared(log):
    for question in range(10):
        log.answer("ada", f"a{question}", 0.8, category="hers")
        log.answer("bob", f"b{question}", 0.6, category="his")
    report = log.report()
    assert report.comparisons == [] and [agent.adjusted for agent in report.agents] == [None, None]


def test_an_empty_log_is_a_report_that_says_so(log):
    report = log.report()
    assert report.comparisons == []
    assert "there is nothing to compare" in to_html(ab_sections(report))
    assert to_markdown(ab_sections(report)).startswith(f"# Agents as of {DAY}")


def test_a_report_is_written_and_read_back_and_its_names_stay_text(log, tmp_path):
    evil = "<script>alert(1)</script>|`x` $y$"
    for question in range(12):
        log.answer(evil, f"q{question}", 0.9, segment=evil, cost=0.01)
        log.answer("bob", f"q{question}", 0.5 + question / 100, segment=evil)
    report = log.report()
    write_ab_report(report, tmp_path / "ab")
    assert sorted(path.name for path in (tmp_path / "ab").iterdir()) == [
        "ab.html",
        "ab.json",
        "ab.md",
        "ab.schema.json",
    ]
    assert read_ab_report(tmp_path / "ab") == report
    page = (tmp_path / "ab" / "ab.html").read_text(encoding="utf-8")
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "<script" not in (tmp_path / "ab" / "ab.md").read_text(encoding="utf-8").replace("\\<script", "")
    assert only(report).winner == evil


def test_the_win_matrix_is_drawn_for_two_agents_and_not_for_a_crowd(log):
    for agent in range(14):
        for question in range(3):
            log.answer(f"agent-{agent:02d}", f"q{question}", agent / 20 + question / 100)
    report = log.report()
    assert len(report.comparisons) == 14 * 13 / 2
    assert win_matrix(report, ("parts", "human")) is None
    two = report.model_copy(update={"comparisons": report.comparisons[:1]})
    picture = win_matrix(two, ("parts", "human"))
    assert picture is not None and picture.count("agent-0") == 4 and picture == win_matrix(two, ("parts", "human"))


def test_an_agent_that_won_two_questions_of_two_has_not_won_yet(log):
    for question in range(2):
        log.answer("ada", f"q{question}", 1.0)
        log.answer("bob", f"q{question}", 0.0)
    report = log.report()
    comparison = only(report)
    assert (comparison.wins, comparison.p_holm, comparison.winner) == (2, 0.5, None)
    (ada,) = [agent for agent in report.agents if agent.agent == "ada"]
    assert (ada.adjusted.mean, ada.adjusted.low) == (1.0, pytest.approx(0.158, abs=5e-4))
