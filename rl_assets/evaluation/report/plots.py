"""Pictures of an evaluation: metrics by model, differences, slices, verdicts of a judge, rewards, training losses."""

from collections.abc import Sequence
from typing import Any

from rl_assets.evaluation.report.drawing import (
    ACCENT,
    INK,
    MUTED,
    OTHER,
    ROW_INCHES,
    WORSE,
    drawing,
    forest_plot,
    name_rows,
    svg,
    whisker,
)
from rl_assets.evaluation.schema.results import METRICS, PRIMARY, EvalReport, LossCurve
from rl_assets.evaluation.schema.roles import ROLES
from rl_assets.evaluation.schema.sections import RewardBin
from rl_assets.judging.summary import JudgeVerdicts

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


def metric_by_model(report: EvalReport, metric: str = PRIMARY) -> str | None:
    """Bars of one metric with 95 % intervals, a bar a model; None if no model has it."""
    found = [(role, report.models[role].metrics.get(metric)) for role in ROLES if role in report.models]
    rows = [(role, interval) for role, interval in found if interval is not None]
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
                (f"{found.ours} − {found.theirs}", found.differences[metric])
                for found in report.comparisons.values()
                if metric in found.differences
            ],
        )
        for metric in DIFFERENCES
    ]
    return forest_plot([group for group in groups if group[1]], "Paired differences between models")


def slices_forest(report: EvalReport) -> str | None:
    """The candidate's difference on the primary metric in each slice, grouped by dimension."""
    dimensions = dict.fromkeys(found.dimension for found in report.slices)
    groups = [
        (
            dimension.capitalize(),
            [(f"{s.value} ({s.figure.n})", s.difference) for s in report.slices if s.dimension == dimension],
        )
        for dimension in dimensions
    ]
    return forest_plot(groups, "Differences by slice")


def verdict_bars(judged: Sequence[JudgeVerdicts]) -> str | None:
    """Wins, ties and losses of each two models as shares of the decided pairs; None without any."""
    rows = [found for found in judged if found.wins + found.ties + found.losses]
    if not rows:
        return None
    with drawing(0.9 + ROW_INCHES * len(rows)) as figure:
        axes = figure.add_subplot()
        for y, found in enumerate(rows):
            left, decided = 0.0, found.wins + found.ties + found.losses
            for count, colour in ((found.wins, ACCENT), (found.ties, MUTED), (found.losses, WORSE)):
                axes.barh(y, count / decided, left=left, height=0.6, color=colour, alpha=0.85)
                if count / decided > 0.06:
                    axes.text(left + count / decided / 2, y, str(count), ha="center", va="center", color="white")
                left += count / decided
        name_rows(axes, [f"{found.ours} − {found.theirs}" for found in rows])
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
        for source in dict.fromkeys(found.source for found in bins):
            heights = [0] * TENTHS
            for found in bins:
                heights[round(found.low * TENTHS)] += found.answers if found.source == source else 0
            centres = [(tenth + 0.5) / TENTHS for tenth in range(TENTHS)]
            colour = SOURCE_COLOURS.get(source, MUTED)
            axes.bar(centres, heights, width=0.09, bottom=bottoms, color=colour, alpha=0.85, label=source)
            bottoms = [low + height for low, height in zip(bottoms, heights, strict=True)]
        axes.set_xlabel("Reward")
        axes.set_ylabel("rated answers")
        axes.legend(frameon=False, fontsize=10, labelcolor=INK)
        return svg(figure, "Distribution of rewards")


def losses(curves: Sequence[LossCurve]) -> str | None:
    """Training loss over steps, a panel a run, since losses of different methods share no scale."""
    drawn = [curve for curve in curves if curve.points]
    if not drawn:
        return None
    with drawing(2.3) as figure:
        panels: Any = figure.subplots(1, len(drawn), squeeze=False)[0]
        for axes, curve in zip(panels, drawn, strict=True):
            steps, values = zip(*curve.points, strict=True)
            axes.plot(steps, values, color=ACCENT, linewidth=1.6, marker="o" if len(steps) == 1 else None)
            axes.set_title(curve.label.upper(), loc="left", fontsize=11, fontweight="bold")
            axes.set_xlabel("step")
            axes.set_ylim(bottom=min(0.0, *values))
            axes.locator_params(nbins=4)
        panels[0].set_ylabel("training loss")
        return svg(figure, "Training loss")
