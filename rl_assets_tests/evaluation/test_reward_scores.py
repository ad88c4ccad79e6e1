"""Answers compared by two reward models in a real evaluation, and how far the adapters are from the base."""

from pathlib import Path
from statistics import fmean

import pytest

from rl_assets.core.home import Home
from rl_assets.evaluation.run.estimates import EvalScores
from rl_assets.evaluation.run.generate import EvalOutputs, EvalPrompts, ModelScores, PromptSet
from rl_assets.evaluation.run.inputs import Item
from rl_assets.evaluation.run.models import EvaluatedModels
from rl_assets.evaluation.run.reward_models import RewardModels
from rl_assets.evaluation.run.reward_scores import ScoredPair, rewarded_differences, score_answers
from rl_assets.models.generation import Answer, Generation
from rl_assets.models.log_probabilities import log_probabilities
from rl_assets.models.reward_scoring import reward_scorer
from rl_assets.models.switching import SwitchedModels
from rl_assets.models.tiny.pretraining import END
from rl_assets_tests.support.evaluations import evaluation
from rl_assets_tests.support.reward_samples import random_reward_model

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def reward(tmp_path_factory: pytest.TempPathFactory, base) -> RewardModels:
    home = Home(tmp_path_factory.mktemp("reward"))
    first, second = (random_reward_model(home, base, half, seed) for half, seed in (("first", 3), ("second", 4)))
    return RewardModels(first, second, base.sha256)


def scores_of(models: EvaluatedModels, ours: list[str], theirs: list[str]) -> EvalScores:
    """The base's answers, and the candidate's, to as many prompts, each of a cluster of its own."""
    items = [
        Item(({"role": "user", "content": f"Question {n}?"},), ("a",), f"c{n}", None, None) for n in range(len(ours))
    ]
    sets = PromptSet(items, [], 8, 0), PromptSet([], [], 8, 0)
    outputs = {
        weights: EvalOutputs(ModelScores(Generation([Answer(t, 1, True, 1) for t in texts], 1.0), [], [], None), {})
        for weights, texts in ((models.base.sha256, theirs), (models.candidate.sha256, ours))
    }
    return EvalScores(models, EvalPrompts(sets[0], {}, sets[1]), outputs, "token_f1")


def test_the_answer_with_the_higher_reward_wins_and_equal_answers_tie(base, candidate, reward: RewardModels):
    models = EvaluatedModels(base, candidate, reward=reward)
    ours, theirs = ["red", "the green one", "blue", f"fine{END}"], ["a red washer", "green", "blue", "grey"]
    found = score_answers(scores_of(models, ours, theirs), reward, frozenset({"c1"}), print)["candidate"]
    score = reward_scorer(base, reward.first)
    higher = [
        score([[{"role": "user", "content": "Question 0?"}, {"role": "assistant", "content": text}]])[0]
        for text in (ours[0], theirs[0])
    ]
    assert [pair.cluster for pair in found] == ["c0", "c2", "c3"]
    assert found[0].first == (1.0 if higher[0] > higher[1] else -1.0)
    assert (found[1].first, found[1].second) == (0.0, 0.0)
    assert found[2].first == -1.0, "an answer that the template reads as turns loses"
    assert {pair.second for pair in found} <= {-1.0, 0.0, 1.0}


def test_a_cluster_counts_once_with_the_mean_of_its_prompts():
    pairs = [
        ScoredPair("b", "test", 1.0, None),
        ScoredPair("b", "test", 0.0, None),
        ScoredPair("a", "fresh", -1.0, 1.0),
    ]
    found = [(one.cluster, one.difference, one.source) for one in rewarded_differences(pairs)]
    assert found == [("b", 0.5, "test"), ("a", -1.0, "fresh")]


def test_an_evaluation_that_a_reward_model_decides(tmp_path: Path, base, candidate, parent, reward: RewardModels):
    models = EvaluatedModels(base, candidate, parent, parent, reward=reward)
    found, _ = evaluation(tmp_path, models, 6, declared="reward_score")
    report = found.report
    assert (report.primary.metric, report.primary.strength) == ("reward_score", "CANARY")
    assert report.primary.reward_model.sha256 == reward.first.sha256
    compared = report.reward.by_role["candidate"]
    assert fmean(one.difference for one in found.differences["candidate"]) == pytest.approx(compared.first.mean)
    assert {one.difference for one in found.differences["parent"]} == {0.0}, "the parent is the champion"
    against = report.comparisons["candidate-champion"]
    assert against.differences["reward_score"] == compared.first
    assert compared.second is not None and compared.second.n == compared.first.n == 6
    assert report.comparisons["parent-champion"].guarded["kl_ratio"].mean == pytest.approx(1.0)
    assert against.guarded["kl"].mean == pytest.approx(_distance(base, candidate, found), abs=1e-3)
    assert "reward_score" not in report.comparisons["candidate-base"].differences


def _distance(base, candidate, found) -> float:
    """log p - log p_base of the candidate's own answers, in nats per answer, by the two models one by one."""
    own = [row for row in found.answers.to_pylist() if row["weights"] == candidate.sha256]
    prompts = {pair.prompt_key: pair.prompt for pair in found.pairs}
    questions = [(prompts[row["prompt_key"]], (row["answer"],)) for row in own]
    switched = SwitchedModels(base, None, print)
    totals = [
        [score.total for (score,) in log_probabilities(switched.switch_to(model), switched.tokenizer, questions, print)]
        for model in (candidate, None)
    ]
    return fmean(a - b for a, b in zip(*totals, strict=True))


def test_a_metric_that_a_rule_computes_measures_no_distance(tmp_path: Path, base, candidate, reward: RewardModels):
    found, lines = evaluation(tmp_path, EvaluatedModels(base, candidate, reward=reward), 2)
    assert found.report.reward is None
    assert "kl" not in found.report.comparisons["candidate-base"].guarded
    assert not any("reward model" in line for line in lines[1:])
