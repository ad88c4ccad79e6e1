"""Scales of a product's metrics: the range from worst to best, and the dimension that each measures."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, model_validator


class Metric(BaseModel):
    """The range of one metric or score. `worst` may be the larger number: 20 questions are worse than 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    worst: float = 0.0
    best: float = 1.0
    dimension: str | None = None

    @model_validator(mode="after")
    def _has_width(self) -> "Metric":
        if self.worst == self.best:
            raise ValueError(f"worst and best are both {self.best}: a metric needs a range")
        return self

    @property
    def range(self) -> str:
        """The range as errors name it."""
        return f"{self.worst:g} and {self.best:g}"

    def value(self, raw: float) -> float | None:
        """The raw number in [0, 1], 1 the best; None outside the range."""
        value = (raw - self.worst) / (self.best - self.worst)
        return min(max(value, 0.0), 1.0) if -1e-9 <= value <= 1 + 1e-9 else None


Metrics = Mapping[str, Metric]
STARS = Metric(worst=1, best=5, dimension="overall")
STAR_FIELDS = ("rating", "user_rating", "feedback.rating")  # Each is the rating of one log format.


def metric_macros(metrics: Metrics) -> str:
    """SQL that replaces the macros of sql/macros/metrics.sql by these ranges; empty if there are none."""
    if not metrics:
        return ""
    values = " ".join(
        f"WHEN {_quoted(name)} THEN clamped((x - {metric.worst!r}::DOUBLE) / {metric.best - metric.worst!r}::DOUBLE)"
        for name, metric in metrics.items()
    )
    dimensions = " ".join(
        f"WHEN {_quoted(name)} THEN {_quoted(metric.dimension)}" for name, metric in metrics.items() if metric.dimension
    )
    dimension = f"CASE metric {dimensions} ELSE metric END" if dimensions else "metric"
    names = ", ".join(map(_quoted, metrics))
    ranges = " ".join(f"WHEN {_quoted(name)} THEN {_quoted(metric.range)}" for name, metric in metrics.items())
    return f"""
    CREATE OR REPLACE MACRO clamped(x) AS
        CASE WHEN x BETWEEN -1e-9 AND 1 + 1e-9 THEN greatest(0, least(1, x)) ELSE x END;
    CREATE OR REPLACE MACRO metric_value(metric, x) AS CASE metric {values} ELSE x END;
    CREATE OR REPLACE MACRO stars_value(metric, x) AS CASE metric {values} ELSE (x - 1) / 4 END;
    CREATE OR REPLACE MACRO stars_range(metric) AS CASE metric {ranges} ELSE {_quoted(STARS.range)} END;
    CREATE OR REPLACE MACRO metric_dimension(metric) AS {dimension};
    CREATE OR REPLACE MACRO metric_values(m) AS CASE WHEN m IS NOT NULL THEN map_from_entries(list_transform(
        map_entries(m), lambda score: {{'k': score.key, 'v': metric_value(score.key, score.value)}})) END;
    CREATE OR REPLACE MACRO raw_values(m) AS CASE WHEN list_has_any(map_keys(m), [{names}]) THEN m END;
    """


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def metric_of(metrics: Metrics, name: str) -> Metric:
    """The metric of that name; one that is not configured lies in [0, 1] and has the dimension of its name."""
    return metrics.get(name, Metric(dimension=name))


def stars_of(metrics: Metrics, name: str) -> Metric:
    """The scale of the ratings in that field; one that is not configured has 1 to 5 stars."""
    return metrics.get(name, STARS)
