"""Adapters compared on the answers that the evaluation generated: real models, one generation."""

from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from rl_assets.evaluation.ab.compare import compare_agents
from rl_assets.evaluation.ab.judge import judge_agents
from rl_assets.evaluation.ab.report import ab_sections, write_ab_report
from rl_assets.evaluation.report.html import to_html
from rl_assets.evaluation.report.markdown import to_markdown
from rl_assets.evaluation.run.answers import ANSWERS, ANSWERS_FILE, generated_answers, write_answers
from rl_assets.evaluation.run.models import EvaluatedModels
from rl_assets.llm.prices import Price, PriceTable
from rl_assets_tests.support.evaluation_samples import DAY, random_adapter
from rl_assets_tests.support.evaluations import evaluation
from rl_assets_tests.support.judge_server import GOOD, Asked, Say, verdict


@pytest.fixture(scope="module")
def found(tmp_path_factory, base, candidate, parent):
    """Base, SFT (parent and champion), DPO (candidate), GRPO without a role, and KTO of another base."""
    home = tmp_path_factory.mktemp("ab")
    grpo = random_adapter(base, home / "adapters" / "grpo" / "cccc", "grpo", seed=3, parent=parent)
    foreign = replace(grpo, kind="kto", base_sha256="0" * 64)
    prices = PriceTable(version="2026-11-21", source="test", models={base.name: Price(input=1, output=2)})
    return evaluation(home, EvaluatedModels(base, candidate, parent, parent, (grpo, foreign)), 8, prices=prices)


@pytest.fixture
def answered(found, tmp_path):
    """A connection with what every model answered, with scores planted: the GRPO adapter is right, the base never."""
    table = found[0].answers.to_pylist()
    for row in table:
        kind = row["agent"].partition(" ")[0]
        row |= {"error": False, "answer": f"{row['answer']} by {kind}"}
        row["reward"] = float(kind == "grpo" or (kind == "dpo" and row["prompt_key"] > "k3"))
    write_answers(found[0].answers.from_pylist(table, schema=ANSWERS), tmp_path)
    return generated_answers(tmp_path, "1GB")


def test_every_model_answers_every_prompt_once_and_nothing_is_generated_twice(found):
    evaluation, lines = found
    rows = evaluation.answers.to_pylist()
    agents = ["tiny (base)", "dpo bbbb (candidate)", "sft aaaa (parent, champion)", "grpo cccc"]
    assert list(dict.fromkeys(row["agent"] for row in rows)) == agents
    assert len(rows) == 4 * 8 and len({row["interaction_id"] for row in rows}) == len(rows)
    assert sum(line == "answered 8 prompts" for line in lines) == 4


def test_answers_cost_what_the_table_says(found):
    rows = found[0].answers.to_pylist()
    assert all(row["cost_usd"] and row["cost_usd"] < 2e-6 * row["tokens"] for row in rows)
    for role, model in found[0].report.models.items():
        own = [row["cost_usd"] for row in rows if role in row["agent"]]
        assert model.cost_per_answer_usd == pytest.approx(sum(own) / len(own))


def test_a_model_of_another_base_is_reported_and_no_column_is_shifted(found):
    sentences = ["The kto adapter cccc belongs to another base model and was not evaluated."]
    assert found[0].report.not_evaluated == sentences
    assert not any("kto" in agent for agent in found[0].answers.column("agent").to_pylist())


def test_the_win_matrix_has_wins_ties_and_losses_of_each_two_models(answered, tmp_path):
    report = compare_agents(answered, DAY, answers="held-out prompts", notes=["The kto adapter was not evaluated."])
    assert len(report.agents) == 4 and len(report.comparisons) == 6
    (comparison,) = [c for c in report.comparisons if {c.ours[:3], c.theirs[:3]} == {"dpo", "grp"}]
    assert (comparison.basis, comparison.questions) == ("same questions", 8)
    assert (comparison.wins, comparison.ties, comparison.losses) == (0, 4, 4)
    (sure,) = [c for c in report.comparisons if {c.ours[:3], c.theirs[:3]} == {"grp", "tin"}]
    assert sure.winner == "grpo cccc" and sure.p_holm == pytest.approx(6 * 2 * 0.5**8)
    page = to_html(ab_sections(report))
    assert "Adapters as of" in page and "The kto adapter was not evaluated." in page and "Win matrix" in page
    assert "parts, scored by field f1" in to_markdown(ab_sections(report))
    write_ab_report(report, tmp_path / "ab-adapters")


def test_a_judge_compares_the_same_answers(answered, make_judge):
    """It prefers the answer of the GRPO adapter, wherever it stands, and is right about its test questions."""

    def partial(asked: Asked) -> Say:
        liked = [bool(GOOD.search(text)) or text.endswith("by grpo") for text in asked.answers]
        return verdict("tie" if liked[0] == liked[1] else "1" if liked[0] else "2")

    judge, _ = make_judge(partial)
    judged = judge_agents(answered, judge, 100)
    assert len(judged) == 6 and all(found.reliable for found in judged)
    wins = {(found.ours, found.theirs): found.wins for found in judged}
    assert wins["parts: dpo bbbb (candidate)", "grpo cccc"] == 0
    assert wins["parts: grpo cccc", "tiny (base)"] == 8


def test_the_answers_are_kept_as_a_table_that_is_described(found, tmp_path):
    write_answers(found[0].answers, tmp_path)
    schema = pq.read_schema(tmp_path / ANSWERS_FILE)
    assert schema.equals(ANSWERS) and all(field.metadata[b"description"] for field in schema)


def test_without_an_evaluation_there_is_nothing_to_compare(tmp_path):
    with pytest.raises(FileNotFoundError, match="materialize eval_report of that day first"):
        generated_answers(tmp_path, "1GB")
