"""What became of the scores of a window: which count as overall under another name, and which no dataset reads."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rl_assets.core import sql
from rl_assets.datasets.ratings import Window, rated_as_of
from rl_assets.lake.delta import Lake
from rl_assets.metrics.scales import OVERALL

Settings = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class UnreadScores:
    """Answers of one source whose scores have these names and gave no reward."""

    names: list[str]
    source: str
    answers: int


@dataclass(frozen=True)
class ScoresOfWindow:
    """`stand_ins` are scores that count as overall under another name, with answers and values; `unread` the rest."""

    stand_ins: list[dict[str, Any]]
    unread: list[UnreadScores]

    @property
    def unread_by_name(self) -> list[dict[str, Any]]:
        """Name, source and number of answers of each unread score, the most frequent first."""
        counts: Counter[tuple[str, str]] = Counter()
        for scores in self.unread:
            counts.update({(name, scores.source): scores.answers for name in scores.names})
        return [
            {"score": name, "source": source, "answers": answers}
            for (name, source), answers in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ]


def read_scores(lake: Lake, window: Window, memory_limit: str = "2GB") -> ScoresOfWindow:
    """The scores behind the rated answers of the window's day, which are published."""
    connection = rated_as_of(lake, window, memory_limit)
    stand_ins = sql.select(connection, "ratings/stand_ins").to_arrow_table().to_pylist()
    unread = sql.select(connection, "ratings/unread_scores").to_arrow_table().to_pylist()
    return ScoresOfWindow(stand_ins, [UnreadScores(**row) for row in unread])


def deciding_names(unread: Iterable[UnreadScores]) -> list[str]:
    """The fewest names, more or less, of which every answer has one: those of most answers first."""
    left, names = list(unread), []
    while left:
        counts: Counter[str] = Counter()
        for scores in left:
            counts.update(dict.fromkeys(scores.names, scores.answers))
        names.append(min(counts, key=lambda name: (-counts[name], name)))
        left = [scores for scores in left if names[-1] not in scores.names]
    return names


def with_overall(metrics: Settings, names: Iterable[str]) -> Settings:
    """The setting `metrics` with these scores as overall; what it says of metrics so far stays."""
    mapped = {name: dict(metric) for name, metric in metrics.items()}
    for name in names:
        measured_by = [metric for metric, scale in mapped.items() if scale.get("dimension") == name]
        own = [metric for metric in mapped if metric == name or metric.endswith(f".{name}")]
        for metric in measured_by or own or [name]:
            mapped[metric] = {**mapped.get(metric, {}), "dimension": OVERALL}
    return mapped


def setting_line(metrics: Settings) -> str:
    """The line of `.env`, or of a shell, that sets these metrics, whatever characters their names hold."""
    text = json.dumps(metrics).replace("\\\\", "\\u005c").replace('\\"', "\\u0022").replace("'", "\\u0027")
    return f"RL_ASSETS_METRICS='{text}'"
