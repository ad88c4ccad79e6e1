"""The report as data: what report.json holds; figures, pages and the decision are made from it."""

from dataclasses import dataclass

from rl_assets.core.record import Record
from rl_assets.evaluation.log.logged_agreement import LoggedAgreement
from rl_assets.evaluation.schema.roles import Role
from rl_assets.evaluation.schema.sections import BenchmarkResult, RewardBin, ServedRating, Slice, TrainingCost
from rl_assets.judging.ratings import JudgeRatings
from rl_assets.judging.summary import JudgeVerdicts
from rl_assets.llm.prices import PricesUsed
from rl_assets.metrics.statistics import Interval
from rl_assets.models.latency import Latency

PRIMARY = "exact_match"


@dataclass(frozen=True)
class Metric:
    """How a metric is named on a page, which way is better, and what it means."""

    title: str
    higher_is_better: bool
    meaning: str


METRICS = {
    "exact_match": Metric(
        "Exact match", True, "Answers equal to a reference (SQuAD normalisation; JSON field by field)."
    ),
    "token_f1": Metric("Token F1", True, "Overlap of the answer's tokens with the best reference's (SQuAD)."),
    "json_validity": Metric("JSON validity", True, "Answers that are a JSON object or array, where references are."),
    "field_f1": Metric(
        "Field F1", True, "F1 of (path, value) over the fields of JSON answers, where references are JSON."
    ),
    "task_success": Metric(
        "Task success", True, "Answers that a verifier accepts (final number, schema, exact), where there is one."
    ),
    "rejection_rate": Metric(
        "Rejection rate",
        False,
        "Answers equal to one that held-out pairs reject, where the prompt has such a pair.",
    ),
    "quality_per_token": Metric(
        "Exact matches per 100 tokens", True, "Exact matches over the tokens of all answers, end tokens included."
    ),
    "rouge1": Metric("ROUGE-1", True, "F-measure of shared words (rouge-score, no stemming), for prose."),
    "rougeL": Metric("ROUGE-L", True, "F-measure of the longest common subsequence (rouge-score), for prose."),
    "bleu": Metric("BLEU", True, "Corpus BLEU, 0 to 100 (sacrebleu, 13a tokens), for prose."),
    "preference_accuracy": Metric(
        "Preference accuracy",
        True,
        "Held-out pairs whose chosen answer gained more log-probability over the base than the rejected one; "
        "the base is the reference here and has no figure of its own.",
    ),
    "preference_over_parent": Metric(
        "Preference over parent",
        True,
        "The same with the parent adapter as reference: what this training step itself moved.",
    ),
    "likelihood_accuracy": Metric(
        "Likelihood accuracy",
        True,
        "Held-out pairs whose chosen answer has the higher log-probability a token; needs no reference, "
        "so the base has it too.",
    ),
    "perplexity": Metric("Perplexity", False, "exp of the mean negative log-likelihood a reference token."),
    "log_perplexity": Metric("Log perplexity", False, "Mean negative log-likelihood a reference token, nats."),
}


class ModelResult(Record):
    """One model's own figures; `kind` is "base" or that of its adapter, `sha256` that of its weights.

    `cost_per_answer_usd` is None where the price table does not name the base.
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


class Comparison(Record):
    """Paired differences ours - theirs on the same items, and what the sample could show."""

    ours: Role
    theirs: Role
    differences: dict[str, Interval]
    minimum_detectable_effect: float | None
    clusters_needed: int | None


class LatencyRatio(Record):
    """Median over prompts of the candidate's request time by the other model's, measured side by side.

    With `equal_work` both wrote as many tokens: the base's answers have another form, so only speed counts.
    """

    against: Role
    ratio: Interval
    equal_work: bool


class WorstAnswer(Record):
    """An answer of the candidate that misses, with its best reference by token F1 and the reason."""

    prompt: str
    reference: str
    answer: str
    why: str
    token_f1: float


class LossCurve(Record):
    """(step, loss) of one training run."""

    label: str
    points: list[tuple[int, float]]


class DatasetUsed(Record):
    """Which published dataset the items came from; `inputs` is the content hash of each day of each table in it."""

    name: str
    day: str
    sha256: str
    rows: dict[str, int]
    inputs: dict[str, dict[str, str]]


class EvalReport(Record):
    """Everything one evaluation found; `not_asked` says which adapters of the day were left out, and why."""

    day: str
    segment: str | None
    base_name: str
    base_sha256: str
    datasets: list[DatasetUsed]
    items: int
    pairs: int
    clusters: int
    left_out: int
    max_new_tokens: int
    champion_sha256: str | None
    champion_base_sha256: str | None
    models: dict[Role, ModelResult]
    comparisons: dict[str, Comparison]
    slices: list[Slice]
    benchmarks: list[BenchmarkResult]
    judge: JudgeVerdicts | None
    judge_alignment: JudgeVerdicts | None
    judge_ratings: JudgeRatings | None
    rewards: list[RewardBin]
    served: list[ServedRating]
    agreement: LoggedAgreement
    prices: PricesUsed
    training: list[TrainingCost]
    latency_ratio: LatencyRatio | None
    leaked: list[str]
    worst: list[WorstAnswer]
    loss_curves: list[LossCurve]
    not_asked: list[str]
    notes: list[str]

    @property
    def candidate(self) -> ModelResult:
        """The model this report is about."""
        return self.models["candidate"]

    def comparison(self, theirs: Role, ours: Role = "candidate") -> Comparison | None:
        """The candidate (or another role) against that role, where there is one."""
        return self.comparisons.get(f"{ours}-{theirs}")
