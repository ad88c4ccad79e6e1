"""The win matrix: every agent of a segment against every other."""

from typing import TYPE_CHECKING

from rl_assets.evaluation.ab.results import AbReport, AgentComparison
from rl_assets.evaluation.report.plots import ACCENT, INK, MUTED, WORSE, drawing, short, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELL_INCHES = 0.62
MAX_AGENTS = 12


def win_matrix(report: AbReport, group: tuple[str, str]) -> str | None:
    """Differences of scores, row - column, above wins, ties and losses.

    None for fewer than two agents, or for more than fit a figure.
    """
    comparisons = [comparison for comparison in report.comparisons if (comparison.segment, comparison.source) == group]
    agents = sorted({name for comparison in comparisons for name in (comparison.ours, comparison.theirs)})
    if not 2 <= len(agents) <= MAX_AGENTS:
        return None
    with drawing(1.1 + CELL_INCHES * len(agents)) as figure:
        axes = figure.add_subplot()
        for comparison in comparisons:
            row, column = agents.index(comparison.ours), agents.index(comparison.theirs)
            _cell(axes, (row, column), comparison, (comparison.difference.mean, comparison.wins, comparison.losses))
            _cell(axes, (column, row), comparison, (-comparison.difference.mean, comparison.losses, comparison.wins))
        names = [short(name) for name in agents]
        axes.set_xticks(range(len(agents)), names, rotation=30, ha="left", rotation_mode="anchor")
        axes.xaxis.tick_top()
        axes.set_yticks(range(len(agents)), names)
        axes.tick_params(length=0)
        axes.set_xlim(-0.5, len(agents) - 0.5)
        axes.set_ylim(len(agents) - 0.5, -0.5)
        axes.spines[:].set_visible(False)
        return svg(figure, "Win matrix")


def _cell(axes: "Axes", position: tuple[int, int], comparison: AgentComparison, values: tuple[float, int, int]) -> None:
    """One cell (row, column) with its difference, wins and losses as the row sees them."""
    from matplotlib.patches import Rectangle

    (row, column), (difference, wins, losses) = position, values
    colour = MUTED if comparison.winner is None else ACCENT if difference > 0 else WORSE
    counts = f"\n{wins}/{comparison.ties}/{losses}" if comparison.basis == "same questions" else ""
    strength = 0.12 if comparison.winner is None else min(0.85, 0.25 + abs(difference))
    box = Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, facecolor=colour, alpha=strength, linewidth=0)
    axes.add_patch(box)
    axes.text(column, row, f"{difference:+.2f}{counts}", ha="center", va="center", color=INK, linespacing=1.4)
