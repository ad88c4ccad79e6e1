"""Counters of the gateway, and their text for Prometheus."""

from collections import Counter
from collections.abc import Mapping

PREFIX = "rl_assets_gateway_"
HELP = {
    "calls_total": "Calls that were given an arm, by the assigned arm.",
    "errors_total": "Calls without a complete answer, by the assigned arm; those whose client left are not among them.",
    "fallbacks_total": "Failures of an arm after which the next one was asked, by arm and reason.",
    "client_gone_total": "Calls whose client left before the end, by the assigned arm.",
    "latency_seconds_sum": "Seconds from request to last byte, by the arm that served.",
    "latency_seconds_count": "Calls in latency_seconds_sum.",
    "refused_total": "Requests that were no valid call.",
    "probes_total": "Calls of rollouts that look at what is served, by their signature; they are not logged.",
    "feedback_total": "Feedback that was kept.",
}
Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counts by name and labels, kept by the event loop alone."""

    def __init__(self) -> None:
        self._values: Counter[tuple[str, Labels]] = Counter()

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        """Count one more of a name in HELP."""
        self._values[name, tuple(sorted(labels.items()))] += amount  # type: ignore[assignment]

    def text(self, gauges: Mapping[str, tuple[str, float]]) -> str:
        """The exposition format; `gauges` are values of others by name: type and value."""
        lines = list[str]()
        for name, words in HELP.items():
            kind = "counter"
            lines += [f"# HELP {PREFIX}{name} {words}", f"# TYPE {PREFIX}{name} {kind}"]
            lines += [
                f"{PREFIX}{name}{_shown(labels)} {value:.15g}"
                for (own, labels), value in sorted(self._values.items())
                if own == name
            ]
        for name, (kind, value) in gauges.items():
            lines += [f"# TYPE {PREFIX}{name} {kind}", f"{PREFIX}{name} {value:.15g}"]
        return "\n".join(lines) + "\n"


def _shown(labels: Labels) -> str:
    written = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{written}}}" if written else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
