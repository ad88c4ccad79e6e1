"""Benchmarks and a judge in a report."""

import json

import pytest

from rl_assets.evaluation.run.benchmarks import read_benchmarks
from rl_assets.evaluation.run.evaluate import Fresh, RunningEpoch
from rl_assets.evaluation.run.models import EvaluatedModels
from rl_assets_tests.support.evaluation_samples import html_page
from rl_assets_tests.support.evaluations import evaluated, evaluation
from rl_assets_tests.support.judge_server import GOOD, Asked, Say, always_first, honest, verdict


def test_every_model_answers_benchmarks_and_kept_apart_from_the_held_out_items(tmp_path, base, candidate, parent):
    lines = [
        {"prompt": "What is 2 + 2?", "reference": "4", "verifier": "numeric"},
        {"prompt": "Say red as JSON.", "reference": '{"answer": "red"}'},
        {"prompt": "Any object.", "verifier": "json_schema", "schema": {"type": "object"}},
    ]
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval" / "sums.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    benchmarks = read_benchmarks(tmp_path / "eval")
    found, _ = evaluated(tmp_path, base, candidate, None, parent, items=2, benchmarks=benchmarks)
    (result,) = found.benchmarks
    assert (result.name, result.items, result.against, found.held_out.items) == ("sums", 3, "champion", 2)
    assert set(result.metrics) == {"base", "champion", "candidate"}
    metrics = result.metrics["candidate"]
    sizes = {
        name: metrics[name].n for name in ("task_success", "exact_match", "field_f1", "rougeL", "bleu", "perplexity")
    }
    assert sizes == {"task_success": 2, "exact_match": 2, "field_f1": 1, "rougeL": 1, "bleu": 1, "perplexity": 2}
    assert set(result.differences) == {name for name in metrics if name != "perplexity"}
    assert "Benchmark sums" in html_page(found) and "task success" in html_page(found).lower()


def test_a_benchmark_that_was_trained_on_is_contaminated(tmp_path, base, candidate):
    (tmp_path / "eval").mkdir()
    asked = {"prompt": "which colour has the rotor in drawer 0", "reference": "red"}
    (tmp_path / "eval" / "own.jsonl").write_text(json.dumps(asked), encoding="utf-8")
    found, _ = evaluated(tmp_path, base, candidate, None, None, items=2, benchmarks=read_benchmarks(tmp_path / "eval"))
    assert len(found.contamination.prompts) == 1 and found.contamination.prompts[0].startswith("own: ")


def test_a_judge_compares_the_candidate_with_the_model_it_would_replace(tmp_path, base, candidate, parent, make_judge):
    def shorter(asked: Asked) -> Say:
        """It likes short answers, and rates the champion's as it rates the candidate's, if they are as long."""
        if len(asked.answers) == 1:
            return Say(json.dumps({"rationale": "Because.", "score": 1 / (1 + len(asked.answers[0]))}))
        lengths = [len(text) for text in asked.answers]
        return (
            honest(asked)
            if any(GOOD.search(text) for text in asked.answers)
            else verdict("tie" if lengths[0] == lengths[1] else "1" if lengths[0] < lengths[1] else "2")
        )

    judge, _ = make_judge(shorter)
    found, _ = evaluated(tmp_path, base, candidate, None, parent, judge=judge)
    assert found.judge.pairwise is not None and found.judge.preferences is not None
    assert (found.judge.pairwise.ours, found.judge.pairwise.theirs, found.judge.pairwise.pairs) == (
        "candidate",
        "champion",
        4,
    )
    assert (found.judge.preferences.ours, found.judge.preferences.pairs, found.judge.preferences.wins) == (
        "preferred",
        3,
        3,
    )
    ratings = found.judge.ratings
    assert ratings is not None and ratings.improvement is not None and (ratings.rated, ratings.unrated) == (4, 0)
    assert ratings.improvement.mean == pytest.approx(ratings.ours_rating.mean - ratings.theirs_rating.mean)
    assert "Answer by answer, tiny-judge rated candidate" in html_page(found)
    assert found.judge.pairwise.reliable and "No judge" not in " ".join(found.notes)
    assert "tiny-judge gave" in html_page(found)


def test_a_judge_is_asked_about_clusters_first_that_no_night_has_counted(tmp_path, base, candidate, parent, make_judge):
    judge, _ = make_judge(honest)
    counted = RunningEpoch(fresh=lambda primary, models: Fresh(counted=frozenset({"k0", "k1", "k2"})))
    whole, _ = evaluation(tmp_path, EvaluatedModels(base, candidate, None, parent), 6, judge, epoch=counted)
    compared = whole.report.judge.pairwise
    assert compared is not None and compared.pairs == 4
    assert {"k3", "k4", "k5"} < {pair.cluster for pair in compared.compared}


def test_a_judge_that_is_unreliable_gives_no_ratings(tmp_path, base, candidate, make_judge):
    judge, server = make_judge(always_first)
    found, _ = evaluated(tmp_path, base, candidate, None, None, items=3, judge=judge)
    assert found.judge.pairwise is not None and not found.judge.pairwise.reliable and found.judge.ratings is None
    assert all(len(asked.answers) == 2 for asked in server.asked)
