"""Compare agents by the rewards of their logged answers: a score of each, a comparison of each two, costs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import combinations
from typing import Any

import duckdb

from rl_assets.core import sql
from rl_assets.evaluation.ab.results import AbReport, AgentComparison, AgentCost, AgentScore, AnswersOf
from rl_assets.evaluation.schema.report import LoggedAgreement
from rl_assets.features.redaction import register_clean
from rl_assets.judging.summary import JudgeVerdicts
from rl_assets.lake.delta import Lake
from rl_assets.metrics.statistics import Interval, holm
from rl_assets.metrics.stratified import Stratum, clipped_to_unit, stratified, stratified_difference
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS

ALPHA = 0.05
Group = tuple[str, str]
Strata = dict[Group, dict[str, list[Stratum]]]


def rated_answers(lake: Lake, day: str, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """A connection with `rated` as of the day, and `interactions` of their days, free of personal data."""
    connection = sql.connect(memory_limit)
    connection.register("rated", lake.read(RATED_INTERACTIONS, [date.fromisoformat(day)]))
    days = connection.sql("SELECT DISTINCT landed_day FROM rated").fetchall()
    register_clean(connection, lake, [landed for (landed,) in days])
    return connection


def compare_agents(
    connection: duckdb.DuckDBPyConnection,
    day: str,
    judge: Sequence[JudgeVerdicts] | None = None,
    *,
    answers: AnswersOf = "the log",
    agreement: LoggedAgreement | None = None,
    notes: Sequence[str] = (),
) -> AbReport:
    """The report of a day from `rated` and `interactions`; `judge` are the verdicts of one, None if there is none."""
    sql.create_temporary(connection, "scores", "evaluation/ab/question_scores")
    strata: Strata = defaultdict(lambda: defaultdict(list))
    for row in _rows(connection, "evaluation/ab/scores_by_category"):
        strata[row["segment"], row["source"]][row["agent"]].append(_stratum(row))
    rivals = {group: agents for group, agents in strata.items() if len(agents) > 1}
    costs = [AgentCost(**row) for row in _rows(connection, "evaluation/ab/agent_costs")]
    return AbReport(
        day=day,
        answers=answers,
        agents=[score for group, agents in rivals.items() for score in _scores(group, agents)],
        comparisons=_corrected(_comparisons(rivals, _pairs(connection))),
        costs=costs,
        judge=list(judge or ()),
        agreement=agreement,
        notes=[*notes, *_notes(strata, costs, has_judge=judge is not None)],
    )


def _rows(connection: duckdb.DuckDBPyConnection, statement: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = sql.select(connection, statement).to_arrow_table().to_pylist()
    return rows


def _stratum(row: Mapping[str, Any]) -> Stratum:
    return Stratum(row["category"], row["mix"], row["n"], row["mean"], row["variance"])


def _scores(group: Group, agents: Mapping[str, list[Stratum]]) -> list[AgentScore]:
    categories = [{stratum.category for stratum in own} for own in agents.values()]
    shared, known = set.intersection(*categories), set.union(*categories)
    return [
        AgentScore(
            segment=group[0],
            source=group[1],
            agent=agent,
            questions=sum(stratum.n for stratum in own),
            raw=sum(stratum.n * stratum.mean for stratum in own) / sum(stratum.n for stratum in own),
            adjusted=_adjusted([stratum for stratum in own if stratum.category in shared]),
            dropped_categories=sorted(known - shared),
        )
        for agent, own in agents.items()
    ]


def _adjusted(strata: Sequence[Stratum]) -> Interval | None:
    return clipped_to_unit(stratified(strata)) if strata else None


def _pairs(connection: duckdb.DuckDBPyConnection) -> dict[tuple[Group, str, str], list[dict[str, Any]]]:
    pairs = defaultdict(list)
    for row in _rows(connection, "evaluation/ab/differences"):
        pairs[(row["segment"], row["source"]), row["ours"], row["theirs"]].append(row)
    return pairs


def _comparisons(rivals: Strata, pairs: Mapping[tuple[Group, str, str], list[dict[str, Any]]]) -> list[AgentComparison]:
    comparisons = []
    for group, agents in rivals.items():
        for ours, theirs in combinations(sorted(agents), 2):
            rows = pairs.get((group, ours, theirs), [])
            estimate = _paired(rows) if rows else _unpaired(agents[ours], agents[theirs])
            if estimate is not None:
                names = {"segment": group[0], "source": group[1], "ours": ours, "theirs": theirs}
                comparisons.append(AgentComparison(**names, **estimate, p_holm=None, winner=None))
    return comparisons


def _paired(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    n, wins, losses = (sum(row[name] for row in rows) for name in ("n", "wins", "losses"))
    raw = sum(row["n"] * row["mean"] for row in rows) / n
    counts = {"questions": n, "wins": wins, "losses": losses, "ties": n - wins - losses}
    difference = stratified([_stratum(row) for row in rows])
    return {"basis": "same questions", **counts, "raw": raw, "difference": difference}


def _unpaired(ours: Sequence[Stratum], theirs: Sequence[Stratum]) -> dict[str, Any] | None:
    difference = stratified_difference(ours, theirs)
    if difference is None:
        return None
    raws = [sum(s.n * s.mean for s in side) / sum(s.n for s in side) for side in (ours, theirs)]
    counts = dict.fromkeys(("questions", "wins", "losses", "ties"), 0)
    return {"basis": "same categories", **counts, "raw": raws[0] - raws[1], "difference": difference}


def _corrected(comparisons: Sequence[AgentComparison]) -> list[AgentComparison]:
    tested = [row for row, comparison in enumerate(comparisons) if comparison.difference.p is not None]
    adjusted = dict(zip(tested, holm([comparisons[row].difference.p or 0.0 for row in tested]), strict=True))
    return [
        comparison.model_copy(update={"p_holm": adjusted.get(row), "winner": _winner(comparison, adjusted.get(row))})
        for row, comparison in enumerate(comparisons)
    ]


def _winner(comparison: AgentComparison, p: float | None) -> str | None:
    if p is None or p >= ALPHA:
        return None
    return comparison.ours if comparison.difference.mean > 0 else comparison.theirs


def _notes(strata: Strata, costs: Sequence[AgentCost], *, has_judge: bool) -> list[str]:
    scores = sorted({source for _, source in strata})
    notes = [] if has_judge else [f"No judge is configured: scores are those by {', '.join(scores) or 'nobody'} only."]
    notes += [
        f"In {segment} ({source}) only {next(iter(agents))} has rated answers: there is no other to compare it with."
        for (segment, source), agents in strata.items()
        if len(agents) == 1
    ]
    rated = {(segment, agent) for (segment, _), agents in strata.items() for agent in agents}
    silent = [cost for cost in costs if (cost.segment, cost.agent) not in rated]
    notes += [f"{cost.agent} in {cost.segment} has {cost.answers:,} answers and no reward." for cost in silent]
    failing = [cost for cost in costs if cost.failed]
    return notes + [
        f"{cost.agent} in {cost.segment} failed on {cost.failed:,} of {cost.answers:,}." for cost in failing
    ]
