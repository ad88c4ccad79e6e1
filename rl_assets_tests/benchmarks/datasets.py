"""Datasets against the least SQL that gives the same rows: the policy's filters, no checks, no accounts, no manifest.

Both read the same files in the same way and write the same columns of the same rows to a parquet file a split; of ours,
every check is on. Rating the window, which serves all datasets, is measured apart.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from rl_assets.core import sql
from rl_assets.datasets import suites
from rl_assets.datasets.audit import audit
from rl_assets.datasets.builders import build_grpo, build_kto, build_pairs, build_sft
from rl_assets.datasets.expectations import Expectation
from rl_assets.datasets.folder import publish_dataset
from rl_assets.datasets.policies import DpoPolicy, GrpoPolicy, KtoPolicy, Policy, RewardPolicy, SftPolicy
from rl_assets.datasets.ratings import Window, rate_interactions, rated_as_of
from rl_assets.lake.delta import Lake
from rl_assets.lake.duckdb_views import register_view
from rl_assets.tables.records import INTERACTIONS
from rl_assets_tests.benchmarks.ingest import DAY
from rl_assets_tests.support.dataset_tables import connected

BEST = """
SELECT split_of(prompt_key) AS split, list_append(prompt, {'role': 'assistant', 'content': answer}) AS messages,
    {'interaction_id': interaction_id, 'prompt_key': prompt_key, 'cluster_key': prompt_key, 'segment': segment,
     'category': category, 'task': task, 'log_format': 'interaction_log', 'source': 'log', 'agent': agent,
     'reward': quality_scores['overall'], 'reward_source': 'judge', 'latency_ms': latency_ms} AS metadata
FROM interactions
WHERE NOT error AND quality_scores['overall'] >= 0.8
QUALIFY row_number() OVER (
    PARTITION BY prompt_key
    ORDER BY quality_scores['overall'] DESC, length(answer), answered_at DESC, interaction_id) = 1
"""
PAIRS = """
WITH answers AS (
    SELECT interaction_id, prompt_key, quality_scores['overall'] AS reward, length(answer) AS size
    FROM interactions
    WHERE NOT error
),
pairs AS (
    SELECT better.interaction_id AS chosen_id, worse.interaction_id AS rejected_id,
        better.reward AS chosen_reward, worse.reward AS rejected_reward, better.reward - worse.reward AS margin,
        greatest(better.size, worse.size) / least(better.size, worse.size) AS length_ratio
    FROM answers AS better JOIN answers AS worse USING (prompt_key)
    WHERE better.reward - worse.reward >= $margin - 1e-9
    AND greatest(better.size, worse.size) / least(better.size, worse.size) <= 2
    QUALIFY row_number() OVER (
        PARTITION BY prompt_key ORDER BY margin DESC, length_ratio, chosen_id, rejected_id) <= $per_prompt
)
SELECT split_of(better.prompt_key) AS split, better.prompt, [{'role': 'assistant', 'content': better.answer}] AS chosen,
    [{'role': 'assistant', 'content': worse.answer}] AS rejected,
    {'interaction_id': chosen_id, 'prompt_key': better.prompt_key, 'cluster_key': better.prompt_key,
     'segment': better.segment, 'category': better.category, 'task': better.task, 'log_format': 'interaction_log',
     'chosen_id': chosen_id, 'rejected_id': rejected_id, 'chosen_reward': chosen_reward,
     'rejected_reward': rejected_reward, 'margin': margin, 'reward_source': 'judge',
     'strategy': 'all_margin', 'same_agent': better.agent = worse.agent, 'agents': two_names(better.agent, worse.agent),
     'length_ratio': length_ratio} AS metadata
FROM pairs
JOIN interactions AS better ON better.interaction_id = chosen_id
JOIN interactions AS worse ON worse.interaction_id = rejected_id
"""
LABELS = """
SELECT split_of(prompt_key) AS split, prompt, [{'role': 'assistant', 'content': answer}] AS completion,
    quality_scores['overall'] >= 0.75 AS label,
    {'interaction_id': interaction_id, 'prompt_key': prompt_key, 'cluster_key': prompt_key, 'segment': segment,
     'category': category, 'task': task, 'log_format': 'interaction_log', 'agent': agent,
     'reward': quality_scores['overall'], 'reward_source': 'judge'} AS metadata
FROM interactions
WHERE NOT error AND (quality_scores['overall'] >= 0.75 OR quality_scores['overall'] <= 0.25)
"""
GROUPS = """
WITH ranked AS (
    SELECT *, quality_scores['overall'] AS reward,
        row_number() OVER (PARTITION BY prompt_key ORDER BY reward DESC, interaction_id) - 1 AS place,
        count(*) OVER (PARTITION BY prompt_key) AS size
    FROM interactions
    WHERE NOT error
    QUALIFY spread(place, size, 4)
)
SELECT split_of(prompt_key) AS split, first(prompt) AS prompt,
    list({'text': answer, 'reward': reward, 'interaction_id': interaction_id}) AS responses,
    {'prompt_key': prompt_key, 'cluster_key': prompt_key, 'segment': first(segment), 'category': first(category),
     'task': first(task), 'log_format': 'interaction_log', 'sd': stddev_pop(reward), 'scorer': 'judge',
     'size': count(*), 'query_complexity': CASE
        WHEN len(string_split_regex(stripped(first(prompt)[-1].content), '\\s+')) <= 10 THEN 'simple'
        WHEN len(string_split_regex(stripped(first(prompt)[-1].content), '\\s+')) <= 40 THEN 'moderate'
        ELSE 'complex' END,
     'agents': list(DISTINCT agent)} AS metadata
FROM ranked
GROUP BY prompt_key
HAVING count(*) >= 2 AND stddev_pop(reward) >= 0.05 AND max(reward) >= 0.2
"""
Build = Callable[..., object]
PARTS: dict[str, tuple[str, Build, Policy, tuple[Expectation, ...]]] = {
    "sft_dataset": (BEST, build_sft, SftPolicy(), suites.SFT),
    "dpo_dataset": (
        PAIRS.replace("$per_prompt", "2").replace("$margin", "0.2"),
        build_pairs,
        DpoPolicy(),
        suites.DPO,
    ),
    "reward_dataset": (
        PAIRS.replace("$per_prompt", "6").replace("$margin", "0.05"),
        build_pairs,
        RewardPolicy(),
        suites.REWARD,
    ),
    "kto_dataset": (LABELS, build_kto, KtoPolicy(), suites.KTO),
    "grpo_dataset": (GROUPS, build_grpo, GrpoPolicy(), suites.GRPO),
}


def works(lake: Lake, target: Path, memory_limit: str) -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """(dataset, baseline, ours) of a lake whose day has been rated."""
    for name, (statement, build, policy, suite) in PARTS.items():
        yield (
            name,
            lambda name=name, statement=statement: bare(lake, statement, target / "bare" / name, memory_limit),
            lambda name=name, build=build, policy=policy, suite=suite: ours(
                lake, target / name / str(DAY), build, policy, suite, memory_limit
            ),
        )


def one(lake: Lake, target: Path, name: str, memory_limit: str) -> None:
    """Ours of one dataset, by its name."""
    _, build, policy, suite = PARTS[name]
    ours(lake, target / name / str(DAY), build, policy, suite, memory_limit)


def warm_up() -> None:
    """Audit nothing: the first audit of a process imports Great Expectations, which takes seconds."""
    audit(connected([], "sft_dataset"), suites.SFT)


def rate(lake: Lake, memory_limit: str) -> None:
    rate_interactions(lake, Window(DAY, 30), memory_limit)


def bare(lake: Lake, statement: str, target: Path, memory_limit: str) -> None:
    """One statement from the lake to a parquet file a split."""
    target.mkdir(parents=True, exist_ok=True)
    connection = sql.connect(memory_limit)
    register_view(connection, "interactions", lake, INTERACTIONS, [DAY])
    connection.execute(
        f"COPY ({statement}) TO '{target}' "
        "(FORMAT parquet, COMPRESSION zstd, PARTITION_BY (split), OVERWRITE_OR_IGNORE)"
    )


def ours(
    lake: Lake, target: Path, build: Build, policy: Policy, suite: tuple[Expectation, ...], memory_limit: str
) -> None:
    """The whole dataset: filters, accounts, near-identical texts, audit, content hash, card, manifest."""
    connection = rated_as_of(lake, Window(DAY, 30), memory_limit)
    publish_dataset(connection, target, build(connection, policy), policy, suite, {})
