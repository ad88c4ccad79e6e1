"""Where answers are weak and strong, from the rated answers of a window: cells, categories, retrieval, question length.

A cell is an agent in a category by one source of rewards: people, verifiers and judges are not put on one scale. A cell
is called weak or strong by the end of its interval, not by its mean.
"""

from collections.abc import Callable, Sequence
from datetime import date
from itertools import combinations
from math import log2
from typing import Any, Literal

import duckdb
import numpy as np

from rl_assets.core import sql
from rl_assets.core.validation import Record
from rl_assets.evaluation.ab.compare import compare_agents
from rl_assets.evaluation.ab.results import AgentScore
from rl_assets.evaluation.self_analysis.resampling import Mask, Resampled, slope
from rl_assets.evaluation.self_analysis.words import ReasonWord, reason_words
from rl_assets.metrics.statistics import Interval, holm

MIN_RATED, MIN_CELL = 10, 3
WEAK, STRONG, GAP, ALPHA = 0.4, 0.8, 0.3, 0.05
MAX_ROWS, MAX_COMMENTS = 50_000, 50_000
Row = dict[str, Any]
Standing = Literal["weak", "strong", "between"]
Name = tuple[Any, ...]


class Cell(Record):
    """Rated answers of an agent in a category by one source, and how their mean stands."""

    agent: str
    category: str
    source: str
    mean: Interval
    standing: Standing


class Level(Record):
    """A category, or a number of retrieved sources: its mean, and the difference to all others of its source, with a
    p-value adjusted for all levels (Holm)."""

    name: str
    source: str
    mean: Interval
    difference: Interval
    p_holm: float

    @property
    def is_significant(self) -> bool:
        return self.p_holm < ALPHA


class AgentGap(Record):
    """Two agents whose rewards in a category lie more than 0.3 apart, with an interval that excludes 0."""

    category: str
    source: str
    better: str
    worse: str
    difference: Interval


class LengthEffect(Record):
    """What doubling the length of the question adds to the reward."""

    source: str
    slope: Interval


class SelfAnalysis(Record):
    """The report as of `day`. `hidden_cells` had fewer than three rated answers; `missing` says why it is empty."""

    day: date
    rated: int
    cells: list[Cell]
    hidden_cells: int
    categories: list[Level]
    top_ks: list[Level]
    lengths: list[LengthEffect]
    gaps: list[AgentGap]
    agents: list[AgentScore]
    comments: int
    words: list[ReasonWord]
    missing: str | None = None


def analyse(connection: duckdb.DuckDBPyConnection, day: date) -> SelfAnalysis:
    """The analysis of a connection of `rated_as_of`."""
    rows = sql.select(connection, "evaluation/self_analysis/rated_rows", max_rows=MAX_ROWS).to_arrow_table().to_pylist()
    comments = sql.select(connection, "evaluation/self_analysis/comments", max_rows=MAX_COMMENTS)
    texts = comments.to_arrow_table().to_pylist()
    if len(rows) < MIN_RATED:
        return _empty(day, rows, len(texts))
    groups = _Groups(rows)
    cells, hidden = _cells(groups)
    return SelfAnalysis(
        day=day,
        rated=len(rows),
        cells=cells,
        hidden_cells=hidden,
        categories=_levels(groups, "category"),
        top_ks=_levels(groups, "top_k"),
        lengths=_lengths(rows),
        gaps=_gaps(groups),
        agents=compare_agents(connection, str(day)).agents,
        comments=len(texts),
        words=reason_words(texts),
    )


def _empty(day: date, rows: Sequence[Row], comments: int) -> SelfAnalysis:
    reason = (
        f"The window has {len(rows)} rated answers, and {MIN_RATED} are needed. Synthetic rewards do not count. "
        "Collect feedback, or materialize rated_interactions of a later day."
    )
    return SelfAnalysis(
        day=day,
        rated=len(rows),
        cells=[],
        hidden_cells=0,
        categories=[],
        top_ks=[],
        lengths=[],
        gaps=[],
        agents=[],
        comments=comments,
        words=[],
        missing=reason,
    )


class _Groups:
    """All groups of rows that the report speaks of, by name, resampled together."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.masks: dict[Name, Mask] = {}
        for names in (("source",), ("source", "agent", "category"), ("source", "category"), ("source", "top_k")):
            self._add(rows, names)
        shown = {name: mask for name, mask in self.masks.items() if mask.sum() >= MIN_CELL}
        self.hidden = [name for name in self.masks if name not in shown]
        self.places = {name: place for place, name in enumerate(shown)}
        self.resampled = Resampled(
            [row["reward"] for row in rows], [row["cluster"] for row in rows], list(shown.values())
        )

    def _add(self, rows: Sequence[Row], names: Sequence[str]) -> None:
        keys = [tuple(row[name] for name in names) for row in rows]
        for key in sorted(set(keys), key=str):
            if None not in key:
                self.masks[(names[-1], *key)] = np.array([each == key for each in keys])

    def named(self, kind: str, length: int) -> list[Name]:
        """Names of the shown groups of a kind."""
        return [name for name in self.places if name[0] == kind and len(name) == length]

    def mean(self, name: Name) -> Interval:
        return self.resampled.mean(self.places[name])

    def against_source(self, name: Name) -> Interval | None:
        """The difference to all other rows of the source."""
        return self.resampled.difference_to_rest(self.places[name], self.places["source", name[1]])


def _cells(groups: _Groups) -> tuple[list[Cell], int]:
    cells = []
    for name in groups.named("category", 4):
        _, source, agent, category = name
        mean = groups.mean(name)
        cells.append(Cell(agent=agent, category=category, source=source, mean=mean, standing=standing_of(mean)))
    hidden = sum(len(name) == 4 for name in groups.hidden)
    return sorted(cells, key=lambda cell: (cell.mean.mean, cell.agent, cell.category)), hidden


def standing_of(mean: Interval) -> Standing:
    """Weak if the whole interval lies below 0.4, strong if it lies above 0.8."""
    if mean.high is not None and mean.high < WEAK:
        return "weak"
    return "strong" if mean.low is not None and mean.low > STRONG else "between"


def _levels(groups: _Groups, kind: str) -> list[Level]:
    """The levels of a kind that differ from something, by their difference, lowest first."""
    found = [(name, groups.mean(name), groups.against_source(name)) for name in groups.named(kind, 3)]
    tested = [(name, mean, difference) for name, mean, difference in found if difference is not None]
    adjusted = holm([1.0 if difference.p is None else difference.p for _, _, difference in tested])
    levels = [
        Level(name=str(name[2]), source=name[1], mean=mean, difference=difference, p_holm=p)
        for (name, mean, difference), p in zip(tested, adjusted, strict=True)
    ]
    return sorted(levels, key=lambda level: level.difference.mean)


def _lengths(rows: Sequence[Row]) -> list[LengthEffect]:
    effects = []
    for source in sorted({row["source"] for row in rows}):
        own = [row for row in rows if row["source"] == source and row["question_chars"]]
        if len(own) < MIN_RATED:
            continue
        x = [log2(row["question_chars"]) for row in own]
        found = slope(x, [row["reward"] for row in own], [row["cluster"] for row in own])
        if found is not None:
            effects.append(LengthEffect(source=source, slope=found))
    return effects


def _gaps(groups: _Groups) -> list[AgentGap]:
    by_category: dict[tuple[str, str], list[Name]] = {}
    for name in groups.named("category", 4):
        by_category.setdefault((name[1], name[3]), []).append(name)
    gaps = []
    for (source, category), names in by_category.items():
        for one, other in combinations(names, 2):
            found = groups.resampled.difference(groups.places[one], groups.places[other])
            if found is None or abs(found.mean) <= GAP or not _excludes_zero(found):
                continue
            better, worse, difference = (one, other, found) if found.mean > 0 else (other, one, found.negated())
            gaps.append(
                AgentGap(category=category, source=source, better=better[2], worse=worse[2], difference=difference)
            )
    return sorted(gaps, key=lambda gap: -gap.difference.mean)


def _excludes_zero(difference: Interval) -> bool:
    return difference.low is not None and difference.high is not None and not difference.low <= 0 <= difference.high


def cells_of(analysis: SelfAnalysis, standing: Standing) -> list[Cell]:
    """The cells of a standing."""
    return [cell for cell in analysis.cells if cell.standing == standing]


def significant(levels: Sequence[Level], is_best: Callable[[float], bool]) -> list[Level]:
    """The levels that differ significantly, on the wanted side of 0."""
    return [level for level in levels if level.is_significant and is_best(level.difference.mean)]
