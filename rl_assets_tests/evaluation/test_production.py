"""What the log says of served adapters and of its judges, from feedback as it would lie in the lake."""

import json
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from rl_assets.core import sql
from rl_assets.evaluation.log.production import production_metrics
from rl_assets.evaluation.report.eval_sections import eval_sections
from rl_assets.evaluation.report.feedback_sections import agreement_sentence, ratings_basis
from rl_assets.evaluation.report.html import to_html
from rl_assets.evaluation.report.markdown import to_markdown
from rl_assets.evaluation.schema.report import Production
from rl_assets_tests.support.evaluation_samples import report

NOW = datetime(2026, 10, 14)


class Log:
    """Answers and feedback on them."""

    def __init__(self) -> None:
        self.connection: duckdb.DuckDBPyConnection = sql.connect()
        self.connection.execute(
            "CREATE TABLE rated (interaction_id VARCHAR, landed_day DATE, prompt_key VARCHAR, answer_key VARCHAR, "
            "reward DOUBLE, reward_source VARCHAR, category VARCHAR, segment VARCHAR, answer_chars BIGINT)"
        )
        self.connection.execute(
            "CREATE TABLE interactions (interaction_id VARCHAR, day DATE, adapter VARCHAR, "
            "quality_scores MAP(VARCHAR, DOUBLE))"
        )
        self.connection.execute(
            "CREATE TABLE first_feedback (feedback_id VARCHAR, interaction_id VARCHAR, given_at TIMESTAMP, "
            "kind VARCHAR, value DOUBLE, dimension VARCHAR, source VARCHAR, preferred VARCHAR, "
            "rejected VARCHAR, rater VARCHAR, other_interaction_id VARCHAR)"
        )
        self.acts = 0

    def answer(
        self, question: str, text: str, *, human: float | None = None, judge: float | None = None, **more
    ) -> str:
        name = f"{question}/{text}"
        found = {"category": "all", "adapter": None} | more
        self.connection.execute(
            "INSERT INTO rated VALUES (?, DATE '2026-10-14', ?, answer_key(?), ?, ?, ?, 'parts', 9)",
            [name, question, text, human, "human" if human is not None else None, found["category"]],
        )
        self.connection.execute(
            "INSERT INTO interactions VALUES (?, DATE '2026-10-14', ?, "
            "CASE WHEN ? IS NULL THEN NULL ELSE MAP {'overall': CAST(? AS DOUBLE)} END)",
            [name, found["adapter"], judge, judge],
        )
        if human is not None:
            self.feedback(name, "reward", value=human)
        return name

    def feedback(
        self, name: str, kind: str, *, value=None, source="human", preferred=None, rejected=None, rater=None, other=None
    ):
        self.acts += 1
        self.connection.execute(
            "INSERT INTO first_feedback VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [f"f{self.acts:06d}", name, NOW, kind, value, "overall", source, preferred, rejected, rater, other],
        )


@pytest.fixture
def log() -> Log:
    return Log()


def test_ratings_of_a_served_adapter_are_compared_at_one_mix_of_categories(log):
    """The adapter is better by 0.2 on both kinds, and was given the hard questions."""
    for n in range(40):
        hard = n % 4 != 0
        log.answer(f"a{n}", "x", human=(0.4 if hard else 0.8) + n % 2 / 100, adapter="dpo-1", category=str(hard))
        log.answer(f"b{n}", "x", human=(0.2 if not hard else 0.6) + n % 2 / 100, category=str(not hard))
    unnamed, served = production_metrics(log.connection).ratings
    assert (unnamed.adapter, unnamed.improvement, served.adapter) == (None, None, "dpo-1")
    assert served.rating.mean == pytest.approx(unnamed.rating.mean + 0.2) and served.improvement is not None
    assert served.improvement.mean == pytest.approx(0.2) and served.improvement.low > 0.15


def test_an_answer_is_rejected_at_two_stars_or_where_it_was_corrected(log):
    for n in range(8):
        log.answer(f"q{n}", "x", human=0.25 if n < 2 else 1.0)
    log.feedback("q7/x", "correction", preferred="better")
    (found,) = production_metrics(log.connection).ratings
    assert (found.questions, found.rejection_rate.mean) == (8, pytest.approx(3 / 8))


def test_without_a_named_adapter_no_improvement_is_claimed(log):
    log.answer("q", "x", human=1.0)
    logged = production_metrics(log.connection)
    assert "names the adapter that gave it, so no improvement is stated" in ratings_basis(logged)
    assert "No answer of the window was rated by people" in ratings_basis(Production())


def test_judge_scores_and_ratings_of_the_same_answers_are_compared_pair_by_pair(log):
    for n in range(10):
        log.answer(f"q{n}", "good", human=0.9, judge=0.8)
        log.answer(f"q{n}", "bad", human=0.3, judge=0.2 if n < 7 else 0.8 if n < 8 else 0.9)
    found = production_metrics(log.connection).agreement
    assert found.compared == 10 and found.judges is not None and found.judges.decided is not None
    assert found.judges.all_pairs.mean == pytest.approx(0.7)
    assert (found.judges.decided.n, found.judges.decided.mean) == (9, pytest.approx(7 / 9))
    assert found.people is None
    assert "On 10 pairs of answers" in agreement_sentence(found)


@pytest.mark.slow
def test_the_three_annotators_of_pandalm_set_the_ceiling(log, published_data: Path):
    """Their votes as ratings of both answers: the counts are those of the source, without pairs of equal answers."""
    path = published_data / "pref-pandalm" / "pairs.jsonl"
    rows = [json.loads(line) for line in path.open(encoding="utf-8")]
    for number, row in enumerate(rows[:200]):
        names = [log.answer(f"q{number}", row[f"response{side}"] + f" {side}") for side in (1, 2)]
        for who in (1, 2, 3):
            vote = row[f"annotator{who}"]
            for side, name in enumerate(names, 1):
                log.feedback(name, "rating", value=0.5 if vote == 0 else float(vote == side), rater=f"a{who}")
    found = production_metrics(log.connection).agreement
    assert found.people is not None and (found.rated_by_three, found.compared) == (200, 0)
    unanimous = sum(len({row[f"annotator{who}"] for who in (1, 2, 3)}) == 1 for row in rows[:200])
    assert found.people.unanimous == unanimous
    assert "Fleiss' kappa" in agreement_sentence(found)


def test_stated_preferences_count_as_votes(log):
    for n in range(3):
        name = log.answer(f"q{n}", "good")
        log.feedback(name, "preference", preferred="good", rejected="bad", rater="ada")
        log.feedback(
            name, "preference", preferred="good" if n else "bad", rejected="bad" if n else "good", source="judge"
        )
    found = production_metrics(log.connection).agreement
    assert found.compared == 3 and found.judges is not None
    assert found.judges.all_pairs.mean == pytest.approx(2 / 3)


def test_ties_count_as_votes_of_their_raters(log):
    for n in range(4):
        good, bad = log.answer(f"q{n}", "good"), log.answer(f"q{n}", "bad")
        for rater in ("ada", "bob"):
            log.feedback(good, "preference", preferred="good", rejected="bad", rater=rater)
        log.feedback(bad, "tie", other=good, rater="eve")
        log.feedback(bad, "tie", other="an answer of another prompt", rater="eve")
    found = production_metrics(log.connection).agreement
    assert found.people is not None and found.rated_by_three == 4
    assert found.people.pairwise.mean == pytest.approx(1 / 3)
    assert found.people.unanimous == 0


def test_a_log_without_feedback_has_no_metrics_and_says_so(log):
    logged = production_metrics(log.connection)
    assert (logged.rewards, logged.ratings) == ([], [])
    assert "The log holds no two answers" in agreement_sentence(logged.agreement)
    assert "No pair has three raters" in agreement_sentence(logged.agreement)


def test_production_ratings_are_in_the_page_and_in_the_markdown(log):
    for n in range(10):
        log.answer(f"a{n}", "x", human=0.9, judge=0.8, adapter="<b>dpo-1</b>")
        log.answer(f"a{n}", "y", human=0.3, judge=0.2)
    logged = production_metrics(log.connection)
    sections = eval_sections(report(production=logged))
    for text in (to_html(sections), to_markdown(sections)):
        assert "Production ratings" in text and "On 10 pairs of answers that people" in text
        assert "dpo-1" in text and "<b>dpo-1" not in text
