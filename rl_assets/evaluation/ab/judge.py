"""Agents compared by a judge, on answers to the same prompts."""

from collections import defaultdict

import duckdb

from rl_assets.core import sql
from rl_assets.judging.pairwise import AnswerPair
from rl_assets.judging.summary import JudgeVerdicts, compare_by_judge
from rl_assets.llm.client import Judge

MIN_PROMPTS = 5


def judge_agents(connection: duckdb.DuckDBPyConnection, judge: Judge, max_pairs: int) -> list[JudgeVerdicts]:
    """Verdicts on each two agents of a segment with at least five prompts in common, on at most `max_pairs` of them.

    If the judge's budget is too small for that, every comparison gets an equal share of it, but at least five pairs.
    """
    pairs: dict[tuple[str, str, str], list[AnswerPair]] = defaultdict(list)
    for row in sql.select(connection, "evaluation/ab/judge_pairs", max_pairs=max_pairs).to_arrow_table().to_pylist():
        pair = AnswerPair(tuple(row["prompt"]), row["first"], row["second"], row["prompt_key"])
        pairs[row["segment"], row["ours"], row["theirs"]].append(pair)
    shared = {names: own for names, own in pairs.items() if len(own) >= MIN_PROMPTS}
    share = max(MIN_PROMPTS, judge.max_calls // (2 * len(shared))) if shared else 0
    return [
        compare_by_judge(judge, f"{segment}: {ours}", theirs, own[:share])
        for (segment, ours, theirs), own in shared.items()
    ]
