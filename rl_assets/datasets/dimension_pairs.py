"""What heads of dimensions learn from, as of a day: answers with their texts, ratings and preferences by source.

Equal texts that answer one prompt are one answer, however often they were shown. No pair mixes people and machines.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from rl_assets.core import sql
from rl_assets.core.files import sha256_json
from rl_assets.rewards.dimension_data import Answer, DimensionData, Pair, Rating, joined_units, pairs_of_ratings

# The more trusted first: a head learns from the first that has enough pairs.
SOURCES = ("human", "verifier", "judge", "synthetic")
Key = tuple[str, str]


@dataclass(frozen=True)
class DimensionPairs:
    """All answers, and what each source says of them by (dimension, source)."""

    answers: tuple[Answer, ...]
    data: Mapping[Key, DimensionData]

    @property
    def dimensions(self) -> list[str]:
        """Names of everything that was rated or compared."""
        return sorted({dimension for dimension, _ in self.data})

    def of_dimension(self, dimension: str, sources: Sequence[str], min_pairs: int) -> DimensionData | None:
        """The data of the most trusted source with enough training pairs, else of the one with most; None without."""
        found = [
            self.data[dimension, source] for source in SOURCES if source in sources and (dimension, source) in self.data
        ]
        sizes = [len(data.pairs_in(self.answers, ["train"])) for data in found]
        enough = [data for data, size in zip(found, sizes, strict=True) if size >= min_pairs]
        return enough[0] if enough else found[sizes.index(max(sizes))] if found else None

    def content_hash(self) -> str:
        """Hash of the texts, splits, ratings and pairs."""
        said = {f"{key[0]}\x1f{key[1]}": [data.ratings, data.pairs] for key, data in sorted(self.data.items())}
        rows = [[answer.prompt_key, answer.text, answer.context, answer.split, answer.unit] for answer in self.answers]
        values = {name: [[vars(row) for row in part] for part in parts] for name, parts in said.items()}
        return sha256_json([rows, values])


def read_dimension_pairs(connection: duckdb.DuckDBPyConnection) -> DimensionPairs:
    """What `connection` sees (`connect_to_ratings`), pooled by text."""
    shown = sql.select(connection, "ratings/dimension_answers").to_arrow_table().to_pylist()
    preferences = sql.select(connection, "ratings/dimension_preferences").to_arrow_table().to_pylist()
    ratings = sql.select(connection, "ratings/ratings_by_answer").to_arrow_table().to_pylist()
    table = _AnswerTable.of_rows(shown)
    stated = _stated(preferences, table)
    rated = _pooled(ratings, table)
    units = joined_units([row.session for row in table.rows], [row.cluster for row in table.rows])
    answers = tuple(
        Answer(row.prompt_key, row.prompt, row.text, row.context, row.split, unit)
        for row, unit in zip(table.rows, units, strict=True)
    )
    keys = sorted({*stated, *rated})
    return DimensionPairs(
        answers, {key: _dimension_data(key, rated.get(key, []), stated.get(key, []), answers) for key in keys}
    )


@dataclass(frozen=True)
class _Text:
    prompt_key: str
    prompt: str
    text: str
    context: str | None
    split: str
    session: str
    cluster: str


class _AnswerTable:
    """Distinct texts by prompt, with their places; preferences may add texts that were never logged as answers."""

    def __init__(self) -> None:
        self.rows: list[_Text] = []
        self.by_id: dict[str, int] = {}
        self._places: dict[tuple[str, str], int] = {}

    @classmethod
    def of_rows(cls, shown: Sequence[dict[str, Any]]) -> "_AnswerTable":
        table = cls()
        for row in shown:
            named = {name: row[name] for name in ("prompt_key", "prompt", "context", "split", "session", "cluster")}
            table.by_id[row["interaction_id"]] = table.place(_Text(text=row["answer"].strip(), **named))
        return table

    def place(self, text: _Text) -> int:
        """The place of a text that answers a prompt, added if it is new."""
        key = (text.prompt_key, text.text)
        if key not in self._places:
            self._places[key] = len(self.rows)
            self.rows.append(text)
        return self._places[key]

    def sibling(self, interaction_id: str, text: str) -> int | None:
        """The place of another text that answers the same prompt; None for a blank one."""
        asked = self.rows[self.by_id[interaction_id]]
        return self.place(_Text(**{**vars(asked), "text": text.strip()})) if text.strip() else None


def _stated(preferences: Sequence[dict[str, Any]], table: _AnswerTable) -> dict[Key, list[Pair]]:
    """One pair per two compared texts, decided by the majority; the margin is its lead as a share of the votes."""
    votes: dict[Key, dict[tuple[int, int], int]] = defaultdict(lambda: defaultdict(int))
    cast: dict[Key, dict[tuple[int, int], int]] = defaultdict(lambda: defaultdict(int))
    for row in preferences:
        if row["interaction_id"] not in table.by_id:
            continue
        better, worse = (table.sibling(row["interaction_id"], row[side]) for side in ("preferred", "rejected"))
        if better is None or worse is None or better == worse:
            continue
        key, pair = (row["dimension"], row["source"]), (min(better, worse), max(better, worse))
        votes[key][pair] += 1 if better == pair[0] else -1
        cast[key][pair] += 1
    return {
        key: [
            Pair(*(pair if lead > 0 else pair[::-1]), abs(lead) / cast[key][pair])
            for pair, lead in leads.items()
            if lead
        ]
        for key, leads in votes.items()
    }


def _pooled(ratings: Sequence[dict[str, Any]], table: _AnswerTable) -> dict[Key, list[Rating]]:
    """One rating per text, dimension and source: the mean over raters, each over the showings that they rated."""
    values: dict[Key, dict[int, dict[str, list[float]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for row in ratings:
        if (place := table.by_id.get(row["interaction_id"])) is not None:
            values[row["dimension"], row["source"]][place][row["rater"]].append(row["value"])
    return {
        key: [_rating(place, by_rater) for place, by_rater in sorted(places.items())] for key, places in values.items()
    }


def _rating(place: int, given: Mapping[str, list[float]]) -> Rating:
    by_rater = {rater: round(sum(values) / len(values), 9) for rater, values in sorted(given.items())}
    return Rating(place, round(sum(by_rater.values()) / len(by_rater), 9), by_rater)


def _dimension_data(key: Key, ratings: list[Rating], stated: list[Pair], answers: Sequence[Answer]) -> DimensionData:
    """What was stated of two texts counts; their ratings do only if nothing was."""
    decided = {frozenset((pair.better, pair.worse)) for pair in stated}
    rated = [pair for pair in pairs_of_ratings(ratings, answers) if frozenset((pair.better, pair.worse)) not in decided]
    return DimensionData(*key, tuple(ratings), (*stated, *rated))
