"""The metric that decides on a segment, as data: fixed before any model answers, with what every other one lacked."""

from typing import Any, Literal

from pydantic import Field

from rl_assets.core.files import sha256_json
from rl_assets.core.validation import Record
from rl_assets.evaluation.schema.metrics import METRICS
from rl_assets.models.adapters import AdapterReference
from rl_assets.recipes.recipe import DeclaredMetric, PrimaryMetric

# What a difference of the metric may lead to. CANARY: the candidate may get a small share of traffic, no more.
Strength = Literal["PROMOTE", "CANARY"]

# What is shown of each model where no metric of a single model decides.
LEVEL_WITHOUT = "token_f1"
OF_TWO_MODELS = ("served_reward", "judged_win_rate", "reward_score")
# Right near the base, and more often wrong the further an adapter moves from it.
NEAR_THE_BASE = ("reward_score", "likelihood_accuracy")
PROVIDE = (
    "Provide references that are short or JSON, worked solutions that end with a marked number, "
    "a judge (RL_ASSETS_JUDGE_BASE_URL and RL_ASSETS_JUDGE_MODEL), two reward models, at least 50 held-out prompts "
    "with two rated answers, 500 rated conversations of a served adapter and of what it would replace, or 50 human "
    "labels of pairs in review_queue."
)


class Rung(Record):
    """One metric of the ladder: whether it can decide, what it may lead to, and in words what it has and lacks."""

    metric: PrimaryMetric
    qualifies: bool
    strength: Strength
    basis: str

    def sentence(self) -> str:
        """As "Exact match: 12 of 80 references are short (80 % are needed)."."""
        return f"{METRICS[self.metric].title}: {self.basis}."


class Primary(Record):
    """The choice of an epoch, which lasts until the champion, the base, the metric, its judge, rubric or reward model
    changes.

    `metric` is None if no metric can decide; the choice is then made anew the next night. `strength` is None without a
    metric, and while the judge that decides has proved not to agree with people. `against` and `base` are the hashes of
    the weights that the candidate would replace and of the base, and `rubric` that of the judge's instructions.
    `reward_model` is the newest one, or that of the epoch, and `canary` the name of an adapter that users meet. `why`
    says what the choice rests on; `switched` is the reason given for leaving the metric of an epoch that had begun.
    `rows` are the filters by which the prompts are selected; other prompts are another epoch.
    """

    declared: DeclaredMetric
    metric: PrimaryMetric | None
    strength: Strength | None
    day: str
    against: str
    base: str
    judge: str | None
    why: str
    rungs: list[Rung]
    switched: str | None = None
    rows: dict[str, Any] = Field(default_factory=dict)
    rubric: str | None = None
    reward_model: AdapterReference | None = None
    canary: str | None = None

    @property
    def epoch(self) -> str:
        """The epoch's name: 12 hex digits. While no metric decides, it is that of the champion's time."""
        kept = {"metric", "against", "base", "rows"} | ({"day"} if self.metric else set())
        kept |= {"judge", "rubric"} if self.metric == "judged_win_rate" else set()
        kept |= {"reward_model"} if self.metric == "reward_score" else set()
        return sha256_json(self.model_dump(include=kept))[:12]

    @property
    def compared(self) -> str:
        """The metric whose paired difference decides, or is shown where none does."""
        return self.metric or LEVEL_WITHOUT

    @property
    def level(self) -> str:
        """The metric whose values are shown for each model: the deciding one, if a single model has it."""
        return LEVEL_WITHOUT if self.metric is None or self.metric in OF_TWO_MODELS else self.metric

    @property
    def near_the_base(self) -> bool:
        """Whether the metric is to be trusted near the base alone, so that the distance from it is measured."""
        return self.metric in NEAR_THE_BASE

    def sentence(self) -> str:
        """Which metric decides and why, or why none can and what to provide."""
        if self.metric and self.strength is None:
            return f"{METRICS[self.metric].title} cannot decide tonight: {self.why}."
        if self.metric:
            switched = f" It replaced another metric: {self.switched}" if self.switched else ""
            return f"{METRICS[self.metric].title} decides since {self.day}: {self.why}.{switched}"
        states = " ".join(rung.sentence() for rung in self.rungs if self.declared in ("auto", rung.metric))
        which = "No metric can" if self.declared == "auto" else "The declared metric cannot"
        return f"{which} decide on these answers. {states} {PROVIDE}"
