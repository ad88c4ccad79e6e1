"""The evaluation report as data, as report.json holds it: nested records, read by pages, decisions and programs."""

from typing import Literal

from pydantic import Field

from rl_assets.core.validation import Record
from rl_assets.evaluation.schema.primary import Primary
from rl_assets.evaluation.schema.served import ServedResult
from rl_assets.judging.ratings import JudgeRatings
from rl_assets.judging.summary import JudgeVerdicts
from rl_assets.llm.prices import PricesUsed
from rl_assets.metrics.agreement import Alignment, HumanAgreement
from rl_assets.metrics.statistics import Interval
from rl_assets.models.adapters import AdapterReference
from rl_assets.models.latency import Latency

Role = Literal["base", "parent", "champion", "entrant", "candidate"]
ROLES: tuple[Role, ...] = ("base", "parent", "champion", "entrant", "candidate")
Dimension = Literal["agent", "category", "segment"]
SliceVerdict = Literal["better", "worse", "not significant", "too few clusters"]


class ModelResult(Record):
    """One model's own metrics; `kind` is "base" or that of its adapter, `sha256` that of its weights.

    `cost_per_answer_usd` is None if the price table does not name the base. `failed_checks` are those of severity
    "error" of its training, each in a sentence: such an adapter is not promoted.
    """

    role: Role
    kind: str
    label: str
    sha256: str
    inputs_hash: str | None
    metrics: dict[str, Interval]
    latency: Latency | None
    tokens_per_second: float | None
    tokens_per_answer: float | None
    cost_per_answer_usd: float | None
    unfinished_answers: int
    failed_checks: list[str] = Field(default_factory=list)


class Comparison(Record):
    """Paired differences ours - theirs on the same items, and what the sample could show.

    `guarded` is what guardrails read (`run.guarded`): on all prompts that both answered, fresh ones too.
    """

    ours: Role
    theirs: Role
    differences: dict[str, Interval]
    minimum_detectable_effect: float | None
    clusters_needed: int | None
    guarded: dict[str, Interval] = Field(default_factory=dict)


class LatencyRatio(Record):
    """Median over prompts of the request time of `ours` divided by the other model's, measured side by side.

    With `equal_work` both generated equally many tokens: the base's answers have another form, so only speed counts.
    """

    ours: Role
    against: Role
    ratio: Interval
    equal_work: bool


class Slice(Record):
    """The primary metric on the items of one agent, category or segment: the candidate's, and the paired difference.

    `p_holm` is adjusted for all slices of the report; None if there are too few clusters for a test.
    """

    dimension: Dimension
    value: str
    candidate: Interval
    difference: Interval
    p_holm: float | None
    verdict: SliceVerdict


class WorstAnswer(Record):
    """An answer of the candidate that matches no reference, with its best reference by token F1 and the reason."""

    prompt: str
    reference: str
    answer: str
    why: str
    token_f1: float


class HeldOutResult(Record):
    """The held-out sample: its size, how many rows were dropped as too long for the context, slices, worst answers.

    `max_new_tokens` is the room that every model had for an answer.
    """

    items: int
    clusters: int
    pairs: int
    too_long: int
    max_new_tokens: int
    slices: list[Slice]
    worst_answers: list[WorstAnswer]


class Contamination(Record):
    """Keys of held-out and benchmark prompts that a training or validation split holds; should be empty."""

    prompts: list[str]


class BenchmarkResult(Record):
    """One file of the benchmarks folder: every model's metrics, and the candidate's paired differences."""

    name: str
    sha256: str
    items: int
    too_long: int
    metrics: dict[Role, dict[str, Interval]]
    against: Role
    differences: dict[str, Interval]


class JudgeResult(Record):
    """What the judge says of the candidate's answers (`pairwise`, `ratings`), and how often it agrees with the
    preferences of the logs (`preferences`). All are None if no judge is configured."""

    pairwise: JudgeVerdicts | None = None
    ratings: JudgeRatings | None = None
    preferences: JudgeVerdicts | None = None

    @property
    def verdicts(self) -> list[JudgeVerdicts]:
        """All pairwise verdicts of the report."""
        return [verdicts for verdicts in (self.pairwise, self.preferences) if verdicts is not None]


class RewardComparison(Record):
    """Wins minus losses of a role against the model that it would replace, by each reward model."""

    first: Interval
    second: Interval | None = None


class RewardResult(Record):
    """What reward models say of the roles that may be promoted; `second_is_missing` says why nothing checks the first,
    as the rest of a sentence."""

    reward_model: AdapterReference
    second: AdapterReference | None = None
    second_is_missing: str | None = None
    by_role: dict[Role, RewardComparison] = Field(default_factory=dict)


class RewardBin(Record):
    """How many rated answers of the window have a reward in [low, low + 0.1) from that source; the last includes 1."""

    source: str
    low: float
    answers: int


class ProductionRating(Record):
    """Human feedback on the answers of one served adapter, by the log; `adapter` is None if the log names none.

    `rating` is the mean reward in [0, 1] over `questions`, `improvement` how much it is above that of answers without
    an adapter at the same mix of categories, `rejection_rate` the share of answers at two stars or below, or corrected.
    """

    segment: str
    adapter: str | None
    questions: int
    rating: Interval
    improvement: Interval | None
    rejection_rate: Interval


class LoggedAgreement(Record):
    """`judges` compares the majority of the judges with that of people, on `compared` pairs of answers that both
    compared. `people` is the agreement of three raters on the `rated_by_three` pairs that have as many.

    Each is None without such a pair.
    """

    compared: int = 0
    judges: Alignment | None = None
    rated_by_three: int = 0
    people: HumanAgreement | None = None


class Production(Record):
    """What the log of the window says: rewards by source, ratings of served adapters, judges against people."""

    rewards: list[RewardBin] = Field(default_factory=list)
    ratings: list[ProductionRating] = Field(default_factory=list)
    agreement: LoggedAgreement = LoggedAgreement()


class DatasetUsed(Record):
    """A published dataset that the items came from; `inputs` is the content hash of each day of each table in it."""

    name: str
    day: str
    sha256: str
    rows: dict[str, int]
    inputs: dict[str, dict[str, str]]


class Lineage(Record):
    """What the evaluation rests on: the base model, the datasets, and the champion of that time, if there was one.

    `quantization` is how the base was quantized for all models: as in the candidate's training.
    """

    base_name: str
    base_sha256: str
    datasets: list[DatasetUsed]
    champion_sha256: str | None
    champion_base_sha256: str | None
    quantization: str | None = None


class TrainingRun(Record):
    """How one adapter was trained, by its manifest: wall seconds, tokens seen, peak memory in bytes, and the loss as
    (step, loss)."""

    kind: str
    inputs_hash: str
    sha256: str
    dataset_sha256: str
    wall_s: float | None
    tokens: int | None
    peak_memory_bytes: int | None
    device: str | None
    loss_curve: list[tuple[int, float]]


class EvalReport(Record):
    """One evaluation: models by role, compared in pairs; `not_evaluated` names adapters of another base, and why.

    `fresh_items` are prompts that landed after the entrant and the champion were trained; they answer the decision.
    """

    day: str
    segment: str | None
    primary: Primary
    models: dict[Role, ModelResult]
    comparisons: dict[str, Comparison]
    held_out: HeldOutResult
    contamination: Contamination
    benchmarks: list[BenchmarkResult]
    judge: JudgeResult
    production: Production
    latency_ratio: LatencyRatio | None
    lineage: Lineage
    training: list[TrainingRun]
    prices: PricesUsed
    not_evaluated: list[str]
    notes: list[str]
    fresh_items: int = 0
    reward: RewardResult | None = None
    served: ServedResult | None = None

    @property
    def decided(self) -> Role:
        """The role under decision: the entrant, which has prompts that are new to it, or the candidate without one."""
        return "entrant" if "entrant" in self.models else "candidate"

    @property
    def candidate(self) -> ModelResult:
        """The model this report is about."""
        return self.models["candidate"]

    def comparison(self, theirs: Role, ours: Role = "candidate") -> Comparison | None:
        """The candidate (or another role) against that role; None if they were not compared."""
        return self.comparisons.get(f"{ours}-{theirs}")
