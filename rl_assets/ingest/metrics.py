"""What the numbers of a product's metrics mean: where each lies between worst and best, and what it judges."""

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
            raise ValueError(f"worst and best are both {self.best}: a metric needs two ends")
        return self

    def value(self, raw: float) -> float | None:
        """The raw number in [0, 1], 1 the best; None outside the range."""
        value = (raw - self.worst) / (self.best - self.worst)
        return min(max(value, 0.0), 1.0) if -1e-9 <= value <= 1 + 1e-9 else None


Metrics = Mapping[str, Metric]


def metric_of(metrics: Metrics, name: str) -> Metric:
    """The metric of that name; one that nobody configured lies in [0, 1] and judges the dimension of its name."""
    return metrics.get(name, Metric(dimension=name))
