"""A decision as data: the verdict, its reasons in sentences, and the figures it rests on."""

from typing import Literal

from rl_assets.core.record import Record
from rl_assets.evaluation.schema.results import METRICS
from rl_assets.evaluation.schema.roles import Role
from rl_assets.metrics.statistics import Interval

Verdict = Literal["PROMOTE", "REJECT", "HOLD", "INSUFFICIENT"]
TITLES = {"latency": "Latency", "judged_win_rate": "Win rate by the judge"}
RailState = Literal["holds", "in doubt", "broken", "not measured"]


class GuardRail(Record):
    """Something that must not get worse; `limit` is the lowest difference or highest ratio allowed."""

    name: str
    state: RailState
    limit: float
    found: Interval | None

    def sentence(self) -> str:
        """The rail's state with its figures."""
        title = TITLES.get(self.name) or METRICS[self.name].title
        if self.found is None:
            return f"{title}: not measured."
        if self.name == "judged_win_rate":
            return f"{title}: {self.found.mean:.3f}, least {self.limit:.3f}: {self.state}."
        if self.name == "latency":
            return f"{title}: {self.found.mean:.2f} times the other's, limit {self.limit:.2f}: {self.state}."
        return f"{title}: {self.found.mean:+.3f}, limit {self.limit:+.3f}: {self.state}."


class Decision(Record):
    """The verdict on one candidate; `candidate` is the sha256 of its weights, `day` the report's."""

    verdict: Verdict
    day: str
    candidate: str
    against: Role
    primary: str
    reasons: list[str]
    difference: Interval | None
    guard_rails: list[GuardRail]
