"""Scales of a product's metrics: the range from worst to best, and the dimension that each measures."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

OVERALL = "overall"  # The dimension that rewards are made of.
MIN_LIKENESS = 0.8  # of a misspelt name to the one that was meant
Source = Literal["human", "verifier", "judge", "synthetic"]


class MisspeltMetricError(ValueError):
    """A metric is declared for a log format that does not exist."""


def _suggested(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name.lower(), known, 1, MIN_LIKENESS)
    return f": is it `{near[0]}`?" if near else ""


class Metric(BaseModel):
    """The range of one metric or score. `worst` may be the larger number: 20 questions are worse than 1.

    `dimension` is what it measures (`overall` decides the reward), `source` who gives it, if the log does not say.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    worst: float = 0.0
    best: float = 1.0
    dimension: str | None = None
    source: Source | None = None

    @model_validator(mode="before")
    @classmethod
    def _has_known_keys(cls, given: Any) -> Any:
        for key in given if isinstance(given, dict) else ():
            if key not in cls.model_fields:
                raise ValueError(f"`{key}` is none of {', '.join(cls.model_fields)}{_suggested(key, cls.model_fields)}")
        return given

    @model_validator(mode="after")
    def _has_a_known_dimension(self) -> "Metric":
        if self.dimension != OVERALL and _suggested(self.dimension or "", [OVERALL]):
            raise ValueError(f"the dimension `{self.dimension}` decides nothing: is it `{OVERALL}`?")
        return self

    @model_validator(mode="after")
    def _has_width(self) -> "Metric":
        if self.worst == self.best:
            raise ValueError(f"worst and best are both {self.best}: a metric needs a range")
        return self

    @property
    def width(self) -> float:
        return self.best - self.worst

    @property
    def range(self) -> str:
        """The range as errors name it."""
        return f"{self.worst:g} and {self.best:g}"

    def value(self, raw: float) -> float | None:
        """The raw number in [0, 1], 1 the best; None outside the range."""
        value = (raw - self.worst) / self.width
        return min(max(value, 0.0), 1.0) if -1e-9 <= value <= 1 + 1e-9 else None


Metrics = Mapping[str, Metric]
UNDECLARED = Metric()
STARS = Metric(worst=1, best=5, dimension=OVERALL)
STAR_FIELDS = ("rating", "user_rating", "feedback.rating")  # Each is the rating of one log format.


def metrics_of(metrics: Metrics, log_format: str) -> Metrics:
    """The metrics as one log format names them: `langfuse.rating` is the metric `rating` of `langfuse` alone, and wins
    there over `rating`."""
    prefix = f"{log_format}."
    own = {name.removeprefix(prefix): metric for name, metric in metrics.items() if name.startswith(prefix)}
    return {**metrics, **own}


def check_names(metrics: Iterable[str], formats: list[str]) -> None:
    """Raise MisspeltMetricError if a metric is that of a log format whose name is misspelt: nothing would read it."""
    for name in metrics:
        log_format, dot, metric = name.partition(".")
        if dot and log_format not in formats and (suggested := _suggested(log_format, formats)):
            raise MisspeltMetricError(
                f"RL_ASSETS_METRICS: {name}: there is no log format `{log_format}`{suggested} Write "
                f"`{suggested.split('`')[1]}.{metric}`, or `{metric}` for all formats."
            )


def metric_macros(metrics: Metrics) -> str:
    """SQL that replaces the macros of sql/macros/metrics.sql by these ranges; empty if there are none."""
    if not metrics:
        return ""
    values = _cases(metrics, lambda metric: f"clamped((x - {metric.worst!r}::DOUBLE) / {metric.width!r}::DOUBLE)")
    ranges = _cases(metrics, lambda metric: _quoted(metric.range))
    dimensions = _cases(metrics, lambda metric: _quoted(metric.dimension) if metric.dimension else None)
    sources = _cases(metrics, lambda metric: _quoted(metric.source) if metric.source else None)
    names = ", ".join(map(_quoted, metrics))
    return f"""
    CREATE OR REPLACE MACRO clamped(x) AS
        CASE WHEN x BETWEEN -1e-9 AND 1 + 1e-9 THEN greatest(0, least(1, x)) ELSE x END;
    CREATE OR REPLACE MACRO metric_value(metric, x) AS CASE metric {values} ELSE x END;
    CREATE OR REPLACE MACRO stars_value(metric, x) AS CASE metric {values} ELSE (x - 1) / 4 END;
    CREATE OR REPLACE MACRO stars_range(metric) AS CASE metric {ranges} ELSE {_quoted(STARS.range)} END;
    CREATE OR REPLACE MACRO metric_range(metric) AS CASE metric {ranges} ELSE {_quoted(Metric().range)} END;
    CREATE OR REPLACE MACRO metric_dimension(metric) AS CASE metric {dimensions} ELSE metric END;
    CREATE OR REPLACE MACRO metric_source(metric) AS CASE metric {sources} ELSE CAST(NULL AS VARCHAR) END;
    CREATE OR REPLACE MACRO metric_values(m) AS values_by_dimension(m);
    CREATE OR REPLACE MACRO metric_numbers(m) AS values_on_scale(m);
    CREATE OR REPLACE MACRO raw_values(m) AS CASE WHEN list_has_any(map_keys(m), [{names}]) THEN m END;
    """


def _cases(metrics: Metrics, value: Callable[[Metric], str | None]) -> str:
    """A WHEN for every metric that has a value, and one that never holds."""
    values = {name: value(metric) for name, metric in metrics.items()}
    cases = [f"WHEN {_quoted(name)} THEN {text}" for name, text in values.items() if text]
    return " ".join(["WHEN NULL THEN NULL", *cases])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def metric_of(metrics: Metrics, name: str) -> Metric:
    """The metric of that name; one that is not configured lies in [0, 1] and has the dimension of its name."""
    # A copy is not checked: a log may name its scores as it likes.
    return metrics.get(name) or UNDECLARED.model_copy(update={"dimension": name})


def stars_of(metrics: Metrics, name: str) -> Metric:
    """The scale of the ratings in that field; one that is not configured has 1 to 5 stars."""
    return metrics.get(name, STARS)
