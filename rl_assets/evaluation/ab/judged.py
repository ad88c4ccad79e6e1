"""Agents compared by a judge, on answers to the same prompts."""

from collections import defaultdict

import duckdb

from rl_assets.core import sql
from rl_assets.judging.pairwise import Duel
from rl_assets.judging.summary import JudgeVerdicts, compare_by_judge
from rl_assets.llm.client import Judge

FEWEST = 5


def judge_agents(connection: duckdb.DuckDBPyConnection, judge: Judge, most: int) -> list[JudgeVerdicts]:
    """Verdicts on each two agents of a segment with at least five prompts in common, on at most `most` of them.

    Where the judge's budget does not last for that, every contest gets an equal share of it, but five pairs.
    """
    contests: dict[tuple[str, str, str], list[Duel]] = defaultdict(list)
    for row in sql.select(connection, "evaluation/ab/judge_pairs", most=most).to_arrow_table().to_pylist():
        duel = Duel(tuple(row["prompt"]), row["first"], row["second"], row["prompt_key"])
        contests[row["segment"], row["ours"], row["theirs"]].append(duel)
    shared = {names: duels for names, duels in contests.items() if len(duels) >= FEWEST}
    share = max(FEWEST, judge.max_calls // (2 * len(shared))) if shared else 0
    return [
        compare_by_judge(judge, f"{segment}: {ours}", theirs, duels[:share])
        for (segment, ours, theirs), duels in shared.items()
    ]
