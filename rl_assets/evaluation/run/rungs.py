"""Which metric can decide on a segment, by its logged held-out rows alone: the first rung of a ladder that qualifies.

Answers of the compared models are never looked at, so the choice cannot favour one of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rl_assets.evaluation.online.served import NOT_SERVED, Served
from rl_assets.evaluation.run.inputs import Agreement, Item, Pair
from rl_assets.evaluation.run.reward_models import NO_REWARD_MODELS, RewardModels
from rl_assets.evaluation.schema.primary import Primary, Rung
from rl_assets.judging.pairwise import rubric_hash
from rl_assets.judging.summary import JudgeVerdicts
from rl_assets.judging.validation import may_still_be_validated, validation_problem
from rl_assets.metrics.text import parsed_json
from rl_assets.models.adapters import AdapterReference
from rl_assets.recipes.recipe import DeclaredMetric, PrimaryMetric

MIN_SHARE = 0.8
SHORT_WORDS = 8
MIN_PAIR_CLUSTERS = 50
MIN_AGREEING = 0.5
MIN_AGREEMENT_CLUSTERS = 20


@dataclass(frozen=True)
class Logged:
    """What the ladder looks at: held-out items and pairs, and a judge's verdicts on logged human preferences.

    `preferences` is None without a judge, or without a held-out preference of people. `agreement` is that of good
    logged answers to one prompt. `rows` are the filters that selected them. `reward` are the reward models, which were
    measured on held-out logged pairs, `served` the conversations that were given to a served adapter or to the one that
    it would replace.
    """

    items: Sequence[Item]
    pairs: Sequence[Pair]
    judge: str | None = None
    preferences: JudgeVerdicts | None = None
    agreement: Agreement = field(default_factory=Agreement)
    rows: Mapping[str, Any] = field(default_factory=dict)
    reward: RewardModels = NO_REWARD_MODELS
    served: Served = NOT_SERVED


def ladder(logged: Logged) -> list[Rung]:
    """Every metric that could decide, the strongest first."""
    return [
        Rung(
            metric="served_reward",
            qualifies=logged.served.decides,
            strength="PROMOTE",
            basis=logged.served.basis(),
        ),
        _of_items("task_success", logged.items, lambda item: item.verifier is not None, "have a verifier"),
        _of_items("field_f1", logged.items, _is_json, "have JSON references"),
        _closed(logged),
        _judged(logged),
        _rewarded(logged.reward),
        _likelihood(logged.pairs),
    ]


def choose_primary(logged: Logged, declared: DeclaredMetric, day: str, against: str, base: str) -> Primary:
    """The declared metric, or with "auto" the first of the ladder, if it qualifies; else a choice without a metric.

    `against` and `base` are the hashes of the weights that the candidate would replace, and of the base.
    """
    rungs = ladder(logged)
    first = next((rung for rung in rungs if rung.qualifies and declared in ("auto", rung.metric)), None)
    return Primary(
        declared=declared,
        metric=first.metric if first else None,
        strength=first.strength if first else None,
        day=day,
        against=against,
        base=base,
        judge=logged.judge,
        why=first.basis if first else "no metric qualifies",
        rungs=rungs,
        rows=dict(logged.rows),
        rubric=rubric_hash() if logged.judge else None,
        reward_model=_reference(logged.reward),
        canary=logged.served.ours,
    )


def _reference(reward: RewardModels) -> AdapterReference | None:
    first = reward.first
    return AdapterReference(inputs_hash=first.inputs_hash, sha256=first.sha256) if first else None


def _of_items(metric: PrimaryMetric, items: Sequence[Item], fits: Callable[[Item], bool], what: str) -> Rung:
    """A rung that needs a property of nearly all prompts."""
    fitting = sum(fits(item) for item in items)
    needed = f"{fitting:,} of {len(items):,} held-out prompts {what}; {MIN_SHARE:.0%} are needed"
    return Rung(
        metric=metric,
        qualifies=bool(items) and fitting >= MIN_SHARE * len(items),
        strength="PROMOTE",
        basis=needed,
    )


def _closed(logged: Logged) -> Rung:
    """Exact match decides where questions have one right answer: short references, or good answers that agree."""
    short = _of_items("exact_match", logged.items, _is_short, f"have references of at most {SHORT_WORDS} words")
    clusters, agreeing = logged.agreement.clusters, logged.agreement.agreeing
    agrees = clusters >= MIN_AGREEMENT_CLUSTERS and agreeing >= MIN_AGREEING * clusters and bool(logged.items)
    basis = (
        f"two good answers to one prompt agree in {agreeing:,} of {clusters:,} clusters; {MIN_AGREEING:.0%} of "
        f"{MIN_AGREEMENT_CLUSTERS} or more are needed"
    )
    if agrees:
        return short.model_copy(update={"qualifies": True, "basis": basis})
    return short if short.qualifies else short.model_copy(update={"basis": f"{short.basis}, or {basis}"})


def _is_json(item: Item) -> bool:
    return bool(item.references) and all(parsed_json(reference) is not None for reference in item.references)


def _is_short(item: Item) -> bool:
    return bool(item.references) and all(len(reference.split()) <= SHORT_WORDS for reference in item.references)


def _judged(logged: Logged) -> Rung:
    """A judge promotes only if it agrees with people. Until enough of them have said, its verdicts may ask for a
    canary; one that proves to disagree, or to follow length, decides nothing."""
    if logged.judge is None:
        return Rung(metric="judged_win_rate", qualifies=False, strength="CANARY", basis="no judge is configured")
    problem = validation_problem(logged.preferences)
    return Rung(
        metric="judged_win_rate",
        qualifies=problem is None or may_still_be_validated(logged.preferences),
        strength="CANARY" if problem else "PROMOTE",
        basis=f"{logged.judge} {problem or 'agrees with people, on longer and on shorter answers'}",
    )


def _rewarded(reward: RewardModels) -> Rung:
    """A reward model that is right on logged pairs can be wrong on new answers, the more the further they are from the
    base, so it never promotes (Gao et al. 2023, arXiv 2210.10760; Chen et al. 2024, arXiv 2405.19534)."""
    return Rung(metric="reward_score", qualifies=reward.problem() is None, strength="CANARY", basis=reward.basis())


def _likelihood(pairs: Sequence[Pair]) -> Rung:
    """Ranking logged answers says little about new ones, so it never promotes (Chen et al. 2024, arXiv 2405.19534)."""
    clusters = len({pair.cluster for pair in pairs})
    basis = f"{clusters:,} held-out prompts have two rated answers; {MIN_PAIR_CLUSTERS} are needed"
    return Rung(metric="likelihood_accuracy", qualifies=clusters >= MIN_PAIR_CLUSTERS, strength="CANARY", basis=basis)
