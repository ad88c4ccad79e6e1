"""Heads of dimensions, learned from a day's ratings. The work is `rl_assets.datasets.fit_dimensions`."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from pydantic import Field, ValidationError

from rl_assets.core.validation import problems
from rl_assets.datasets.dimension_pairs import read_dimension_pairs
from rl_assets.datasets.dimensions import agreements, connect_to_ratings
from rl_assets.datasets.fit_dimensions import DimensionOptions, fit_dimensions
from rl_assets.defs.rewards.rated_dimensions import GROUP, rated_dimensions
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import day_check, days
from rl_assets.defs.shared.permanent_errors import without_retries
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.report.markdown import markdown_table
from rl_assets.evaluation.rewards.dimension_report import dimensions_headline, gains_table, write_dimension_report
from rl_assets.models.embedding import embed
from rl_assets.rewards.dimension_model import StoredDimensions, point_day
from rl_assets.rewards.weighing import read_weighing, require_known
from rl_assets.tables.rated_dimensions import RATED_DIMENSIONS

BEATS_LENGTH = "heads_beat_length"
NOT_FLAT = "values_are_not_flat"
WEIGHTS_FIT = "weights_fit_heads"
MAX_FLAT = 0.3
CHECKS = {
    BEATS_LENGTH: "Every head that was learned is right more often than preferring the longer or the shorter answer, "
    "whichever its training pairs say: the lower bound of the paired 95 % interval is above 0. Others are not offered "
    "to recipes.",
    NOT_FLAT: f"At most {MAX_FLAT:.0%} of the training answers have a value from which a better score gains nothing.",
    WEIGHTS_FIT: "Every dimension that `rewards.yaml` weighs has a head that recipes may use. Passes without a file.",
}


class DimensionConfig(dg.Config):
    """Which ratings teach, and what a head may do; part of the folder's name."""

    backend: str = Field("linear", description="linear: named features of the text, on CPU.")
    min_pairs: int = Field(100, description="Minimum training pairs of a dimension; others are skipped.")
    sources: list[str] = Field(["human", "verifier", "judge"], description="Whose ratings may teach, in this order.")
    length_matters: list[str] = Field([], description="Dimensions whose head may prefer an answer for its length.")
    force: list[str] = Field([], description="Dimensions offered to recipes although they do not beat length.")
    cosine: bool = Field(True, description="Also weigh the cosine of prompt and answer (all-MiniLM-L6-v2).")

    def options(self) -> DimensionOptions:
        """The validated choices; ValueError says what is wrong."""
        if self.backend != "linear":
            raise ValueError(
                f"backend is {self.backend!r}: use 'linear', the only one there is. A head on a language model is "
                "reward_model, which learns the dimension overall"
            )
        try:
            return DimensionOptions.model_validate(self.model_dump(exclude={"backend"}))
        except ValidationError as error:
            raise ValueError(problems(error, "the configuration", DimensionOptions)) from None


@dg.asset(
    partitions_def=days,
    deps=[rated_dimensions],
    check_specs=[day_check(name, "dimension_rewards", text) for name, text in CHECKS.items()],
    group_name=GROUP,
    kinds={"numpy"},
    owners=MODEL_TEAM,
)
def dimension_rewards(
    context: dg.AssetExecutionContext, home: HomeResource, config: DimensionConfig
) -> dg.MaterializeResult:
    """A reward per dimension, learned from ratings: calibrated, free of length, and offered to recipes if it is better
    than preferring the longer or the shorter answer.
    """
    day = context.partition_key
    require_input(context, home.lake, RATED_DIMENSIONS, day)
    with without_retries():
        options = config.options()
        read_weighing(home.paths.rewards_file)
    connection = connect_to_ratings(home.lake, home.window(day), home.duckdb_memory_limit)
    heads = fit_dimensions(
        read_dimension_pairs(connection),
        agreements(connection),
        options,
        home.paths.dimension_rewards,
        embed,
        context.log.info,
    )
    stored, report = heads.stored, home.paths.reports(day) / "dimensions"
    write_dimension_report(stored, day, report)
    point_day(home.paths.dimension_rewards, day, stored.version)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(stored.version),
        metadata={
            "dagster/uri": str(heads.folder),
            "report": dg.MetadataValue.path(report / "dimensions.html"),
            "headline": dimensions_headline(stored),
            "gains": dg.MetadataValue.md(markdown_table(gains_table(stored))),
            "fitted_in_this_run": heads.fitted,
        },
        check_results=[*_checks(stored, home.paths.rewards_file)],
    )


def _checks(stored: StoredDimensions, rewards_file: Path) -> Iterator[dg.AssetCheckResult]:
    behind = {
        name: f"{name} ({head.report.decisive.gain:+.3f} on {head.report.decisive.pairs} pairs)"
        for name, head in stored.heads.items()
        if not head.offered
    }
    yield _warned(BEATS_LENGTH, _behind(stored, list(behind.values())))
    flat = {name: head.report.calibration.flat_share for name, head in stored.heads.items()}
    too_flat = [f"{name} ({share:.0%})" for name, share in flat.items() if share > MAX_FLAT]
    yield _warned(
        NOT_FLAT,
        f"A better score gains nothing from many answers on: {', '.join(too_flat)}. Their ratings hardly differ, or "
        "are few: a policy that trains on such a value learns from the other answers alone"
        if too_flat
        else None,
    )
    yield _warned(WEIGHTS_FIT, weights_problem(stored, rewards_file) if rewards_file.is_file() else None)


def _behind(stored: StoredDimensions, behind: list[str]) -> str | None:
    if not stored.heads:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in sorted(stored.skipped.items()))
        return f"Nothing was learned. {reasons or 'No answer of the window was rated'}"
    if not behind:
        return None
    return (
        f"Not shown to beat the length of answers: {', '.join(behind)}. Recipes may not use such a reward: it would "
        "teach length. Collect more ratings of answers of like length, or name it in the configuration's `force`"
    )


def weights_problem(stored: StoredDimensions, rewards_file: Path) -> str | None:
    """Why the weighed sum cannot be used as a reward; None if it can."""
    weighing = read_weighing(rewards_file)
    try:
        require_known(weighing, stored.heads)
    except ValueError as error:
        return str(error)
    unusable = [name for name in weighing.dimensions if not stored.heads[name].may_be_used]
    return f"rewards.yaml weighs {', '.join(unusable)}, which is not offered to recipes" if unusable else None


def _warned(name: str, problem: str | None) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name, passed=problem is None, severity=dg.AssetCheckSeverity.WARN, description=problem
    )
