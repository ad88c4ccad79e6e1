"""The self-analysis as a page: its sections, and its files: self_analysis.json with its schema, .md and .html."""

from collections.abc import Sequence
from pathlib import Path

from rl_assets.evaluation.report.plots import forest_plot
from rl_assets.evaluation.report.sections import (
    NONE,
    Bullets,
    Figure,
    Paragraph,
    Section,
    Table,
    figure,
    p_value,
    section,
    signed,
)
from rl_assets.evaluation.report.written import write_pages, write_values
from rl_assets.evaluation.self_analysis.analysis import (
    MIN_CELL,
    STRONG,
    WEAK,
    Cell,
    Level,
    SelfAnalysis,
    cells_of,
    significant,
)

NAME = "self_analysis"
PLOTTED = 12
NOTES = (
    "This is an observation of a log, no experiment: agents were asked other questions, and people rate some answers "
    "rather than others. Scores that are adjusted to one mix of categories, and comparisons on the same questions, are "
    "in ab_report. Means are of rewards in [0, 1] with 95 % intervals of a bootstrap over clusters of near-equal "
    "prompts; where ratings hardly differ, an interval has at least the width that half a rating step would give. "
    "People, verifiers and judges are never put on one scale."
)
WORDS_NOTE = (
    "Words that stand in comments on bad answers rather than on good ones, once per comment, each used by three people "
    "or more. Above z = 1.96 the difference is more than chance explains for one word."
)


def self_analysis_sections(analysis: SelfAnalysis) -> list[Section]:
    """Cells, recommendations, categories, retrieval, question length and the words of complaints."""
    title = f"Strong and weak answers as of {analysis.day}"
    if analysis.missing:
        return [
            section(title, Paragraph(analysis.missing, "alert")),
            section("How to read this", Paragraph(NOTES, "note")),
        ]
    return [
        section(title, Paragraph(headline(analysis), "lead")),
        section("What to look at", Bullets(recommendations(analysis))),
        section("Agents by category", _cells_figure(analysis), _cells_table(analysis), _hidden_note(analysis)),
        section("Categories", _levels_table("Category", analysis.categories)),
        section("Retrieved sources", _levels_table("top_k", analysis.top_ks)),
        section("Length of the question", _lengths_table(analysis)),
        section("Agents on one mix of categories", _agents_table(analysis)),
        section("Words of complaints", _words_table(analysis), _words_note(analysis)),
        section("How to read this", Paragraph(NOTES, "note")),
    ]


def headline(analysis: SelfAnalysis) -> str:
    """How many cells are weak and strong, in one sentence."""
    if analysis.missing:
        return analysis.missing
    weak, strong = len(cells_of(analysis, "weak")), len(cells_of(analysis, "strong"))
    return (
        f"Of {len(analysis.cells)} agents in categories, {weak} {'is' if weak == 1 else 'are'} weak (the interval ends "
        f"below {WEAK}) and {strong} {'is' if strong == 1 else 'are'} strong (it starts above {STRONG}), on "
        f"{analysis.rated:,} rated answers."
    )


def recommendations(analysis: SelfAnalysis) -> list[str]:
    """What the intervals support; a sentence that says so if they support nothing."""
    found = [
        f"{cell.agent} is weak in {cell.category}: {cell.mean:.2f} on {cell.mean.n} answers rated by {cell.source}. "
        "Read some of them before you change anything."
        for cell in cells_of(analysis, "weak")
    ]
    found += [
        f"In {gap.category}, {gap.better} earned {gap.difference:.2f} more than {gap.worse} ({gap.source}): route such "
        "questions to it, after ab_report confirms this on the same questions."
        for gap in analysis.gaps
    ]
    if hardest := significant(analysis.categories, lambda difference: difference < 0)[:1]:
        found.append(_level_sentence("The hardest category is", hardest[0]))
    if best := significant(analysis.top_ks, lambda difference: difference > 0)[-1:]:
        found.append(_level_sentence("Answers are best with top_k =", best[0]))
    return found or ["No cell, gap or level stands out by more than its interval: collect more ratings before you act."]


def _level_sentence(start: str, level: Level) -> str:
    return (
        f"{start} {level.name}: {level.difference:+.2f} against all others ({level.source}, "
        f"p = {p_value(level.p_holm)} after Holm's correction)."
    )


def _cells_figure(analysis: SelfAnalysis) -> Figure | None:
    """The lowest and the highest cells, against the middle of the scale; none with fewer than two cells."""
    shown = _ends(analysis.cells)
    sources = sorted({cell.source for cell in shown})
    groups = [
        (
            f"Rated by {source}",
            [(f"{cell.agent}, {cell.category}", cell.mean) for cell in shown if cell.source == source],
        )
        for source in sources
    ]
    svg = forest_plot(groups, "Mean reward by agent and category", "Mean reward, 95 % interval")
    return figure(svg) if len(shown) > 1 else None


def _ends(cells: Sequence[Cell]) -> list[Cell]:
    if len(cells) <= PLOTTED:
        return list(cells)
    return [*cells[: PLOTTED // 2], *cells[-(PLOTTED // 2) :]]


def _cells_table(analysis: SelfAnalysis) -> Table:
    return Table(
        ["Agent", "Category", "Rated by", "Answers", "Clusters", "Mean reward", "Standing"],
        [
            [
                *(cell.agent, cell.category, cell.source, f"{cell.mean.n:,}", f"{cell.mean.clusters:,}"),
                *(cell.mean, cell.standing if cell.standing != "between" else NONE),
            ]
            for cell in analysis.cells
        ],
    )


def _hidden_note(analysis: SelfAnalysis) -> Paragraph | None:
    if not analysis.hidden_cells:
        return None
    return Paragraph(
        f"{analysis.hidden_cells} more have fewer than {MIN_CELL} rated answers and are not shown.", "note"
    )


def _levels_table(name: str, levels: Sequence[Level]) -> Table:
    return Table(
        [name, "Rated by", "Answers", "Mean reward", "Against all others", "p (Holm)"],
        [
            [
                *(level.name, level.source, f"{level.mean.n:,}", level.mean),
                *(signed(level.difference), p_value(level.p_holm)),
            ]
            for level in levels
        ],
    )


def _lengths_table(analysis: SelfAnalysis) -> Table:
    return Table(
        ["Rated by", "Answers", "Reward per doubling of the question's length", "p"],
        [
            [effect.source, f"{effect.slope.n:,}", signed(effect.slope), p_value(effect.slope.p)]
            for effect in analysis.lengths
        ],
    )


def _agents_table(analysis: SelfAnalysis) -> Table:
    return Table(
        ["Segment", "Agent", "Rated by", "Questions", "Raw mean", "Mix-adjusted"],
        [
            [*(score.segment, score.agent, score.source, f"{score.questions:,}", f"{score.raw:.3f}"), score.adjusted]
            for score in analysis.agents
        ],
    )


def _words_table(analysis: SelfAnalysis) -> Table:
    return Table(
        ["Word", "Comments on bad answers", "On good answers", "z"],
        [[word.word, f"{word.bad:,}", f"{word.good:,}", f"{word.z:.1f}"] for word in analysis.words],
    )


def _words_note(analysis: SelfAnalysis) -> Paragraph:
    if not analysis.words:
        return Paragraph(f"No word stands out in {analysis.comments:,} comments.", "note")
    return Paragraph(WORDS_NOTE, "note")


def write_self_analysis(analysis: SelfAnalysis, folder: Path) -> None:
    """Write the report into `folder`, each file atomically, self_analysis.json last."""
    write_pages(self_analysis_sections(analysis), folder, NAME)
    write_values(analysis, folder, NAME)
