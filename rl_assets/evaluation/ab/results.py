"""The A/B report as data: agents, and pairs of agents, by segment and source of reward."""

from typing import Literal

from rl_assets.core.validation import Record
from rl_assets.evaluation.schema.report import LoggedAgreement
from rl_assets.judging.summary import JudgeVerdicts
from rl_assets.metrics.statistics import Interval

AnswersOf = Literal["the log", "held-out prompts"]
Basis = Literal["same questions", "same categories"]


class AgentScore(Record):
    """One agent's mean score in [0, 1] over its questions: as logged, and with every category at its common share.

    `adjusted` is None if the agents of the segment share no category; `dropped_categories` are those that not all have.
    """

    segment: str
    source: str
    agent: str
    questions: int
    raw: float
    adjusted: Interval | None
    dropped_categories: list[str]


class AgentComparison(Record):
    """Two agents: `difference` is ours - theirs at the common mix of categories, over the questions that both
    answered, or by categories if they share no question. `winner` needs p < 0.05 after Holm over all comparisons."""

    segment: str
    source: str
    ours: str
    theirs: str
    basis: Basis
    questions: int
    wins: int
    losses: int
    ties: int
    raw: float
    difference: Interval
    p_holm: float | None
    winner: str | None


class AgentCost(Record):
    """Answers, failures, latency and cost of an agent in the window; tokens and cost are None if none was logged."""

    segment: str
    agent: str
    answers: int
    failed: int
    unrated: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    tokens: int | None
    cost_usd: float | None
    priced: int


class AbReport(Record):
    """Agents compared as of a day: by logged answers, or adapters by generated answers to held-out prompts.

    `agreement` says how far judges of the log agree with people; None for generated answers.
    """

    day: str
    answers: AnswersOf
    agents: list[AgentScore]
    comparisons: list[AgentComparison]
    costs: list[AgentCost]
    judge: list[JudgeVerdicts]
    agreement: LoggedAgreement | None
    notes: list[str]
