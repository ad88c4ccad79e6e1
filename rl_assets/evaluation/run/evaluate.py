"""The evaluation: generate with every model on the same prompts, estimate, ask the judge, assemble the report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from rl_assets.core.files import sha256_text
from rl_assets.evaluation.online.served import served_differences, served_result
from rl_assets.evaluation.run.answers import answers_table
from rl_assets.evaluation.run.differences import Differences, differences_of, judged_differences
from rl_assets.evaluation.run.divergence import with_divergences
from rl_assets.evaluation.run.estimates import EvalScores, sample_size
from rl_assets.evaluation.run.generate import Log, generate_and_score
from rl_assets.evaluation.run.guarded import with_guarded
from rl_assets.evaluation.run.inputs import EvalInputs, Item, Pair
from rl_assets.evaluation.run.models import EvaluatedModels
from rl_assets.evaluation.run.pairs import AnsweredPair, answered_pairs, with_judge
from rl_assets.evaluation.run.results import (
    benchmark_results,
    dataset_used,
    held_out_result,
    lineage,
    model_results,
    notes_on,
    training_runs,
)
from rl_assets.evaluation.run.reward_scores import (
    ScoredPairs,
    reward_result,
    rewarded_differences,
    score_answers,
    with_rewards,
)
from rl_assets.evaluation.run.rungs import Logged, choose_primary
from rl_assets.evaluation.run.timing import latency_ratio, with_latency
from rl_assets.evaluation.schema.primary import Primary
from rl_assets.evaluation.schema.report import (
    Comparison,
    Contamination,
    DatasetUsed,
    EvalReport,
    JudgeResult,
    LatencyRatio,
    Role,
)
from rl_assets.judging.pairwise import AnswerPair
from rl_assets.judging.ratings import rate_by_judge
from rl_assets.judging.summary import JudgeVerdicts, compare_by_judge
from rl_assets.judging.win_rates import net_wins
from rl_assets.llm.client import Judge
from rl_assets.llm.prices import price_of
from rl_assets.metrics.statistics import SEED
from rl_assets.models.memory import explain_out_of_memory, free_memory
from rl_assets.models.runtime import start
from rl_assets.models.switching import SwitchedModels
from rl_assets.recipes.recipe import DeclaredMetric

Settle = Callable[[Callable[[], Primary]], Primary]


@dataclass(frozen=True)
class Fresh:
    """Prompts that are new to the models under decision, and notes on why there are none.

    `counted` are clusters that the epoch has counted: a judge is asked about others first. `learned` are those that one
    of the compared models was trained on, which say nothing, whatever their split is tonight.
    """

    items: list[Item] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counted: frozenset[str] = frozenset()
    learned: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RunningEpoch:
    """What an evaluation takes from the running epoch: the metric, given how it would be chosen anew, and the fresh
    prompts of the night. Without an epoch each evaluation chooses anew, and nothing is fresh."""

    settle: Settle = lambda choose: choose()
    fresh: Callable[[Primary, EvaluatedModels], Fresh] = lambda primary, models: Fresh()


@dataclass(frozen=True)
class Evaluation:
    """A report, every model's answer to every held-out prompt (`run.answers.ANSWERS`), what each cluster says, and the
    answers of the two models of the decision, pair by pair."""

    report: EvalReport
    answers: pa.Table
    differences: Differences
    pairs: list[AnsweredPair]


def evaluate(
    day: str,
    models: EvaluatedModels,
    inputs: EvalInputs,
    log: Log,
    judge: Judge | None = None,
    judge_pairs: int = 100,
    epoch: RunningEpoch = RunningEpoch(),
) -> Evaluation:
    """Generate answers of every distinct model to the same held-out items and compare them, paired.

    The base is in memory once, quantized if the candidate's training quantized it, and adapters are switched. A
    champion of another base is not evaluated: nothing is comparable. If there is
    a judge, it compares at most `judge_pairs` answers of the model under decision with those of that model. The metric
    that decides is chosen by the logged rows before any model answers, and the fresh prompts with it.
    """
    # Read first: a missing or interrupted dataset should not cost an evaluation.
    datasets = [dataset_used(folder) for folder in inputs.held_out_folders]
    contamination = Contamination(prompts=inputs.contaminated())
    items, pairs = inputs.held_out()
    preferences = judge_preferences(judge, pairs, judge_pairs) if judge else None
    name = judge.endpoint.model if judge else None
    logged = Logged(items, pairs, name, preferences, inputs.agreement, inputs.rows, models.reward, models.served)
    primary = _primary(day, models, inputs.declared, logged, epoch)
    log(primary.sentence())
    models = models.with_canary() if primary.metric == "served_reward" else models
    fresh = epoch.fresh(primary, models)
    start(offline=Path(models.base.path).is_dir(), seed=SEED)
    scores, ratio = _scores(models, inputs, (items, pairs, fresh.items), primary, log)
    rewarded = score_answers(scores, models.reward, fresh.learned, log) if primary.metric == "reward_score" else {}
    verdicts = judge_candidate(scores, judge, judge_pairs, preferences, fresh) if judge else JudgeResult()
    log(f"computing the intervals of {len(scores.by_role)} models")
    report = _report(day, inputs, scores, primary, verdicts, rewarded, datasets, contamination, fresh.notes, ratio)
    answered = answered_pairs(scores, models.decided, models.against)
    shown = [pair for cluster, pair in answered.items() if cluster not in fresh.learned]
    found = _differences(scores, primary, verdicts.pairwise, rewarded, fresh)
    kept = {role: [row for row in rows if row.cluster not in fresh.learned] for role, rows in found.items()}
    return Evaluation(report, answers_table(day, scores, report.prices), kept, with_judge(shown, verdicts.pairwise))


def _scores(
    models: EvaluatedModels,
    inputs: EvalInputs,
    prompts: tuple[list[Item], list[Pair], list[Item]],
    primary: Primary,
    log: Log,
) -> tuple[EvalScores, LatencyRatio | None]:
    """What all models give for the items, pairs and fresh items; then, when adapters may be merged, their latency.

    Raises DeviceMemoryError if the base, or a single prompt, does not fit the memory.
    """
    items, pairs, fresh = prompts
    with explain_out_of_memory(f"The evaluation of {models.base.name}"):
        loaded = SwitchedModels(models.base, models.quantization, log, models.chat_rules)
        fitting, outputs = generate_and_score(models, loaded, items, pairs, inputs.benchmarks, fresh, log)
        if primary.near_the_base:
            outputs = with_divergences(models, loaded, fitting, outputs, log)
        outputs = with_latency(models, loaded, fitting, outputs, log)
        ratio = latency_ratio(models, loaded, fitting, log)
    del loaded
    free_memory()
    return EvalScores(models, fitting, outputs, level=primary.level), ratio


def _report(
    day: str,
    inputs: EvalInputs,
    scores: EvalScores,
    primary: Primary,
    verdicts: JudgeResult,
    rewarded: ScoredPairs,
    datasets: list[DatasetUsed],
    contamination: Contamination,
    notes: list[str],
    ratio: LatencyRatio | None,
) -> EvalReport:
    """All that is known of the models."""
    prices = price_of(inputs.prices, scores.models.base.name)
    reward = reward_result(scores.models.reward, rewarded)
    compared = with_rewards(with_guarded(scores, prices.price), reward, scores.models.against)
    served = served_result(scores.models.served) if primary.metric == "served_reward" else None
    return EvalReport(
        day=day,
        segment=inputs.name or inputs.segment,
        primary=primary,
        models=model_results(scores, prices.price),
        comparisons=with_verdicts(compared, verdicts.pairwise, primary),
        held_out=held_out_result(scores),
        contamination=contamination,
        benchmarks=benchmark_results(scores, inputs.benchmarks),
        judge=verdicts,
        production=inputs.production,
        latency_ratio=ratio,
        lineage=lineage(scores.models, datasets),
        training=training_runs(scores.models),
        prices=prices,
        not_evaluated=scores.models.not_evaluated(),
        notes=notes_on(scores, verdicts) + notes,
        fresh_items=len(scores.prompts.fresh.items),
        reward=reward,
        served=served,
    )


def _primary(
    day: str, models: EvaluatedModels, declared: DeclaredMetric, logged: Logged, epoch: RunningEpoch
) -> Primary:
    """The metric of the running epoch, or the one that the logged rows call for."""
    against = models.weights(models.roles()[models.against])
    return epoch.settle(lambda: choose_primary(logged, declared, day, against, models.base.sha256))


def _differences(
    scores: EvalScores, primary: Primary, verdicts: JudgeVerdicts | None, rewarded: ScoredPairs, fresh: Fresh
) -> Differences:
    """What the clusters say of each role that may be promoted: the one under decision, and the candidate's parent."""
    if primary.metric is None:
        return {}
    if primary.metric == "served_reward":
        return {scores.models.decided: served_differences(scores.models.served, fresh.counted)}
    if primary.metric == "judged_win_rate":
        test = {item.counted_as for item in scores.held_out.items}
        judged = judged_differences(verdicts, test) if verdicts and verdicts.reliable else []
        return {scores.models.decided: judged}
    if primary.metric == "reward_score":
        return {role: rewarded_differences(pairs) for role, pairs in rewarded.items()}
    roles = [role for role in (scores.models.decided, "parent") if role in scores.by_role]
    return {role: differences_of(scores, role, primary.metric) for role in roles}


def judge_preferences(judge: Judge, pairs: Sequence[Pair], max_pairs: int) -> JudgeVerdicts | None:
    """How often the judge agrees with held-out preferences of people, the better answer first; None without one.

    Pairs that a judge decided, this one or another, say nothing about people.
    """
    human = [pair for pair in pairs if pair.human]
    kept = [human[row] for row in _spread(len(human), max_pairs)]
    known = [AnswerPair(pair.prompt, pair.chosen, pair.rejected, pair.cluster) for pair in kept]
    return compare_by_judge(judge, "preferred", "rejected", known) if known else None


def judge_candidate(
    scores: EvalScores,
    judge: Judge,
    max_pairs: int,
    preferences: JudgeVerdicts | None,
    fresh: Fresh,
) -> JudgeResult:
    """Verdicts on the answers of the model under decision, and ratings of them by a judge that is reliable."""
    ours, against = scores.models.decided, scores.models.against
    pairs = answer_pairs(scores, ours, against, max_pairs, fresh)
    pairwise = compare_by_judge(judge, ours, against, pairs) if pairs else None
    reliable = pairwise is not None and pairwise.reliable
    return JudgeResult(
        pairwise=pairwise,
        ratings=rate_by_judge(judge, ours, against, pairs) if reliable else None,
        preferences=preferences,
    )


def answer_pairs(scores: EvalScores, ours: Role, theirs: Role, max_pairs: int, new: Fresh) -> list[AnswerPair]:
    """Two models' answers to at most `max_pairs` fresh and test prompts for a judge, one of each cluster.

    Clusters that no night has counted come first, by the hash of their names: a budget that ends early then never
    depends on the answers. None is of a cluster that a compared model has learned.
    """
    pairs = answered_pairs(scores, ours, theirs)
    ordered = sorted(pairs.keys() - new.learned, key=lambda cluster: (cluster in new.counted, sha256_text(cluster)))
    kept = [pairs[cluster] for cluster in ordered[:max_pairs]]
    return [AnswerPair(pair.prompt, pair.ours, pair.theirs, pair.cluster) for pair in kept]


def with_verdicts(
    comparisons: dict[str, Comparison], verdicts: JudgeVerdicts | None, primary: Primary
) -> dict[str, Comparison]:
    """The comparisons, with the judge's net win rate on the one that it judged; nothing of an unreliable judge."""
    key = f"{verdicts.ours}-{verdicts.theirs}" if verdicts else ""
    if verdicts is None or verdicts.win_rate is None or not verdicts.reliable or key not in comparisons:
        return comparisons
    net, compared = net_wins(verdicts.win_rate), comparisons[key]
    sized = sample_size(net) if primary.metric == "judged_win_rate" else {}
    judged = compared.model_copy(update={"differences": compared.differences | {"judged_win_rate": net}} | sized)
    return comparisons | {key: judged}


def _spread(size: int, limit: int) -> Sequence[int]:
    """At most `limit` of `size` rows, evenly over all of them."""
    return [(turn * size) // limit for turn in range(limit)] if size > limit else range(size)
