"""Is what is served what was measured? Verdicts over numbers: nothing is asked or computed by a model here.

Equal answers are shown and never decide: with half of its scale an adapter still gives half of its answers unchanged.
What decides is the distance between the log-probabilities that a server reports for its own tokens and those that the
same weights give to these tokens here, at several scales of the adapter.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PROMPTS = 24
MAX_TOKENS = 48
SCALES = (0.0, 0.5, 1.0, 2.0)
MAX_DISTANCE, MAX_DISTANCE_EMBEDDED = 0.05, 0.01
MAX_SHARE_OF_BASE = 0.25
MAX_BIAS = 0.02
MIN_EQUAL_STOPS = 0.95
MIN_PREFERRED, MIN_EQUAL_PREFIX, PREFIX_TOKENS = 0.90, 0.70, 16
MAX_TIME_RATIO = 1.10
MIN_MEASURED = 0.5
# What is wrong if the answers are nearest to those at another scale than 1.
WRONG_SCALES = {
    0.0: "The adapter is not applied: the server answers as the base alone",
    0.5: "The adapter is applied at half its scale (its alpha)",
    2.0: "The adapter is applied twice: the server answers as at double its scale",
}

Values = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Finding:
    """What one check measured; `problem` is a sentence if it failed, `warning` one that fails nothing."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None
    warning: str | None = None


def template_finding(ours: Sequence[Sequence[int]], counted: Sequence[int | None], ids: Sequence[Any] = ()) -> Finding:
    """Whether the server makes the same prompt of each conversation as training did.

    `ours` are token ids by the template of the training, `counted` the server's `usage.prompt_tokens`, and `ids` its
    own token ids, where it shows them.
    """
    different = [
        f"prompt {row + 1} has {len(prompt)} tokens in training and {count} at the server"
        for row, (prompt, count) in enumerate(zip(ours, counted, strict=True))
        if count is not None and count != len(prompt)
    ]
    different += [
        f"prompt {row + 1} has other tokens from position {_first_difference(prompt, found)} on"
        for row, (prompt, found) in enumerate(zip(ours, ids, strict=False))
        if found is not None and list(found) != list(prompt)
    ]
    unknown = not different and all(count is None for count in counted) and all(found is None for found in ids)
    return Finding(
        "template",
        {"prompts": len(ours), "different": len(different), "ids_compared": sum(found is not None for found in ids)},
        f"The server renders another chat template than training did: {different[0]}." if different else None,
        "The server does not say how many tokens a prompt has, so its chat template is not checked."
        if unknown
        else None,
    )


def _first_difference(ours: Sequence[int], theirs: Sequence[int]) -> int:
    pairs = enumerate(zip(ours, theirs, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(ours), len(theirs)))


def identity_finding(served: Values, offline: Mapping[float, Values], limit: float, answers: int) -> Finding:
    """Whether the tokens' log-probabilities are those of the adapter at its own scale.

    `served` and `offline` (by scale) hold one list per measured answer, in nats; `answers` is how many were asked for.
    """
    if len(served) < max(1, MIN_MEASURED * answers):
        few = f"Only {len(served)} of {answers} answers come with log-probabilities that fit their text"
        return Finding("identity", {"answers": len(served)}, f"{few}: it cannot be shown which weights gave them.")
    distances = {scale: distance(served, values) for scale, values in offline.items()}
    bias = mean_difference(served, offline[1.0])
    values = {"answers": len(served), "tokens": sum(map(len, served)), "mean_difference": bias}
    values |= {f"distance_at_{scale:g}": value for scale, value in distances.items()}
    return Finding("identity", values, _identity_problem(distances, bias, limit))


def distance(served: Values, offline: Values) -> float:
    """Mean absolute difference per token, in nats."""
    return statistics.fmean(abs(difference) for difference in _differences(served, offline))


def mean_difference(served: Values, offline: Values) -> float:
    """Mean of served minus offline log-probability per token, in nats."""
    return statistics.fmean(_differences(served, offline))


def _differences(served: Values, offline: Values) -> list[float]:
    pairs = zip(served, offline, strict=True)
    return [a - b for ours, theirs in pairs for a, b in zip(ours, theirs, strict=True)]


def _identity_problem(distances: Mapping[float, float], bias: float, limit: float) -> str | None:
    own, nearest = distances[1.0], min(distances, key=lambda scale: (distances[scale], scale != 1.0))
    measured = ", ".join(f"{value:.4g} at scale {scale:g}" for scale, value in sorted(distances.items()))
    what = None
    if distances[nearest] > limit:
        what = "The served answers are those of other weights: neither the base nor this adapter gives them"
    elif max(own, distances[0.0]) <= limit and own > MAX_SHARE_OF_BASE * distances[0.0]:
        what = "Base and adapter cannot be told apart by these answers"
    elif nearest != 1.0:
        what = WRONG_SCALES[nearest]
    elif own > MAX_SHARE_OF_BASE * distances[0.0]:
        what = "The served answers are hardly nearer to the adapter than to the base"
    elif abs(bias) > MAX_BIAS:
        what = f"The served log-probabilities are off by {bias:+.4f} on average, limit {MAX_BIAS}"
    return f"{what} (distance in nats per token from our own: {measured}; limit {limit:g})." if what else None


def weak_finding(preferred: Sequence[bool], equal_prefixes: Sequence[bool]) -> Finding:
    """The check of a server without log-probabilities.

    `preferred` says of each served text whether the adapter finds it more likely than the base does, `equal_prefixes`
    whether its first PREFIX_TOKENS tokens are those of the adapter's own answer.
    """
    likely, equal = statistics.fmean(preferred), statistics.fmean(equal_prefixes)
    problem = None
    if likely < MIN_PREFERRED or equal < MIN_EQUAL_PREFIX:
        problem = (
            f"The adapter finds {likely:.0%} of the served answers more likely than the base does, minimum "
            f"{MIN_PREFERRED:.0%}, and {equal:.0%} begin as its own, minimum {MIN_EQUAL_PREFIX:.0%}: other weights may "
            "have given them."
        )
    warning = "Weak check: the server reports no log-probabilities, so a wrong scale would not be seen."
    return Finding("identity", {"weak": True, "preferred": likely, "equal_prefixes": equal}, problem, warning)


def isolation_finding(changed: Mapping[str, int], total: Mapping[str, int]) -> Finding:
    """Whether answers asked between and beside those of other models are those asked alone.

    Both count answers by model; a changed one differs in its text and is not the model's by log-probability either.
    """
    wrong = [f"{changed[name]} of {total[name]} answers of {name}" for name in total if changed.get(name)]
    problem = (
        f"Models answer for each other: {', '.join(wrong)} change when others are asked as well." if wrong else None
    )
    return Finding("isolation", {"answers": sum(total.values()), "changed": sum(changed.values())}, problem)


def stop_finding(served: Sequence[tuple[str, str | None]], offline: Sequence[tuple[str, str]]) -> Finding:
    """Whether answers end for the same reason ("stop", "length") as offline, given (text, reason) of each.

    Another reason counts only if one answer begins with the other: in 16 bits some take another turn between two words
    that are equally likely, and then end elsewhere.
    """
    pairs = list(zip(served, offline, strict=True))
    alike = [(a, b) for a, b in pairs if a[0].startswith(b[0]) or b[0].startswith(a[0])]
    equal = 1 - sum(a[1] != b[1] for a, b in alike) / len(pairs)
    problem = None
    if equal < MIN_EQUAL_STOPS:
        problem = (
            f"{equal:.0%} of the answers end for the same reason as offline, minimum {MIN_EQUAL_STOPS:.0%}: the server "
            "has other end tokens or limits."
        )
    return Finding("stop", {"equal": equal, "compared": len(alike)}, problem)


def time_finding(ours: Sequence[float], previous: Sequence[float]) -> Finding:
    """Whether a token takes at most MAX_TIME_RATIO times what the previous champion's takes, in seconds; a warning,
    since other work on the machine shows in it too."""
    if not ours or not previous:
        return Finding("time", {"s_per_token": statistics.median(ours)} if ours else {})
    ratio = statistics.median(ours) / statistics.median(previous)
    values = {"s_per_token": statistics.median(ours), "ratio": ratio}
    slow = f"A token takes {ratio:.2f} times as long as of the previous champion, usual is at most {MAX_TIME_RATIO}."
    return Finding("time", values, warning=slow if ratio > MAX_TIME_RATIO else None)
