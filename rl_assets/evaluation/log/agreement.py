"""Whether questions have one right answer: good logged answers to one prompt, by different interactions, that agree."""

import duckdb

from rl_assets.core import sql
from rl_assets.evaluation.run.inputs import MIN_REFERENCE_REWARD, Agreement, RowFilter, selected
from rl_assets.metrics.text import same_answer

MAX_ANSWERS = 20
# A model that answers greedily repeats a long text word for word, which says nothing about other models.
MAX_WORDS = 40


def agreement_of_good_answers(
    connection: duckdb.DuckDBPyConnection, segment: str | None, row_filter: RowFilter
) -> Agreement:
    """Of each held-out cluster the first two good answers to its first such prompt; texts of over 40 words disagree."""
    rows = sql.select(
        connection,
        "evaluation/repeated_questions",
        max_answers=MAX_ANSWERS,
        min_reward=MIN_REFERENCE_REWARD,
    )
    prompts: dict[tuple[str, str], list[str]] = {}
    for row in rows.to_arrow_table().to_pylist():
        if selected({"metadata": row}, segment, row_filter):
            prompts.setdefault((row["cluster_key"], row["prompt_key"]), []).append(row["answer"])
    clusters: dict[str, tuple[str, str]] = {}
    for (cluster, _), answers in prompts.items():
        if len(answers) > 1:
            clusters.setdefault(cluster, (answers[0], answers[1]))
    return Agreement(len(clusters), sum(_agree(*pair) for pair in clusters.values()))


def _agree(one: str, other: str) -> bool:
    return len(one.split()) <= MAX_WORDS and same_answer(one, other)
