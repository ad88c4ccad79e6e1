"""Rated answers as of each day, from which every dataset is built. Rating is `rl_assets.datasets.ratings`."""

from typing import Any

import dagster as dg

from rl_assets.datasets.held_out import (
    FAMILY_WISE_ERROR,
    MAX_SHARE_OF_A_CLUSTER,
    HeldOut,
    LargestCluster,
    deviating,
    held_out_by_size,
    largest_cluster,
)
from rl_assets.datasets.ratings import count_feedback, rate_interactions
from rl_assets.datasets.scores import ScoresOfWindow, deciding_names, read_scores, setting_line, with_overall
from rl_assets.datasets.shown_first import ShownFirst, read_shown_first
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.metadata import markdown_table
from rl_assets.defs.shared.partitions import trailing
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import PublishedDay, Results, publish_days, table_asset
from rl_assets.settings import load_settings
from rl_assets.tables.features import FEATURES
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import FEEDBACK, INTERACTIONS

WINDOW = trailing(load_settings().window_days)
FEEDBACK_HAS_ANSWERS = "feedback_has_answers"
SCORES_ARE_READ = "scores_are_read"
MAX_WITHOUT_ANSWER = 0.1
MAX_NAMED_SCORES = 10
SHARES_ARE_NOMINAL = "held_out_shares_are_nominal"
FIRST_IS_NOT_FAVOURED = "first_is_not_favoured"
NO_CLUSTER_DOMINATES = "no_cluster_holds_most_prompts"


@table_asset(
    RATED_INTERACTIONS,
    deps=[dg.AssetDep(table.name, partition_mapping=WINDOW) for table in (INTERACTIONS, FEEDBACK, FEATURES)],
    # It describes the days of its window that have not been described.
    pool="prompt_clusters",
    checks={
        FEEDBACK_HAS_ANSWERS: "Less than a tenth of the window's feedback judges answers that have not landed.",
        SCORES_ARE_READ: "Every answer with scores has a reward: one of them is `overall`, or people gave no other.",
        FIRST_IS_NOT_FAVOURED: (
            "Of two answers, people choose the one that they see first half of the time, as far as chance explains."
        ),
        SHARES_ARE_NOMINAL: (
            "Of clusters of every size, 10 % are held out of training, as far as chance explains "
            f"(over all sizes, {FAMILY_WISE_ERROR:.2%} of fair splits fail)."
        ),
        NO_CLUSTER_DOMINATES: (
            f"No cluster of near-duplicate prompts holds more than {MAX_SHARE_OF_A_CLUSTER:.0%} of them: all prompts "
            "of a cluster lie in one split."
        ),
    },
)
def rated_interactions(context: dg.AssetExecutionContext, home: HomeResource) -> Results:
    """Every answer of the trailing window with its reward, as known by the end of each day.

    The reward is human feedback, else a verifier's, else a judge's; missing is not zero. If people gave an answer
    scores of one name only, these count as overall whatever the name. Texts stay in `interactions`.
    """

    def publish(day: str) -> PublishedDay:
        require_input(context, home.lake, INTERACTIONS, day)
        window, limit = home.window(day), home.duckdb_memory_limit
        published = rate_interactions(
            home.lake, window, limit, home.paths.benchmarks, home.prompt_rules, home.privacy_rules
        )
        counts = count_feedback(home.lake, window, limit)
        scores = read_scores(home.lake, window, limit)
        sizes = held_out_by_size(home.lake, window, limit)
        checks = [
            _feedback_has_answers(counts),
            _scores_are_read(scores, home.metrics),
            _first_is_not_favoured(read_shown_first(home.lake, window, limit)),
            _shares_are_nominal(sizes),
            _no_cluster_dominates(largest_cluster(home.lake, window, limit)),
        ]
        return PublishedDay.of_table(published, checks, **counts, counted_as_overall=markdown_table(scores.stand_ins))

    yield from publish_days(context, publish)


def _feedback_has_answers(counts: dict[str, Any]) -> dg.AssetCheckResult:
    """Yellow if a tenth of the window's feedback has no answer, or the id of some comes near that of an answer."""
    events, without_answer, near = (counts[name] for name in ("feedback_events", "feedback_without_answer", "near_ids"))
    passed = not near and without_answer <= MAX_WITHOUT_ANSWER * events
    also = f"; the ids of {near} differ from those of landed answers only in case, signs or zeros" if near else ""
    return dg.AssetCheckResult(
        check_name=FEEDBACK_HAS_ANSWERS,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=None
        if passed
        else f"{without_answer} of {events} feedback events judge answers that have not landed{also}. "
        f"Log an answer and its feedback with one id; without an answer: {', '.join(counts['samples'])}",
        metadata={
            name: counts[name]
            for name in ("feedback_events", "feedback_without_answer", "feedback_on_older_answers", "near_ids")
        },
    )


def _scores_are_read(scores: ScoresOfWindow, metrics: dict[str, dict[str, Any]]) -> dg.AssetCheckResult:
    """Yellow if answers have scores of which none decides; the remedy is a line to copy."""
    unread = scores.unread_by_name
    return dg.AssetCheckResult(
        check_name=SCORES_ARE_READ,
        passed=not unread,
        severity=dg.AssetCheckSeverity.WARN,
        description=_unread(scores, metrics) if unread else None,
        metadata={"unread": markdown_table(unread), "counted_as_overall": markdown_table(scores.stand_ins)},
    )


def _unread(scores: ScoresOfWindow, metrics: dict[str, dict[str, Any]]) -> str:
    unread = scores.unread_by_name
    names = ", ".join(f"{row['score']} ({row['source']}, {row['answers']})" for row in unread[:MAX_NAMED_SCORES])
    more = f" and {len(unread) - MAX_NAMED_SCORES} more" if len(unread) > MAX_NAMED_SCORES else ""
    line = setting_line(with_overall(metrics, deciding_names(scores.unread)))
    return (
        f"No dataset reads these scores, because none of an answer's is `overall`: {names}{more}. Say which decide "
        f"in `.env`, for example\n{line}\nand materialize the window's days again, from the raw tables on."
    )


def _first_is_not_favoured(shown: ShownFirst) -> dg.AssetCheckResult:
    """Yellow if the interval of the first answer's share excludes one half."""
    return dg.AssetCheckResult(
        check_name=FIRST_IS_NOT_FAVOURED,
        passed=not shown.is_biased,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"The answer shown first won {shown.first_won:,} of {shown.decided:,} decided comparisons "
        f"({shown.share:.1%}); a fair order gives 50 %. Show pairs in an order drawn for each rater, and look whether "
        "one rater decides by the place: pairs of such verdicts teach the place, not the answer"
        if shown.is_biased
        else None,
        metadata={"decided": shown.decided, "first_won": shown.first_won, "share": f"{shown.share:.1%}"}
        if shown.share
        else {"decided": 0},
    )


def _shares_are_nominal(sizes: list[HeldOut]) -> dg.AssetCheckResult:
    """Yellow if clusters of some size are held out more or less often than a fair draw would."""
    odd = deviating(sizes)
    return dg.AssetCheckResult(
        check_name=SHARES_ARE_NOMINAL,
        passed=not odd,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(
            f"{size.held_out} of {size.clusters} clusters of {size.prompts} prompts are held out, "
            f"{size.nominal_share * size.clusters:.0f} are expected"
            for size in odd
        )
        or None,
        metadata={
            "held_out_by_size": markdown_table(
                {
                    "prompts per cluster": size.prompts,
                    "clusters": size.clusters,
                    "held out": size.held_out,
                    "share": f"{size.share:.1%}",
                    "nominal": f"{size.nominal_share:.1%}",
                    "standard error": f"{size.standard_error:.1%}",
                    "p": f"{size.p:.2g}",
                }
                for size in sizes
            )
        },
    )


def _no_cluster_dominates(largest: LargestCluster | None) -> dg.AssetCheckResult:
    """Yellow if most prompts are near-duplicates of one another: a template with few slots, say."""
    dominates = largest is not None and largest.dominates
    return dg.AssetCheckResult(
        check_name=NO_CLUSTER_DOMINATES,
        passed=not dominates,
        severity=dg.AssetCheckSeverity.WARN,
        description=_one_question(largest) if largest and dominates else None,
        metadata={"largest_cluster": largest.prompts, "prompts": largest.prompts_in_all} if largest else {},
    )


def _one_question(largest: LargestCluster) -> str:
    return (
        f"{largest.prompts:,} of {largest.prompts_in_all:,} prompts differ in so few words that they are one question "
        f"here, and all of them lie in the split {largest.split!r}: training and measuring cannot share them. Measure "
        "on prompts of your own in the folder `eval` of the home."
    )
