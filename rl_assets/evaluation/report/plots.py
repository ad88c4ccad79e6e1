"""Figures of an evaluation as SVG text: metrics by model, differences, slices, verdicts, rewards, training losses.

They are drawn without global state, and the same report gives the same bytes. Colours are CSS variables with a
fallback, so that a page can follow the reader's light or dark theme while a figure on its own still shows.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rl_assets.evaluation.report.escaping import printable
from rl_assets.evaluation.schema.metrics import METRICS
from rl_assets.evaluation.schema.report import ROLES, EvalReport, RewardBin, TrainingRun
from rl_assets.evaluation.schema.served import ServedResult
from rl_assets.judging.summary import JudgeVerdicts
from rl_assets.metrics.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES = 5.4
ROW_INCHES = 0.34
LABEL_CHARACTERS = 26
INK, MUTED, ACCENT, WORSE, OTHER = "#1c2733", "#7a8794", "#2f6fb3", "#b4532a", "#8a6fb0"
VARIABLES = {INK: "--ink", MUTED: "--muted", ACCENT: "--accent", WORSE: "--worse", OTHER: "--other"}
STYLE: Any = {
    "svg.hashsalt": "rl-assets",
    "svg.fonttype": "none",
    # Labels are names from logs: a dollar sign in one is no formula.
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}
DIFFERENCES = (
    "exact_match",
    "token_f1",
    "field_f1",
    "task_success",
    "json_validity",
    "rougeL",
    "preference_accuracy",
    "likelihood_accuracy",
)
SOURCE_COLOURS = {"human": ACCENT, "verifier": OTHER, "judge": WORSE, "synthetic": MUTED}
TENTHS = 10


@dataclass(frozen=True)
class EvalFigures:
    """Every figure of a report; None for one that has nothing to show."""

    by_model: str | None
    differences: str | None
    slices: str | None
    verdicts: str | None
    losses: str | None
    rewards: str | None
    served: str | None


def draw_figures(report: EvalReport) -> EvalFigures:
    """All figures of the report."""
    return EvalFigures(
        by_model=metric_by_model(report),
        differences=forest(report),
        slices=slices_forest(report),
        verdicts=verdict_bars(report.judge.verdicts),
        losses=losses(report.training),
        rewards=reward_histogram(report.production.rewards),
        served=served_forest(report.served),
    )


def metric_by_model(report: EvalReport) -> str | None:
    """Bars of one metric with 95 % intervals, one bar per model; None if no model has it."""
    metric = report.primary.level
    metrics = [(role, report.models[role].metrics.get(metric)) for role in ROLES if role in report.models]
    rows = [(role, interval) for role, interval in metrics if interval is not None]
    if not rows:
        return None
    with drawing(0.6 + ROW_INCHES * len(rows)) as figure:
        axes = figure.add_subplot()
        for y, (role, interval) in enumerate(rows):
            colour = ACCENT if role == "candidate" else MUTED
            axes.barh(y, interval.mean, height=0.55, color=colour, alpha=0.9 if role == "candidate" else 0.55)
            whisker(axes, interval, y, INK)
            axes.annotate(
                f"{interval.mean:.2f}",
                (max(interval.mean, interval.high or 0.0), y),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
            )
        name_rows(axes, [_model_name(role, report.models[role].kind) for role, _ in rows])
        axes.set_xlim(0, 1.12)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
        axes.set_xlabel(f"{METRICS[metric].title}, 95 % interval")
        return svg(figure, f"{METRICS[metric].title} by model")


def _model_name(role: str, kind: str) -> str:
    return role if role == kind else f"{role} ({kind})"


def forest(report: EvalReport) -> str | None:
    """Paired differences, grouped by metric."""
    groups = [
        (
            METRICS[metric].title,
            [
                (f"{comparison.ours} − {comparison.theirs}", comparison.differences[metric])
                for comparison in report.comparisons.values()
                if metric in comparison.differences
            ],
        )
        for metric in DIFFERENCES
    ]
    return forest_plot([group for group in groups if group[1]], "Paired differences between models")


def slices_forest(report: EvalReport) -> str | None:
    """The candidate's difference on the primary metric in each slice, grouped by dimension."""
    dimensions = dict.fromkeys(s.dimension for s in report.held_out.slices)
    groups = [
        (
            dimension.capitalize(),
            [
                (f"{s.value} ({s.candidate.n})", s.difference)
                for s in report.held_out.slices
                if s.dimension == dimension
            ],
        )
        for dimension in dimensions
    ]
    return forest_plot(groups, "Differences by slice")


def served_forest(served: ServedResult | None) -> str | None:
    """The gain in reward, and the difference in conversations without a failure, of two served models; None without
    any."""
    if served is None:
        return None
    groups = [("Reward", [("gain", served.gain)]), ("Conversations", [("without a failure", served.errors.negated())])]
    return forest_plot(groups, "Users of two served models", "Difference, 95 % interval")


def verdict_bars(comparisons: Sequence[JudgeVerdicts]) -> str | None:
    """Wins, ties and losses of each two models as shares of the decided pairs; None without any."""
    rows = [verdicts for verdicts in comparisons if verdicts.wins + verdicts.ties + verdicts.losses]
    if not rows:
        return None
    with drawing(0.9 + ROW_INCHES * len(rows)) as figure:
        axes = figure.add_subplot()
        for y, verdicts in enumerate(rows):
            left, decided = 0.0, verdicts.wins + verdicts.ties + verdicts.losses
            for count, colour in ((verdicts.wins, ACCENT), (verdicts.ties, MUTED), (verdicts.losses, WORSE)):
                axes.barh(y, count / decided, left=left, height=0.6, color=colour, alpha=0.85)
                if count / decided > 0.06:
                    axes.text(left + count / decided / 2, y, str(count), ha="center", va="center", color="white")
                left += count / decided
        name_rows(axes, [f"{verdicts.ours} − {verdicts.theirs}" for verdicts in rows])
        axes.set_xlim(0, 1)
        axes.set_xlabel("Share of decided pairs: wins, ties, losses")
        return svg(figure, "Verdicts of the judge")


def reward_histogram(bins: Sequence[RewardBin]) -> str | None:
    """Rated answers by tenths of the reward, stacked by the source of the reward; None without any."""
    if not bins:
        return None
    with drawing(2.4) as figure:
        axes = figure.add_subplot()
        bottoms = [0] * TENTHS
        for source in dict.fromkeys(reward_bin.source for reward_bin in bins):
            heights = [0] * TENTHS
            for reward_bin in bins:
                heights[round(reward_bin.low * TENTHS)] += reward_bin.answers if reward_bin.source == source else 0
            centres = [(tenth + 0.5) / TENTHS for tenth in range(TENTHS)]
            colour = SOURCE_COLOURS.get(source, MUTED)
            axes.bar(centres, heights, width=0.09, bottom=bottoms, color=colour, alpha=0.85, label=source)
            bottoms = [low + height for low, height in zip(bottoms, heights, strict=True)]
        axes.set_xlabel("Reward")
        axes.set_ylabel("rated answers")
        axes.legend(frameon=False, fontsize=10, labelcolor=INK)
        return svg(figure, "Distribution of rewards")


def losses(runs: Sequence[TrainingRun]) -> str | None:
    """Training loss over steps, one panel per run, since losses of different methods share no scale."""
    drawn = [run for run in runs if run.loss_curve]
    if not drawn:
        return None
    with drawing(2.3) as figure:
        panels: Any = figure.subplots(1, len(drawn), squeeze=False)[0]
        for axes, run in zip(panels, drawn, strict=True):
            steps, values = zip(*run.loss_curve, strict=True)
            axes.plot(steps, values, color=ACCENT, linewidth=1.6, marker="o" if len(steps) == 1 else None)
            axes.set_title(run.kind.upper(), loc="left", fontsize=11, fontweight="bold")
            axes.set_xlabel("step")
            axes.set_ylim(bottom=min(0.0, *values))
            axes.locator_params(nbins=4)
        panels[0].set_ylabel("training loss")
        return svg(figure, "Training loss")


@contextmanager
def drawing(height: float) -> Iterator["Figure"]:
    """A figure without pyplot, whose global state would carry over from one report to the next."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        yield Figure(figsize=(WIDTH_INCHES, height), layout="constrained")


def svg(figure: "Figure", title: str) -> str:
    """SVG without XML header, date or fixed size, with colours as CSS variables and an accessible name."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable}, {colour})")
    return text.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)


def short(label: str) -> str:
    """A name from a log, on one line, printable and short enough for an axis."""
    flat = " ".join(printable(label).split())
    return flat if len(flat) <= LABEL_CHARACTERS else f"{flat[: LABEL_CHARACTERS - 1]}…"


def significance(low: float | None, high: float | None) -> str:
    """The colour of a difference: significantly better, significantly worse, or neither."""
    if low is not None and low > 0:
        return ACCENT
    return WORSE if high is not None and high < 0 else MUTED


def whisker(axes: "Axes", interval: Interval, y: float, colour: str) -> None:
    """The interval as a line."""
    if interval.low is not None and interval.high is not None:
        axes.plot([interval.low, interval.high], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")


def name_rows(axes: "Axes", labels: Sequence[str]) -> None:
    """A name at each row, the first on top."""
    axes.set_yticks(range(len(labels)), [short(label) for label in labels])
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def forest_plot(
    groups: Sequence[tuple[str, Sequence[tuple[str, Interval]]]],
    title: str,
    what: str = "Paired difference, 95 % interval",
) -> str | None:
    """Differences with 95 % intervals under bold headings, right of the line is better; None without any."""
    if not any(rows for _, rows in groups):
        return None
    labels: list[tuple[str, bool]] = []
    with drawing(0.7 + ROW_INCHES * 0.85 * sum(1 + len(rows) for _, rows in groups)) as figure:
        axes = figure.add_subplot()
        for heading, rows in groups:
            labels.append((heading, True))
            for name, difference in rows:
                colour = significance(difference.low, difference.high)
                whisker(axes, difference, len(labels), colour)
                axes.plot([difference.mean], [len(labels)], "o", color=colour, markersize=5)
                labels.append((name, False))
        name_rows(axes, [label for label, _ in labels])
        for tick, (_, bold) in zip(axes.get_yticklabels(), labels, strict=True):
            tick.set_fontweight("bold" if bold else "normal")
        axes.axvline(0, color=MUTED, linewidth=0.9)
        axes.set_xlabel(what)
        return svg(figure, title)
