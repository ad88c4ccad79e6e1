"""`synthetic_feedback`: a panel's scores of logged answers, with what they cost and whether they may be believed."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.core.detectors import Detectors
from rl_assets.core.files import sha256_json
from rl_assets.features.privacy import redact
from rl_assets.judging.panel import PanelAnswer, Vote, ask_panel, failed_panel_probes, persona_hash, pooled
from rl_assets.judging.panel_beliefs import Belief, PeopleRated, measure, with_votes
from rl_assets.judging.personas import OVERALL, PanelFile
from rl_assets.llm.paid_judge import PaidJudge
from rl_assets.rewards.weighing import MissingDimensionError, Weighing, weigh
from rl_assets.tables.synthetic_feedback import SYNTHETIC_FEEDBACK

SOURCE = "synthetic"
PANEL = "panel"
Row = dict[str, Any]
Scores = Mapping[tuple[str, str], tuple[float, int]]


@dataclass(frozen=True)
class Panel:
    """Who scores: the judges by name, their personas, and the weights of `overall`; None if it is not weighed."""

    file: PanelFile
    judges: Mapping[str, PaidJudge]
    weighing: Weighing | None

    @property
    def dimensions(self) -> list[str]:
        """What the panel gives scores of."""
        return [*self.file.dimensions, *([OVERALL] if self.weighing else [])]


@dataclass(frozen=True)
class SyntheticFeedback:
    """The rows of a day; what became of the votes, what was not asked, and how far each dimension is believed.

    `not_asked` are answers that the budget left without some vote: the next run asks for those votes alone.
    """

    rows: list[Row]
    answers: int
    outcomes: dict[str, int]
    not_asked: list[str]
    beliefs: list[Belief]
    costs: list[Row]

    @property
    def problems(self) -> list[str]:
        """Why dimensions are not believed, as sentences."""
        return [f"{belief.dimension}: {problem}" for belief in self.beliefs for problem in belief.problems]

    def reader(self) -> pa.RecordBatchReader:
        """The rows for publishing."""
        return pa.Table.from_pylist(self.rows, schema=SYNTHETIC_FEEDBACK.schema).to_reader()


def weighing_of(panel: PanelFile, weighing: Weighing) -> Weighing | None:
    """The weights, if the panel scores every dimension that they name; otherwise there is no `overall`."""
    return weighing if set(weighing.dimensions) <= set(panel.dimensions) else None


def score_answers(
    connection: duckdb.DuckDBPyConnection,
    panel: Panel,
    day: str,
    max_answers: int,
    validation_answers: int,
    detectors: Detectors = (),
) -> SyntheticFeedback:
    """Let the panel score answers of `rated`: those that people rated, to be measured on, then unjudged ones.

    `connection` sees `dimension_ratings`. Nothing is scored for a missing vote.
    """
    candidates = sql.select(
        connection,
        "annotation/panel_candidates",
        dimensions=panel.dimensions,
        max_answers=max_answers,
        validation_answers=validation_answers,
    )
    found = {row["interaction_id"]: row for row in candidates.to_arrow_table().to_pylist()}
    probes = [problem for name, judge in panel.judges.items() for problem in failed_panel_probes(name, judge)]
    votes = ask_panel(panel.judges, panel.file.cast, [_answer(row) for row in found.values()])
    scores = {**pooled(votes), **dict(_overall(pooled(votes), panel.weighing))}
    people = _people(connection, panel.dimensions)
    beliefs = [_belief(name, scores, people, found, votes, probes) for name in panel.dimensions]
    rows = _rows(panel, votes, scores, found, beliefs, date.fromisoformat(day), lambda text: redact(text, detectors)[0])
    return SyntheticFeedback(
        sorted(rows, key=lambda row: row["feedback_id"]),
        len(found),
        dict(sorted(Counter(vote.outcome for vote in votes).items())),
        sorted({vote.interaction_id for vote in votes if vote.outcome == "skipped"}),
        beliefs,
        _costs(votes),
    )


def _answer(row: Row) -> PanelAnswer:
    return PanelAnswer(row["interaction_id"], tuple(row["prompt"]), row["answer"], row["context"])


def _overall(scores: Scores, weighing: Weighing | None) -> Iterator[tuple[tuple[str, str], tuple[float, int]]]:
    """The weighed score of each answer that has all that it is made of, with the votes of the rarest part."""
    by_answer: dict[str, dict[str, tuple[float, int]]] = {}
    for (answer, dimension), score in scores.items():
        by_answer.setdefault(answer, {})[dimension] = score
    for answer, given in by_answer.items() if weighing else ():
        try:
            weighed = weigh({name: value for name, (value, _) in given.items()}, weighing) if weighing else None
        except MissingDimensionError:
            continue
        if weighed:
            yield (answer, OVERALL), (weighed.reward, min(given[name][1] for name in weighed.values))


def _people(connection: duckdb.DuckDBPyConnection, dimensions: Sequence[str]) -> dict[str, dict[str, PeopleRated]]:
    """People's ratings by dimension and answer."""
    people: dict[str, dict[str, PeopleRated]] = {name: {} for name in dimensions}
    for row in sql.select(connection, "ratings/ratings_of_people").to_arrow_table().to_pylist():
        if row["dimension"] in people:
            people[row["dimension"]][row["interaction_id"]] = PeopleRated(tuple(row["ratings"]), row["unit"])
    return people


def _belief(
    dimension: str,
    scores: Scores,
    people: Mapping[str, Mapping[str, PeopleRated]],
    found: Mapping[str, Row],
    votes: Sequence[Vote],
    probes: Sequence[str],
) -> Belief:
    own = {answer: value for (answer, name), (value, _) in scores.items() if name == dimension}
    chars = {answer: len(row["answer"]) for answer, row in found.items()}
    belief = measure(dimension, own, people[dimension], chars, probes)
    return with_votes(belief, votes, {answer: row["model"] for answer, row in found.items()})


def _rows(
    panel: Panel,
    votes: Sequence[Vote],
    scores: Scores,
    found: Mapping[str, Row],
    beliefs: Sequence[Belief],
    day: date,
    clean: Callable[[str], str],
) -> Iterator[Row]:
    believed = {belief.dimension: belief.believed for belief in beliefs}
    rubrics = {persona.name: persona_hash(persona) for persona in panel.file.cast}
    for vote in votes:
        if vote.value is not None:
            about = _about(found[vote.interaction_id], day, vote.dimension, f"{vote.model}/{vote.persona}")
            yield about | {
                "feedback_id": _id(vote.interaction_id, vote.judge, vote.persona, rubrics[vote.persona]),
                "model": vote.model,
                "value": vote.value,
                "raters": scores[vote.interaction_id, vote.dimension][1],
                "comment": clean(vote.rationale or ""),
                "rubric_sha256": rubrics[vote.persona],
                "believed": believed[vote.dimension],
                **(vars(vote.cost) if vote.cost else {}),
            }
    if panel.weighing:
        told = sha256_json([sorted(rubrics.items()), panel.weighing.version])[:12]
        models = " ".join(sorted({judge.endpoint.model for judge in panel.judges.values()}))
        for (answer, dimension), (value, raters) in scores.items():
            if dimension == OVERALL:
                yield _about(found[answer], day, OVERALL, PANEL) | {
                    "feedback_id": _id(answer, PANEL, OVERALL, told),
                    "model": models,
                    "value": round(value, 9),
                    "raters": raters,
                    "rubric_sha256": told,
                    "believed": believed[OVERALL],
                }


def _id(*parts: str) -> str:
    return f"synthetic-{sha256_json(list(parts))[:24]}"


def _about(row: Row, day: date, dimension: str, rater: str) -> Row:
    names = ("interaction_id", "landed_day", "prompt_key", "cluster_key", "split")
    same = {"day": day, "kind": "rating", "source": SOURCE, "dimension": dimension, "rater": rater}
    return {name: row[name] for name in names} | same


def _costs(votes: Sequence[Vote]) -> list[Row]:
    """What the scores of each judge as each persona cost when they were made: a line each, and one of all."""
    groups: dict[tuple[str, str], list[Vote]] = {}
    for vote in votes:
        if vote.cost:
            groups.setdefault((vote.judge, vote.persona), []).append(vote)
    lines = [{"judge": judge, "persona": persona, **_sums(own)} for (judge, persona), own in sorted(groups.items())]
    return [*lines, {"judge": "all", "persona": "all", **_sums([vote for own in groups.values() for vote in own])}]


def _sums(votes: Sequence[Vote]) -> Row:
    costs = [vote.cost for vote in votes if vote.cost]
    known = [cost.usd for cost in costs if cost.usd is not None]
    return {
        "scores": sum(vote.value is not None for vote in votes),
        "tokens": sum(cost.tokens for cost in costs),
        "usd": round(sum(known), 6) if len(known) == len(costs) else None,
        "seconds": round(math.fsum(cost.seconds for cost in costs), 1),
    }
