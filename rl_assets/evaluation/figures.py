"""Pictures of a report as SVG text: metrics by model, paired differences as a forest plot, training losses.

The same report gives the same bytes. Colours are CSS variables with a fallback, so that a page can follow the
reader's light or dark theme while a picture on its own still shows.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rl_assets.evaluation.record import ROLES
from rl_assets.evaluation.results import METRICS, PRIMARY, EvalReport, LossCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES = 5.4
ROW_INCHES = 0.34
INK, MUTED, ACCENT, WORSE = "#1c2733", "#7a8794", "#2f6fb3", "#b4532a"
VARIABLES = {INK: "--ink", MUTED: "--muted", ACCENT: "--accent", WORSE: "--worse"}
DIFFERENCES = ("exact_match", "token_f1", "json_validity", "preference_accuracy", "likelihood_accuracy")
STYLE: Any = {
    "svg.hashsalt": "rl-assets",
    "svg.fonttype": "none",
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


@contextmanager
def _figure(height: float) -> Iterator["Figure"]:
    """A figure without pyplot, whose global state would leak from one report into the next."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        yield Figure(figsize=(WIDTH_INCHES, height), layout="constrained")


def _svg(figure: "Figure", title: str) -> str:
    """SVG without XML header, date or fixed size, with colours as CSS variables and a spoken name."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable}, {colour})")
    return text.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)


def metric_by_model(report: EvalReport, metric: str = PRIMARY) -> str | None:
    """Bars of one metric with 95 % intervals, a bar a model; None if no model has it."""
    found = [(role, report.models[role].metrics.get(metric)) for role in ROLES if role in report.models]
    rows = [(role, interval) for role, interval in found if interval is not None]
    if not rows:
        return None
    with _figure(0.6 + ROW_INCHES * len(rows)) as figure:
        axes = figure.add_subplot()
        for y, (role, interval) in enumerate(rows):
            colour = ACCENT if role == "candidate" else MUTED
            axes.barh(y, interval.mean, height=0.55, color=colour, alpha=0.9 if role == "candidate" else 0.55)
            _whisker(axes, interval.low, interval.high, y, INK)
            axes.annotate(
                f"{interval.mean:.2f}",
                (max(interval.mean, interval.high or 0.0), y),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
            )
        _rows(axes, [_model_name(role, report.models[role].kind) for role, _ in rows])
        axes.set_xlim(0, 1.12)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
        axes.set_xlabel(f"{METRICS[metric].title}, 95 % interval")
        return _svg(figure, f"{METRICS[metric].title} by model")


def _model_name(role: str, kind: str) -> str:
    return role if role == kind else f"{role} ({kind})"


def forest(report: EvalReport) -> str | None:
    """Paired differences with 95 % intervals, grouped by metric; right of the line is better."""
    rows = [
        (metric, f"{comparison.ours} − {comparison.theirs}", comparison.differences[metric])
        for metric in DIFFERENCES
        for comparison in report.comparisons.values()
        if metric in comparison.differences
    ]
    if not rows:
        return None
    metrics = list(dict.fromkeys(metric for metric, _, _ in rows))
    with _figure(0.7 + ROW_INCHES * 0.85 * (len(rows) + len(metrics))) as figure:
        axes = figure.add_subplot()
        labels: list[tuple[str, bool]] = []
        for metric in metrics:
            labels.append((METRICS[metric].title, True))
            for name, interval in ((name, found) for key, name, found in rows if key == metric):
                colour = _significance(interval.low, interval.high)
                _whisker(axes, interval.low, interval.high, len(labels), colour)
                axes.plot([interval.mean], [len(labels)], "o", color=colour, markersize=5)
                labels.append((name, False))
        _rows(axes, [label for label, _ in labels])
        for tick, (_, heading) in zip(axes.get_yticklabels(), labels, strict=True):
            tick.set_fontweight("bold" if heading else "normal")
        axes.axvline(0, color=MUTED, linewidth=0.9)
        axes.set_xlabel("Paired difference, 95 % interval")
        return _svg(figure, "Paired differences between models")


def _significance(low: float | None, high: float | None) -> str:
    if low is not None and low > 0:
        return ACCENT
    return WORSE if high is not None and high < 0 else MUTED


def _whisker(axes: "Axes", low: float | None, high: float | None, y: float, colour: str) -> None:
    if low is not None and high is not None:
        axes.plot([low, high], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")


def _rows(axes: "Axes", labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def losses(curves: Sequence[LossCurve]) -> str | None:
    """Training loss over steps, a panel a run, since losses of different methods share no scale."""
    drawn = [curve for curve in curves if curve.points]
    if not drawn:
        return None
    with _figure(2.3) as figure:
        panels: Any = figure.subplots(1, len(drawn), squeeze=False)[0]
        for axes, curve in zip(panels, drawn, strict=True):
            steps, values = zip(*curve.points, strict=True)
            axes.plot(steps, values, color=ACCENT, linewidth=1.6, marker="o" if len(steps) == 1 else None)
            axes.set_title(curve.label.upper(), loc="left", fontsize=11, fontweight="bold")
            axes.set_xlabel("step")
            axes.set_ylim(bottom=min(0.0, *values))
            axes.locator_params(nbins=4)
        panels[0].set_ylabel("training loss")
        return _svg(figure, "Training loss")
