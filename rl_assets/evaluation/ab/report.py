"""The A/B report: its sections, and its files: ab.json with its schema, ab.md for the UI, ab.html as a page."""

from collections.abc import Sequence
from pathlib import Path

from rl_assets.evaluation.ab.matrix import win_matrix
from rl_assets.evaluation.ab.results import AbReport, AgentComparison, AgentCost, AgentScore
from rl_assets.evaluation.report.feedback_sections import agreement_sentence, verdict_sentence
from rl_assets.evaluation.report.sections import (
    NONE,
    Bullets,
    Cell,
    Paragraph,
    Section,
    Table,
    figure,
    number,
    p_value,
    section,
    signed,
)
from rl_assets.evaluation.report.written import write_pages, write_values
from rl_assets.judging.summary import JudgeVerdicts

MATRIX_CAPTION = (
    "Row - column, adjusted to one mix of categories, above wins/ties/losses on the same questions. Coloured where "
    "the difference is significant after Holm's correction."
)
LOGGED_SCORES = "A score is the mean reward of an agent's answers to a question, in [0, 1]."
GENERATED_SCORES = (
    "Every model answered the same held-out prompts, greedily; a score is 1 for an answer that equals a reference, "
    "else 0. An answer that is empty or was cut off counts as failed, and as wrong."
)
ADJUSTMENT = (
    "Mix-adjusted scores count every category by its share of all questions, whoever answered: an agent that got the "
    "easy ones gains nothing by it. Intervals are 95 %, normal, with a question as the unit, and exact "
    "(Clopper-Pearson) for scores that are all alike. Differences that are all alike win by the p-value of as many "
    "equal signs."
)


def ab_sections(report: AbReport) -> list[Section]:
    """Scores, win matrix and comparisons of each segment, the judge, and costs."""
    scores = LOGGED_SCORES if report.answers == "the log" else GENERATED_SCORES
    agreement = Paragraph(agreement_sentence(report.agreement)) if report.agreement else None
    return [
        section(_title(report), Paragraph(ab_headline(report), "lead")),
        *(_group(report, group) for group in _groups(report)),
        _judge(report.judge),
        section("Judges of the log and people", agreement),
        section("Answers and costs of the agents", _costs_table(report.costs)),
        section("Notes", Bullets(report.notes) if report.notes else None),
        section("Scores", Paragraph(f"{scores} {ADJUSTMENT}", "note")),
    ]


def _title(report: AbReport) -> str:
    return f"Agents as of {report.day}" if report.answers == "the log" else f"Adapters as of {report.day}"


def ab_headline(report: AbReport) -> str:
    """How many agents were compared, and how many differences are significant."""
    if not report.comparisons:
        return "No two agents of a segment have rated answers: there is nothing to compare."
    won = sum(comparison.winner is not None for comparison in report.comparisons)
    who = "agents" if report.answers == "the log" else "models"
    pairs = len(report.comparisons)
    return f"{len(report.agents)} {who}, {pairs} pairwise comparisons; {won} have a winner after Holm's correction."


def _groups(report: AbReport) -> list[tuple[str, str]]:
    """Segments with the source of their rewards, in the order of the report."""
    return list(dict.fromkeys((agent.segment, agent.source) for agent in report.agents))


def _group(report: AbReport, group: tuple[str, str]) -> Section:
    segment, source = group
    return section(
        f"{segment}, scored by {source}",
        scores_table(report, group),
        figure(win_matrix(report, group), MATRIX_CAPTION),
        comparisons_table(report, group),
    )


def scores_table(report: AbReport, group: tuple[str, str] | None = None) -> Table:
    """Agents with their scores, the best first in each segment; of all segments, or of one."""
    agents = [agent for agent in report.agents if group in (None, (agent.segment, agent.source))]
    agents.sort(
        key=lambda agent: (agent.segment, agent.source, -(agent.adjusted.mean if agent.adjusted else agent.raw))
    )
    header = ["Agent", "Questions", "Raw score", "Mix-adjusted score", "Dropped categories"]
    return Table(header, [_score_cells(agent) for agent in agents])


def _score_cells(agent: AgentScore) -> list[Cell]:
    dropped = ", ".join(agent.dropped_categories) or None
    return [agent.agent, f"{agent.questions:,}", f"{agent.raw:.3f}", agent.adjusted, dropped]


def comparisons_table(report: AbReport, group: tuple[str, str] | None = None) -> Table:
    """Pairwise comparisons with wins, ties and losses; of all segments, or of one."""
    header = [
        "Comparison",
        "Questions",
        "Wins / ties / losses",
        "Raw difference",
        "Mix-adjusted difference",
        "p (Holm)",
        "Winner",
    ]
    selected = [
        comparison for comparison in report.comparisons if group in (None, (comparison.segment, comparison.source))
    ]
    return Table(header, [_comparison_cells(comparison) for comparison in selected])


def _comparison_cells(comparison: AgentComparison) -> list[Cell]:
    shared = comparison.basis == "same questions"
    return [
        f"{comparison.ours} − {comparison.theirs}",
        f"{comparison.questions:,}" if shared else "none in common",
        f"{comparison.wins:,} / {comparison.ties:,} / {comparison.losses:,}" if shared else NONE,
        f"{comparison.raw:+.3f}",
        signed(comparison.difference),
        p_value(comparison.p_holm),
        comparison.winner,
    ]


def _judge(verdicts: Sequence[JudgeVerdicts]) -> Section:
    if not verdicts:
        return section("Judge", Paragraph("There are no verdicts of a judge."))
    header = ["Comparison", "Pairs", "Wins / ties / losses", "Invalid", "Win rate", "At equal lengths", "Consistency"]
    rows: list[list[Cell]] = [
        [
            f"{pair.ours} − {pair.theirs}",
            str(pair.pairs),
            f"{pair.wins} / {pair.ties} / {pair.losses}",
            str(pair.invalid + pair.skipped),
            pair.win_rate,
            pair.length_controlled,
            number(pair.consistency, ".2f"),
        ]
        for pair in verdicts
    ]
    alerts = [Paragraph(verdict_sentence(pair), "alert") for pair in verdicts if not pair.reliable]
    return section("Judge", Table(header, rows), *alerts)


def _costs_table(costs: Sequence[AgentCost]) -> Table:
    """Answers, failures, latency and cost of each agent; a dash if nothing was logged."""
    header = ["Agent", "Answers", "Failed", "Unrated", "Latency p50 / p95, ms", "Tokens", "Cost, USD"]
    return Table(header, [_cost_cells(cost) for cost in costs])


def _cost_cells(cost: AgentCost) -> list[Cell]:
    latency = None
    if cost.latency_p50_ms is not None and cost.latency_p95_ms is not None:
        latency = f"{cost.latency_p50_ms:,.0f} / {cost.latency_p95_ms:,.0f}"
    return [
        f"{cost.agent} in {cost.segment}",
        f"{cost.answers:,}",
        f"{cost.failed:,}",
        f"{cost.unrated:,}",
        latency,
        number(cost.tokens, ","),
        None if cost.cost_usd is None else f"{cost.cost_usd:,.4f} ({cost.priced:,} answers)",
    ]


def write_ab_report(report: AbReport, folder: Path) -> None:
    """Write the report into `folder`, each file atomically, ab.json last."""
    write_pages(ab_sections(report), folder, "ab")
    write_values(report, folder, "ab")


def read_ab_report(folder: Path) -> AbReport:
    """The report written there. Raises FileNotFoundError if there is none."""
    path = folder / "ab.json"
    if not path.is_file():
        raise FileNotFoundError(f"no A/B report at {path}: materialize ab_report of that day first")
    return AbReport.model_validate_json(path.read_bytes())
