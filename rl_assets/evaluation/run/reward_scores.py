"""Two models' answers compared by reward models: 1 if ours has the higher reward, -1 if theirs has, 0 for a tie.

The scale is that of a judge's verdicts, wins minus losses. How much higher a reward is counts for nothing: the scale of
a Bradley-Terry model is its own, and its largest values are where it is wrong most (Gao et al. 2023, arXiv:2210.10760).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from rl_assets.core.chat import Message
from rl_assets.core.files import sha256_json
from rl_assets.evaluation.run.estimates import EvalScores, sample_size
from rl_assets.evaluation.run.inputs import Item
from rl_assets.evaluation.run.reward_models import RewardModels
from rl_assets.evaluation.schema.evidence import ClusterDifference, Source
from rl_assets.evaluation.schema.report import Comparison, RewardComparison, RewardResult, Role
from rl_assets.metrics.statistics import interval
from rl_assets.models.adapters import Adapter, AdapterReference
from rl_assets.models.base_models import BaseModel
from rl_assets.models.chat_template import row_fault
from rl_assets.models.generation import Answer
from rl_assets.models.loading import chat_rules_of, load_tokenizer
from rl_assets.models.memory import free_memory
from rl_assets.models.reward_scoring import reward_scorer

Conversation = list[dict[str, str]]
Rewards = dict[str, float]


@dataclass(frozen=True)
class ScoredPair:
    """Two models' answers to one prompt: 1, 0 or -1 by the reward model, and by the second one if there is one."""

    cluster: str
    source: Source
    first: float
    second: float | None


ScoredPairs = dict[Role, list[ScoredPair]]


@dataclass(frozen=True)
class _Pair:
    cluster: str
    source: Source
    ours: Conversation
    theirs: Conversation


def score_answers(
    scores: EvalScores, reward: RewardModels, learned: frozenset[str], log: Callable[[str], None]
) -> ScoredPairs:
    """The answers of each role that may be promoted against those of the model that it would replace.

    Prompts of clusters that a model has `learned` are dropped. Reward models are in memory one after the other.
    """
    roles: list[Role] = [role for role in (scores.models.decided, "parent") if role in scores.by_role]
    pairs = {role: [pair for pair in _pairs(scores, role) if pair.cluster not in learned] for role in roles}
    conversations = [side for found in pairs.values() for pair in found for side in (pair.ours, pair.theirs)]
    first, second = (
        _rewards(scores.models.base, adapter, conversations, log) if adapter else None
        for adapter in (reward.first, None if reward.problem_of_second() else reward.second)
    )
    if first is None:
        return {}
    return {
        role: [
            ScoredPair(pair.cluster, pair.source, _net(first, pair), _net(second, pair) if second else None)
            for pair in found
        ]
        for role, found in pairs.items()
    }


def _pairs(scores: EvalScores, role: Role) -> list[_Pair]:
    """One pair of each prompt of the test split, and of each fresh prompt that both answered."""
    against = scores.models.against
    tested, compared = scores.by_role[role], scores.by_role[against]
    pairs = list(_of_items(scores.held_out.items, "test", tested.generation.answers, compared.generation.answers))
    fresh, other = scores.fresh_of(role), scores.fresh_of(against)
    if fresh is None or other is None:
        return pairs
    items = scores.prompts.fresh.items
    return [*pairs, *_of_items(items, "fresh", fresh.generation.answers, other.generation.answers)]


def _of_items(
    items: Sequence[Item], source: Source, ours: Sequence[Answer], theirs: Sequence[Answer]
) -> Iterable[_Pair]:
    for item, own, other in zip(items, ours, theirs, strict=True):
        sides = (_conversation(item.prompt, answer.text) for answer in (own, other))
        yield _Pair(item.counted_as, source, *sides)


def _conversation(prompt: Sequence[Message], answer: str) -> Conversation:
    return [*({"role": turn["role"], "content": turn["content"]} for turn in prompt), _turn(answer)]


def _turn(answer: str) -> dict[str, str]:
    return {"role": "assistant", "content": answer}


def _rewards(
    base: BaseModel, adapter: Adapter, conversations: Sequence[Conversation], log: Callable[[str], None]
) -> Rewards:
    """The reward of each distinct conversation, so that equal answers are equal whatever batch they are in.

    One whose texts the chat template would read as turns has the lowest: an answer cannot write its own conversation.
    """
    distinct = {sha256_json(conversation): conversation for conversation in conversations}
    tokenizer = load_tokenizer(base, chat_rules_of(adapter))
    served = {name: talk for name, talk in distinct.items() if _is_served(tokenizer, talk)}
    log(f"reward model {adapter.inputs_hash[:8]}: {len(served)} answers")
    rewards = reward_scorer(base, adapter)(list(served.values()))
    free_memory()
    return dict.fromkeys(distinct, -math.inf) | dict(zip(served, rewards, strict=True))


def _is_served(tokenizer: Any, conversation: Conversation) -> bool:
    return row_fault(tokenizer, conversation[:-1], [conversation[-1:]]) is None


def _net(rewards: Rewards, pair: _Pair) -> float:
    ours, theirs = (rewards[sha256_json(side)] for side in (pair.ours, pair.theirs))
    return float(ours > theirs) - float(ours < theirs)


def rewarded_differences(pairs: Iterable[ScoredPair]) -> list[ClusterDifference]:
    """Wins minus losses of each cluster by the reward model, by name, the test split first."""
    clusters: dict[tuple[Source, str], list[float]] = {}
    for pair in pairs:
        clusters.setdefault((pair.source, pair.cluster), []).append(pair.first)
    ordered = sorted(clusters, key=lambda key: (key[0] == "fresh", key[1]))
    return [
        ClusterDifference(cluster=cluster, difference=fmean(clusters[source, cluster]), source=source)
        for source, cluster in ordered
    ]


def reward_result(reward: RewardModels, scored: ScoredPairs) -> RewardResult | None:
    """What a report says of the reward models; None if none scored."""
    if reward.first is None or not scored:
        return None
    problem = reward.problem_of_second()
    return RewardResult(
        reward_model=_reference(reward.first),
        second=None if problem or reward.second is None else _reference(reward.second),
        second_is_missing=problem,
        by_role={role: _compared(pairs) for role, pairs in scored.items() if pairs},
    )


def _reference(adapter: Adapter) -> AdapterReference:
    return AdapterReference(inputs_hash=adapter.inputs_hash, sha256=adapter.sha256)


def _compared(pairs: Sequence[ScoredPair]) -> RewardComparison:
    clusters, seconds = [pair.cluster for pair in pairs], [pair.second for pair in pairs if pair.second is not None]
    return RewardComparison(
        first=interval([pair.first for pair in pairs], clusters, against_zero=True),
        second=interval(seconds, clusters, against_zero=True) if seconds else None,
    )


def with_rewards(
    comparisons: dict[str, Comparison], reward: RewardResult | None, against: Role
) -> dict[str, Comparison]:
    """The comparisons, with wins minus losses by the reward model on those that it scored."""
    found = {f"{role}-{against}": compared.first for role, compared in reward.by_role.items()} if reward else {}
    return {
        key: comparison.model_copy(
            update={"differences": comparison.differences | {"reward_score": found[key]}} | sample_size(found[key])
        )
        if key in found
        else comparison
        for key, comparison in comparisons.items()
    }
