"""Datasets against the least SQL that gives their rows: no filters but the reward, no checks, no accounts, no manifest.

Both read the same lake and write parquet with texts; of ours, every check is on. Rating the window, which serves all
datasets, is measured apart.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from rl_assets.datasets import expectations
from rl_assets.datasets.builders import build_grpo, build_kto, build_pairs, build_sft
from rl_assets.datasets.expectations import Expectation
from rl_assets.datasets.folder import publish_dataset
from rl_assets.datasets.policies import DpoPolicy, GrpoPolicy, KtoPolicy, Policy, RewardPolicy, SftPolicy
from rl_assets.datasets.ratings import Window, rate_interactions, rated_as_of
from rl_assets.ingest.records import INTERACTIONS
from rl_assets.lake import Lake
from rl_assets_tests.benchmarks.ingest import DAY

BEST = """
SELECT list_append(prompt, {'role': 'assistant', 'content': answer}) AS messages, quality_scores['overall'] AS reward
FROM interactions
WHERE NOT error AND quality_scores['overall'] >= 0.8
QUALIFY row_number() OVER (PARTITION BY prompt_key ORDER BY reward DESC, length(answer)) = 1
"""
PAIRS = """
WITH answers AS (SELECT interaction_id, prompt_key, quality_scores['overall'] AS reward, error FROM interactions),
pairs AS (
    SELECT better.interaction_id AS chosen_id, worse.interaction_id AS rejected_id,
        better.reward - worse.reward AS margin
    FROM answers AS better JOIN answers AS worse USING (prompt_key)
    WHERE NOT better.error AND better.reward - worse.reward >= 0.2
    QUALIFY row_number() OVER (PARTITION BY prompt_key ORDER BY margin DESC) <= $per_prompt
)
SELECT better.prompt, better.answer AS chosen, worse.answer AS rejected, margin
FROM pairs
JOIN interactions AS better ON better.interaction_id = chosen_id
JOIN interactions AS worse ON worse.interaction_id = rejected_id
"""
LABELS = """
SELECT prompt, answer AS completion, quality_scores['overall'] >= 0.75 AS label
FROM interactions
WHERE NOT error AND (quality_scores['overall'] >= 0.75 OR quality_scores['overall'] <= 0.25)
"""
GROUPS = """
SELECT first(prompt) AS prompt, list({'text': answer, 'reward': quality_scores['overall']}) AS responses
FROM (
    SELECT * FROM interactions WHERE NOT error
    QUALIFY row_number() OVER (PARTITION BY prompt_key ORDER BY quality_scores['overall'] DESC) <= 4
)
GROUP BY prompt_key
HAVING stddev_pop(quality_scores['overall']) >= 0.05
"""
Build = Callable[..., object]
PARTS: dict[str, tuple[str, Build, Policy, tuple[Expectation, ...]]] = {
    "sft_dataset": (BEST, build_sft, SftPolicy(), expectations.SFT),
    "dpo_dataset": (PAIRS.replace("$per_prompt", "2"), build_pairs, DpoPolicy(), expectations.DPO),
    "reward_dataset": (PAIRS.replace("$per_prompt", "6"), build_pairs, RewardPolicy(), expectations.REWARD),
    "kto_dataset": (LABELS, build_kto, KtoPolicy(), expectations.KTO),
    "grpo_dataset": (GROUPS, build_grpo, GrpoPolicy(), expectations.GRPO),
}


def works(lake: Lake, target: Path, memory_limit: str) -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """(dataset, baseline, ours) of a lake whose day has been rated."""
    for name, (statement, build, policy, suite) in PARTS.items():
        yield (
            name,
            lambda name=name, statement=statement: bare(lake, statement, target / f"{name}.parquet", memory_limit),
            lambda name=name, build=build, policy=policy, suite=suite: ours(
                lake, target / name / str(DAY), build, policy, suite, memory_limit
            ),
        )


def rate(lake: Lake, memory_limit: str) -> None:
    rate_interactions(lake, Window(DAY, 30), memory_limit)


def bare(lake: Lake, statement: str, target: Path, memory_limit: str) -> None:
    """One statement from the lake to one parquet file."""
    connection = duckdb.connect(config={"memory_limit": memory_limit, "autoinstall_known_extensions": False})
    connection.register("interactions", lake.read(INTERACTIONS, [DAY]))
    connection.sql(statement).write_parquet(str(target), compression="zstd")


def ours(
    lake: Lake, target: Path, build: Build, policy: Policy, suite: tuple[Expectation, ...], memory_limit: str
) -> None:
    """The whole dataset: filters, accounts, near-identical texts, audit, content hash, card, manifest."""
    connection = rated_as_of(lake, Window(DAY, 30), memory_limit)
    publish_dataset(connection, target, build(connection, policy), policy, suite, {})
