"""What an evaluation is made of besides models: datasets to ask of, benchmarks, facts of the log, prices."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rl_assets.evaluation.log.log_facts import NO_FACTS, LogFacts
from rl_assets.evaluation.run.benchmarks import Benchmark, leaked_benchmarks
from rl_assets.evaluation.run.items import RowFilter, every_row, leaked_keys
from rl_assets.llm.prices import SHIPPED, PriceTable, read_prices


def _shipped_prices() -> PriceTable:
    return read_prices(SHIPPED)


@dataclass(frozen=True)
class Material:
    """What the models are asked, and what a report tells beside their answers.

    The test splits of `sft_folder` and `dpo_folder` are asked, as far as they are of the segment and `among` keeps
    them, which is told of their metadata; `name` is what the report calls such a slice. `trained_on` are further
    datasets that adapters of the day may have seen.
    """

    sft_folder: Path
    dpo_folder: Path
    trained_on: Sequence[Path] = ()
    segment: str | None = None
    among: RowFilter = every_row
    name: str | None = None
    benchmarks: Sequence[Benchmark] = ()
    log_facts: LogFacts = NO_FACTS
    prices: PriceTable = field(default_factory=_shipped_prices)

    @property
    def asked_of(self) -> tuple[Path, Path]:
        """The datasets whose test splits are asked."""
        return self.sft_folder, self.dpo_folder

    def leaked(self) -> list[str]:
        """Held-out and benchmark prompts that a training split holds."""
        folders = [*self.asked_of, *self.trained_on]
        return leaked_keys(self.asked_of, self.trained_on) + leaked_benchmarks(self.benchmarks, folders)
