"""A decision as data: the verdict, its reasons in sentences, and the values it rests on."""

from typing import Literal

from rl_assets.core.validation import Record
from rl_assets.evaluation.schema.evidence import Evidence
from rl_assets.evaluation.schema.metrics import METRICS
from rl_assets.evaluation.schema.people import People
from rl_assets.evaluation.schema.report import Role
from rl_assets.metrics.statistics import Interval

Verdict = Literal["PROMOTE", "CANARY", "REJECT", "HOLD", "INSUFFICIENT"]
GuardrailStatus = Literal["pass", "inconclusive", "fail", "not measured"]
Scale = Literal["difference", "ratio", "rate", "nats"]
# Of guardrails that are no metric of a single model.
TITLES = {
    "latency": "Latency",
    "cost": "Cost per answer",
    "length": "Length of answers",
    "length_controlled": "Win rate at equal length",
    "judge_win_rate": "Win rate by the judge",
    "people_win_rate": "Win rate by people",
    "served_errors": "Conversations with an answer that failed",
    "served_rated": "Share of conversations that users rated",
    "kl": "Distance from the base on its own answers",
    "kl_ratio": "Distance from the base on its own answers",
    "second_reward_model": "Net win rate by the second reward model, in the first one's direction",
}
# What decided where people's labels did.
BY_PEOPLE = "human_labels"


class Guardrail(Record):
    """Something that must not get worse; `limit` is on the `scale` of the observed value.

    `missing` says what to provide where a value is needed and was not measured.
    """

    name: str
    status: GuardrailStatus
    limit: float
    observed: Interval | None
    scale: Scale = "difference"
    missing: str | None = None

    def sentence(self) -> str:
        """The observed value, the limit and the status."""
        title = TITLES.get(self.name) or METRICS[self.name].title
        if self.observed is None:
            return f"{title}: not measured{f', since {self.missing}' if self.missing else ''}."
        if self.scale == "nats":
            return f"{title}: {self.observed.mean:.2f} nats per answer, limit {self.limit:.2f}: {self.status}."
        if self.scale == "rate":
            return f"{title}: {self.observed.mean:.3f}, minimum {self.limit:.3f}: {self.status}."
        if self.scale == "ratio":
            return f"{title}: {self.observed.mean:.2f} times the other's, limit {self.limit:.2f}: {self.status}."
        return f"{title}: {self.observed.mean:+.3f}, limit {self.limit:+.3f}: {self.status}."


class Decision(Record):
    """The verdict on one candidate; `candidate` is the sha256 of its weights, `day` the report's.

    `primary` is the metric that decided, or "human_labels" where people did, None if none could, `difference` its
    interval on tonight's test split, which holds for one look, and `evidence` what all nights of the epoch say.
    `people` holds the labels of the epoch that had landed by the day.
    """

    verdict: Verdict
    day: str
    candidate: str
    against: Role
    primary: str | None
    reasons: list[str]
    difference: Interval | None
    guardrails: list[Guardrail]
    role: Role = "candidate"
    evidence: Evidence | None = None
    people: People | None = None
