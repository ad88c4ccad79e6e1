"""Years of nightly decisions: how often equal models are promoted, and how soon a better one is. Seeds are fixed.

`decide` sees what it sees at night; only the answers are drawn. It can promote on nights alone on which the evidence of
all clusters reaches the threshold (`weigh` takes that or less), so it is called on these; a test compares that with
calling it every night. Next to it stands the rule of one look: promote if the 95 % interval of the difference on the
test split lies above 0.

Run it with `python -m rl_assets_tests.benchmarks.promotions`.
"""

import argparse
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rl_assets.evaluation.promotion.decide import decide
from rl_assets.evaluation.promotion.evidence import STAKES, Floats, Night, log_evidence, weigh
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.schema.evidence import THRESHOLD
from rl_assets.judging.balance import LARGEST_WEIGHT, length_weights
from rl_assets_tests.support.evaluation_samples import primary, report

YEAR = 365
DISAGREEMENT = 0.25
TEST_ITEMS = 200
# Of 200 test items in a window of 30 days.
NEW_TEST_ITEMS = 7
SEED = 0
RULES = PromotionRules()
REPORT = report(primary=primary())
ROUNDING = 1e-9


@dataclass(frozen=True)
class Years:
    """The night of the first promotion in each year (n), or the number of nights without one; nights count from 1."""

    first: NDArray[np.int_]
    nights: int

    def share(self, within: int | None = None) -> float:
        """The share of years with a promotion, at all or within so many nights."""
        return float((self.first <= (within or self.nights)).mean())

    @property
    def median(self) -> float:
        """The median night of the first promotion; above the number of nights if fewer than half had one."""
        return float(np.median(self.first))


def streams(count: int) -> list[np.random.Generator]:
    """Independent random numbers for each year, all from one seed."""
    return np.random.default_rng(SEED).spawn(count)


def paired(rng: np.random.Generator, nights: int, clusters: int, gain: float | Floats = 0.0) -> Floats:
    """Differences of right and wrong answers in {-1, 0, 1} that disagree on a quarter of the clusters, a row a night.

    `gain` is the mean of all nights, or one for each.
    """
    drawn, gains = rng.random((nights, clusters)), np.broadcast_to(gain, nights)[:, None]
    won, lost = drawn < (DISAGREEMENT + gains) / 2, drawn > 1 - (DISAGREEMENT - gains) / 2
    return won.astype(np.float64) - lost


def verdict(nights: Sequence[Night], threshold: float = THRESHOLD, stakes: Floats = STAKES) -> str:
    """What the gate says after these nights."""
    return decide(REPORT, None, RULES, weigh(nights, threshold, stakes)).verdict


def first_promotion(nights: Sequence[Night], lineages: int = 1, stakes: Floats = STAKES) -> int:
    """The number of the night that promotes; one more than all of them if none does."""
    threshold = THRESHOLD * lineages
    of_clusters = log_evidence(np.cumsum([night.gains for night in nights], axis=0))
    for last in map(int, np.flatnonzero(of_clusters >= math.log(threshold) - ROUNDING) + 1):
        if verdict(nights[:last], threshold, stakes) == "PROMOTE":
            return last
    return len(nights) + 1


def nights_of(values: Floats, stakes: Floats = STAKES, kept: NDArray[np.bool_] | None = None) -> list[Night]:
    """Sums of each night (row) at once; pairs that are not `kept` have the value 0, which moves no sum."""
    bets = np.multiply.outer(stakes, values)
    gains, losses = np.log1p(bets).sum(axis=-1), np.log1p(-bets).sum(axis=-1)
    counts = np.full(len(values), values.shape[1]) if kept is None else kept.sum(axis=1)
    sums = zip(counts, values.sum(axis=1), (values**2).sum(axis=1), gains.T, losses.T, strict=True)
    return [Night(int(count), float(total), float(squares), *both) for count, total, squares, *both in sums]


def years(count: int, clusters: int, gain: float, nights: int = YEAR) -> Years:
    """Years whose entrants all have this true gain on `clusters` fresh clusters a night."""
    found = [first_promotion(nights_of(paired(rng, nights, clusters, gain))) for rng in streams(count)]
    return Years(np.array(found), nights)


def three_lineages(count: int, clusters: int, nights: int = YEAR) -> float:
    """Share of years in which one of three equal lineages is promoted, each at three times the threshold."""
    found = 0
    for rng in streams(count):
        lineages = [nights_of(paired(rng, nights, clusters)) for _ in range(3)]
        found += any(first_promotion(lineage, 3) <= nights for lineage in lineages)
    return found / count


def wandering(count: int, clusters: int, nights: int = YEAR) -> tuple[float, int]:
    """Quality wanders around the champion's (sd 0.03, autocorrelation 0.9): the share of promoted that are better."""
    better = promoted = 0
    for rng in streams(count):
        path = _wandering_quality(rng, nights)
        night = first_promotion(nights_of(paired(rng, nights, clusters, np.array(path))))
        if night <= nights:
            promoted, better = promoted + 1, better + int(path[night - 1] > 0)
    return better / max(1, promoted), promoted


def _wandering_quality(rng: np.random.Generator, nights: int) -> list[float]:
    quality, path = rng.normal(0, 0.03), []
    for _ in range(nights):
        path.append(float(np.clip(quality, -DISAGREEMENT, DISAGREEMENT)))
        quality = 0.9 * quality + rng.normal(0, 0.03 * np.sqrt(1 - 0.81))
    return path


def one_look(count: int, correlation: float, gain: float = 0.0, nights: int = YEAR, new_items: int = 0) -> float:
    """Share of years in which the rule of one look promotes, on a test split of 200 items.

    Every night sees the same items, or `new_items` of them are new each night, as in a window of days. Answers of
    nightly entrants to an item correlate from night to night. The interval is that of the normal approximation, which
    the bootstrap of 200 items does not differ from by much.
    """
    found = 0
    level = np.cos(np.pi * DISAGREEMENT)
    for rng in streams(count):
        champion, own = rng.normal(size=TEST_ITEMS), rng.normal(size=TEST_ITEMS)
        for night in range(nights):
            landed = np.arange(night * new_items, (night + 1) * new_items) % TEST_ITEMS
            champion[landed] = rng.normal(size=new_items)
            own = correlation * own + np.sqrt(1 - correlation**2) * rng.normal(size=TEST_ITEMS)
            latent = level * champion + np.sqrt(1 - level**2) * own
            # A shift of the latent quality by 2.5 times the gain moves the share of right answers by the gain.
            differences = (latent + 2.507 * gain > 0) * 1.0 - (champion > 0)
            if differences.mean() > 1.96 * differences.std(ddof=1) / np.sqrt(TEST_ITEMS):
                found += 1
                break
    return found / count


def judged(count: int, longer: float, quality: float, clusters: int = 40, nights: int = YEAR) -> tuple[Years, Years]:
    """Years of verdicts by a judge with a taste for length, balanced and as they come.

    ours wins with sigmoid(q + 0.8 tanh(difference / sd)); ours is longer by `longer` standard deviations, and wins a
    share `quality` of pairs of equal length.
    """
    logit = float(np.log(quality / (1 - quality)))
    balanced, raw = [], []
    for rng in streams(count):
        ratios = rng.normal(longer, 1.0, (nights, clusters))
        chance = 1 / (1 + np.exp(-(logit + 0.8 * np.tanh(ratios))))
        net = np.where(rng.random((nights, clusters)) < chance, 1.0, -1.0)
        raw.append(first_promotion(nights_of(net)))
        balanced.append(_first_balanced(ratios, net))
    return Years(np.array(balanced), nights), Years(np.array(raw), nights)


def _first_balanced(ratios: Floats, net: Floats) -> int:
    """The night that promotes on balanced verdicts; the weights of all nights follow from the lengths so far."""
    for night in range(1, len(net) + 1):
        weights = length_weights(ratios[:night].ravel())
        values = weights * net[:night].ravel() / LARGEST_WEIGHT
        if log_evidence(np.log1p(np.multiply.outer(2 * STAKES, values)).sum(axis=-1)) < math.log(THRESHOLD) - ROUNDING:
            continue
        shape = (night, -1)
        sums = nights_of(values.reshape(shape), 2 * STAKES, (weights > 0).reshape(shape))
        if verdict(sums, stakes=2 * STAKES) == "PROMOTE":
            return night
    return len(net) + 1


def table(count: int) -> Iterator[str]:
    """Lines of the study: the gate, and next to it the rule of one look at the same gain."""
    for correlation in (0.0, 0.8, 0.95):
        fixed, window = (one_look(count, correlation, new_items=new) for new in (0, NEW_TEST_ITEMS))
        line = f"equal, one look a night, correlation {correlation}"
        yield f"{line}: {fixed:.1%} of years, in a moving window {window:.1%}"
    yield f"equal, 40 clusters a night: {years(count, 40, 0.0).share():.1%} of years"
    fixed, window = (one_look(count, 0.8, -0.02, new_items=new) for new in (0, NEW_TEST_ITEMS))
    yield f"all 0.02 worse, one look a night: {fixed:.1%} of years, in a moving window {window:.1%}"
    yield f"all 0.02 worse, 40 a night: {years(count, 40, -0.02).share():.1%} of years"
    for clusters, gain, within in ((40, 0.05, 90), (133, 0.05, 30), (7, 0.05, YEAR), (133, 0.03, 90)):
        found = years(count, clusters, gain)
        line = f"+{gain} at {clusters} a night: {found.share(within):.1%} within {within} nights"
        yield f"{line}, median {found.median:.0f}"
    yield f"+0.05, one look a night: {one_look(count, 0.8, 0.05, 90, NEW_TEST_ITEMS):.1%} within 90 nights"
    yield f"three equal lineages: {three_lineages(count, 40):.1%} of years"
    better, promoted = wandering(count, 40)
    yield f"wandering quality: {better:.1%} of {promoted} promoted are better on their day"
    for longer, quality in ((0.5, 0.5), (1.0, 0.5), (0.5, 0.45), (0.5, 0.55)):
        balanced, raw = judged(max(20, count // 2), longer, quality)
        line = f"judge with a taste for length, {longer} sd longer, {quality:.0%} at equal length"
        shares = f"{balanced.share():.1%} of years, {balanced.share(90):.1%} within 90 nights"
        yield f"{line}: {shares}, median {balanced.median:.0f}; raw {raw.share():.1%}"


def main() -> None:
    """Print the table with the seconds of each line."""
    parser = argparse.ArgumentParser(description="Simulated years of nightly promotion decisions.")
    parser.add_argument("--years", type=int, default=500)
    started = time.perf_counter()
    for line in table(parser.parse_args().years):
        print(f"{line} [{time.perf_counter() - started:.0f} s]", flush=True)
        started = time.perf_counter()


if __name__ == "__main__":
    main()
