"""A report in words: sentences and table cells as plain text, for a page to escape and lay out."""

from rl_assets.evaluation.schema.results import METRICS, PRIMARY, EvalReport
from rl_assets.evaluation.schema.roles import ROLES
from rl_assets.judging.ratings import JudgeRatings
from rl_assets.judging.summary import JudgeVerdicts
from rl_assets.metrics.statistics import Interval
from rl_assets.models.latency import Latency

Table = tuple[list[str], list[list[str]]]
NONE = "–"


def figure(found: Interval | None) -> str:
    """ "0.91 [0.85, 0.96]", or a dash where there is no figure."""
    if found is None:
        return "–"
    if found.low is None or found.high is None:
        return f"{found.mean:.3f}"
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"


def signed(found: Interval) -> str:
    """A difference with its sign, as in "+0.35 [+0.25, +0.45]"."""
    if found.low is None or found.high is None:
        return f"{found.mean:+.3f}"
    return f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def p_value(p: float | None) -> str:
    """ "0.012", or "< 0.001", or a dash where none was computed."""
    if p is None:
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def rate(share: float | None) -> str:
    """ "0.83", or a dash where nothing was counted."""
    return NONE if share is None else f"{share:.2f}"


def judge_sentence(found: JudgeVerdicts) -> str:
    """Who judged, what came out, and why it is not to be believed where that is so."""
    if found.doubts:
        return (
            f"The verdicts of {found.model} on {found.ours} and {found.theirs} are not used. {' '.join(found.doubts)}"
        )
    counts = f"{found.wins} wins, {found.ties} ties and {found.losses} losses of {found.ours} against {found.theirs}"
    parts = [f"{found.model} gave {counts}: win rate {figure(found.win_rate)}"]
    if found.length_controlled is not None:
        parts.append(f", and {figure(found.length_controlled)} at equal lengths")
    parts.append(".")
    if found.consistency is not None:
        parts.append(f" It agreed with itself on {rate(found.consistency)} of the pairs when answers changed places.")
    if found.first_position is not None:
        parts.append(f" It chose the first one in {rate(found.first_position)} of its decisions.")
    return "".join(parts)


def ratings_sentence(found: JudgeRatings) -> str:
    """How a judge rated both models' answers, each by itself."""
    if found.improvement is None:
        return f"{found.model} gave no valid rating to both answers of any prompt."
    unrated = f" {found.unrated} prompts have no valid rating of both answers." if found.unrated else ""
    both = f"{found.ours} {figure(found.ours_rating)} and {found.theirs} {figure(found.theirs_rating)}"
    improvement = f"on {found.rated} prompts: an improvement of {signed(found.improvement)}"
    return f"Answer by answer, {found.model} rated {both} {improvement}.{unrated}"


def headline(report: EvalReport) -> str:
    """One sentence: the candidate's primary figure and its difference from each other model."""
    found = report.candidate.metrics.get(PRIMARY)
    if found is None:
        return "There was no held-out item to evaluate on."
    differences = [
        f"{comparison.differences[PRIMARY].mean:+.3f} against the {comparison.theirs}"
        for comparison in report.comparisons.values()
        if comparison.ours == "candidate" and PRIMARY in comparison.differences
    ]
    measured = f"{METRICS[PRIMARY].title} of the candidate: {figure(found)} on {found.n} items"
    return f"{measured}; {', '.join(differences)}."


def sample_sentence(report: EvalReport) -> str:
    """How large the sample is, what it can show, and whether any of it was leaked into training."""
    size = f"{report.items} items in {report.clusters} clusters and {report.pairs} preference pairs."
    leaked = f"{len(report.leaked)} prompts LEAKED into training." if report.leaked else "No leakage."
    return f"{size} {_power(report)} {leaked}"


def _power(report: EvalReport) -> str:
    deciding = report.comparison("champion") or report.comparison("base")
    if deciding is None or deciding.minimum_detectable_effect is None:
        return "The paired differences show no spread, so no minimum detectable effect can be stated."
    return (
        f"Against the {deciding.theirs}, a true difference of {deciding.minimum_detectable_effect:.3f} in "
        f"{METRICS[PRIMARY].title.lower()} would show in 80 % of such samples."
    )


def latency_sentence(report: EvalReport) -> str | None:
    """The request-time ratio in words, None where it was not measured."""
    if report.latency_ratio is None:
        return None
    work = "writing as many tokens" if report.latency_ratio.equal_work else "each answer to its end"
    return (
        f"A request takes the candidate {figure(report.latency_ratio.ratio)} times what it takes the "
        f"{report.latency_ratio.against}, median over prompts, side by side, {work}."
    )


def model_rows(report: EvalReport) -> Table:
    """Header and rows of figures, a column a model; plain text."""
    models = [report.models[role] for role in ROLES if role in report.models]
    names = [metric for metric in METRICS if any(metric in model.metrics for model in models)]
    rows = [[METRICS[n].title, *(figure(model.metrics.get(n)) for model in models)] for n in names]
    rows.append(["Latency p50 / p95, ms", *(_latency(model.latency) for model in models)])
    rows.append(["Tokens per second, batched", *(_number(model.tokens_per_second) for model in models)])
    rows.append(["Tokens per answer", *(_number(model.tokens_per_answer) for model in models)])
    rows.append(["Cost of 1,000 answers, USD", *(_cost(model.cost_per_answer_usd) for model in models)])
    rows.append(["Unfinished answers", *(str(model.unfinished_answers) for model in models)])
    return ["", *(f"{model.role} ({model.label})" for model in models)], rows


def _latency(found: Latency | None) -> str:
    return "–" if found is None else f"{found.p50_ms:.1f} / {found.p95_ms:.1f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}"


def _cost(usd: float | None) -> str:
    return NONE if usd is None else f"{1000 * usd:,.4f}"


def difference_rows(report: EvalReport) -> Table:
    """Header and rows of paired differences, a column a comparison; plain text."""
    compared = list(report.comparisons.values())
    names = [metric for metric in METRICS if any(metric in c.differences for c in compared)]
    rows = [
        [METRICS[n].title, *(signed(c.differences[n]) if n in c.differences else "–" for c in compared)] for n in names
    ]
    return ["", *(f"{c.ours} − {c.theirs}" for c in compared)], rows
