"""Whether heads of dimensions beat the length of answers on published ratings: one row per source and dimension.

python -m rl_assets_tests.benchmarks.dimension_rewards --source <folder that holds rag-mtrag-human, ...> [name ...]

All figures come from the assets: files are landed, ingested, rated and learned from as on any day.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from rl_assets.rewards.dimension_model import StoredDimensions
from rl_assets_tests.benchmarks import sources
from rl_assets_tests.support.dimension_logs import finegrained_lines, mtrag_lines
from rl_assets_tests.support.learned_dimensions import learn
from rl_assets_tests.support.logs import Product

Drop = Callable[[Path, Product], None]


def mtrag(source: Path, product: Product) -> None:
    """Four dimensions by two or three people."""
    product.log(*mtrag_lines(source), log_format="reward_log")


def finegrained(source: Path, product: Product) -> None:
    """Preferences over four answers as shares won, and errors that were marked in the first."""
    product.log(*finegrained_lines(source), log_format="reward_log")


def published(drop: Callable[[Path, Path], None]) -> Drop:
    """A source that other benchmarks drop too."""
    return lambda source, product: drop(source, product.landing)


SOURCES: dict[str, Drop] = {
    "rag-mtrag-human": mtrag,
    "pref-finegrained-qa": finegrained,
    "rag-feedbackqa": published(sources.feedbackqa),
    "pref-pandalm": published(sources.pandalm),
    "pref-oasst-trees": published(sources.oasst_trees),
}


def learned(name: str, source: Path, cosine: bool = True) -> StoredDimensions:
    """The heads that the day of a source gives."""
    with tempfile.TemporaryDirectory() as folder, dg.DagsterInstance.ephemeral() as instance:
        product = Product.at(Path(folder) / "home")
        SOURCES[name](source, product)
        found = learn(product, instance, cosine=cosine)
        assert found.result.success, "see the log above"
        return found.stored


def rows(name: str, stored: StoredDimensions) -> list[str]:
    """Lines of the table."""
    lines = []
    for dimension, head in sorted(stored.heads.items()):
        found = head.report.decisive
        verdict = "offered" if head.offered else "not offered"
        lines.append(
            f"{name:20} {dimension:16} {head.report.decided_by:11} {found.pairs:5} {found.accuracy.mean:.3f}  "
            f"{found.baseline.mean:.3f}  {found.gain:+.3f}  {verdict}"
        )
    return lines + [f"{name:20} {dimension:16} {reason}" for dimension, reason in sorted(stored.skipped.items())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(SOURCES)}; all by default")
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--no-cosine", action="store_true", help="without the cosine of prompt and answer")
    given = parser.parse_args()
    table = [f"{'source':20} {'dimension':16} {'estimate':11} pairs   head length  gain"]
    for name in given.names or SOURCES:
        start = time.perf_counter()
        table += rows(name, learned(name, given.source, cosine=not given.no_cosine))
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    print("\n".join(table))


if __name__ == "__main__":
    main()
