"""What people are asked about next. The work is `rl_assets.annotation.active_learning`."""

from datetime import date

import dagster as dg
from pydantic import Field

from rl_assets.annotation.active_learning.files import QUEUE_FILE, queue_lines, write_lines
from rl_assets.annotation.active_learning.gains import LaneReport
from rl_assets.annotation.active_learning.lanes import BATCH
from rl_assets.annotation.active_learning.pairs import MIN_CLUSTERS, MIN_PAIRS
from rl_assets.annotation.active_learning.queue import QueueDay, build_queue
from rl_assets.datasets.ratings import Window, rated_as_of
from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.metadata import markdown_table
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import PublishedDay, Results, publish_days, table_asset
from rl_assets.lake.delta import Lake
from rl_assets.tables.active_learning_queue import ACTIVE_LEARNING_QUEUE
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS

HAS_ITEMS = "queue_has_items"
LANES_PAY = "lanes_are_not_worse_than_random"


class QueueConfig(dg.Config):
    """How many items are open at a time."""

    batch: int = Field(BATCH, ge=1, le=10_000, description="Open items; the lanes share them 20, 30, 30 and 20 %.")


@table_asset(
    ACTIVE_LEARNING_QUEUE,
    deps=[rated_interactions, "judge_preferences"],
    group="rewards",
    checks={
        HAS_ITEMS: "There is something to ask people, or everything is answered.",
        LANES_PAY: (
            "No lane's labels teach significantly less than as many labels of random pairs (paired over clusters, "
            "Holm over lanes). Passes while nothing can be measured, and says so."
        ),
    },
)
def active_learning_queue(context: dg.AssetExecutionContext, home: HomeResource, config: QueueConfig) -> Results:
    """Pairs of answers that people should compare and answers that they should rate, where a label pays most.

    Of 50 open items 10 are random, 15 are about what judges and rewards contradict, 15 about what an ensemble of
    reward heads disagrees on, and 10 about gaps that may be large. They appear on the pages of the feedback service and
    in `queue.jsonl`, and leave when they are answered or older than the window.
    """

    def publish(day: str) -> PublishedDay:
        require_input(context, home.lake, RATED_INTERACTIONS, day)
        window = home.window(day)
        built = _build(home, window, config.batch)
        # The record first: what is in a file but not in the table would count for no lane.
        published = home.lake.publish(ACTIVE_LEARNING_QUEUE, window.day, built.reader())
        path = home.paths.datasets(ACTIVE_LEARNING_QUEUE.name, day) / QUEUE_FILE
        lines = queue_lines(rated_as_of(home.lake, window, home.duckdb_memory_limit), built.rows)
        write_lines(path, lines)
        checks = [_has_items(built), _lanes_pay(built.lanes)]
        return PublishedDay.of_table(published, checks, **_metadata(built, window), file=dg.MetadataValue.path(path))

    yield from publish_days(context, publish)


def _build(home: HomeResource, window: Window, batch: int) -> QueueDay:
    """The queue of the window's day, from the newest one before it and the labels that have come back."""
    lake, day = home.lake, window.day
    before = [each for each in lake.days(ACTIVE_LEARNING_QUEUE) if window.first_landing <= each < day]
    connection = rated_as_of(lake, window, home.duckdb_memory_limit)
    return build_queue(connection, day, window.first, _rows(lake, before[-1:]), _rows(lake, before), batch)


def _rows(lake: Lake, days: list[date]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = lake.read(ACTIVE_LEARNING_QUEUE, days).to_table().to_pylist()
    return rows


def _has_items(built: QueueDay) -> dg.AssetCheckResult:
    """Yellow if nobody can be asked anything."""
    return dg.AssetCheckResult(
        check_name=HAS_ITEMS,
        passed=bool(built.rows),
        severity=dg.AssetCheckSeverity.WARN,
        description=None
        if built.rows
        else "Nothing is left to ask: the train split has no two different answers to one prompt that nobody compared, "
        "and no answer that nobody rated. Log more answers to one question, for example of two agents",
        metadata={"open": len(built.rows), "candidates": built.candidates},
    )


def _lanes_pay(report: LaneReport) -> dg.AssetCheckResult:
    """Yellow if a lane teaches less than random pairs do."""
    worse = [gain for gain in report.lanes if gain.is_worse]
    described = "; ".join(
        f"labels of the lane {gain.lane} teach less than as many random ones: {gain.against_random:+.1%} accuracy on "
        f"{report.held_out} held-out pairs"
        for gain in worse
    )
    return dg.AssetCheckResult(
        check_name=LANES_PAY,
        passed=not worse,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{described}. Label the lane random until more labels are in"
        if worse
        else f"Not measured: {report.not_measured}"
        if report.not_measured
        else None,
        metadata={"lanes": markdown_table(_lane_rows(report)), "held_out": report.held_out},
    )


def _lane_rows(report: LaneReport) -> list[dict[str, str]]:
    return [
        {
            "lane": gain.lane,
            "labels": f"{gain.labels:,}",
            "accuracy gained per label": "–" if gain.per_label is None else f"{gain.per_label:+.2%}",
            "against random": "–" if gain.against_random is None else f"{gain.against_random:+.1%}",
            "p (Holm)": "–" if gain.p is None else f"{gain.p:.3f}",
        }
        for gain in report.lanes
    ]


def _metadata(built: QueueDay, window: Window) -> dict[str, object]:
    accuracy = built.lanes.accuracy_on_random
    heads = (
        f"ten, on {built.compared:,} pairs that people decided"
        if built.has_heads
        else f"none: people decided {built.compared} pairs of the train split, and {MIN_PAIRS} of {MIN_CLUSTERS} "
        "clusters are needed; random pairs stand in"
    )
    return {
        "new": built.entered(window.day),
        "answered": built.answered,
        "expired": built.expired,
        "gone": built.gone,
        **{f"open_{lane}": count for lane, count in built.by_lane.items()},
        "heads": heads,
        **({"accuracy_on_random": f"{accuracy:.3f}"} if accuracy else {}),
    }
