"""Counts of the newest rated answers, and what datasets they would give after all filters."""

from typing import Any

from rl_assets.core import sql
from rl_assets.datasets.builders import build_grpo, build_pairs, build_sft
from rl_assets.datasets.policies import DpoPolicy, GrpoPolicy, SftPolicy
from rl_assets.datasets.stats import recommendation
from rl_assets.recipes.recipe import Recipe
from rl_assets.service.lake_reads import LakeReads, Selection
from rl_assets.tables.usable_rows import UsableRows

GROUPS = "SELECT count(*) FROM (SELECT DISTINCT prompt, reward_source FROM selected)"


def answer_statistics(reads: LakeReads, brand: str | None) -> dict[str, Any]:
    """The counts of the window of the newest rated day; the share of good answers is of those with a reward."""
    with reads.rated(Selection(brand=brand)) as connection:
        counts = _one(sql.select(connection, "service/answer_counts"))
        agents = sql.select(connection, "service/answers_by_agent").fetchall()
    return {
        "total_interactions": counts["answers"],
        "high_quality_count": counts["good"],
        "error_count": counts["failed"],
        "high_quality_rate": _share(counts["good"], counts["rated"]),
        "error_rate": _share(counts["failed"], counts["answers"]),
        "agent_stats": {f"agent_{agent}_count": answers for agent, answers in agents},
        "as_of": _text(reads.rated_day()),
    }


def dataset_statistics(reads: LakeReads, recipe: Recipe, days: int, brand: str | None) -> dict[str, Any]:
    """Counts of the last days, and the rows that the datasets would train on: the train split, after all filters."""
    with reads.rated(Selection(days, brand)) as connection:
        counts = _one(sql.select(connection, "service/answer_counts"))
        agents = sql.select(connection, "service/answers_by_agent").fetchall()
    rows = potential_rows(reads, Selection(days, brand, split="train"))
    return {
        "total_interactions": counts["answers"],
        "with_quality_scores": counts["rated"],
        "high_quality": counts["good"],
        "high_quality_rate": _share(counts["good"], counts["rated"]),
        "by_agent_type": dict(agents),
        "potential_datasets": {"sft_samples": rows["sft"], "dpo_pairs": rows["dpo"], "grpo_groups": rows["grpo"]},
        "days_covered": counts["days"],
        "recommendation": recommendation({kind: _usable(kind, rows[kind], recipe) for kind in rows}),
        "as_of": _text(reads.rated_day()),
    }


def potential_rows(reads: LakeReads, selection: Selection) -> dict[str, int]:
    """Rows of each dataset by kind, with the policies' defaults."""
    with reads.rated(selection) as connection:
        sft = build_sft(connection, SftPolicy()).selected
    with reads.rated(selection) as connection:
        dpo = build_pairs(connection, DpoPolicy()).selected
    with reads.rated(selection) as connection:
        build_grpo(connection, GrpoPolicy())
        grpo = connection.sql(GROUPS).fetchall()[0][0]
    return {"sft": sft, "dpo": dpo, "grpo": grpo}


def _usable(kind: str, rows: int, recipe: Recipe) -> UsableRows:
    needed: int = getattr(recipe, f"min_rows_{kind}")
    reason = None if rows >= needed else f"{rows} rows, the recipe {recipe.name} needs {needed}"
    return UsableRows(kind, rows, needed, reason)


def _one(relation: Any) -> dict[str, int]:
    row: dict[str, int] = relation.to_arrow_table().to_pylist()[0]
    return row


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _text(day: Any) -> str | None:
    return str(day) if day else None
