"""What the router learned from rewards, as of each day. Counting and drawing are in `rl_assets.routing`."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import dagster as dg

from rl_assets.defs.datasets.rated_interactions import WINDOW, rated_interactions
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.metadata import markdown_table
from rl_assets.defs.shared.permanent_errors import without_retries
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import PublishedDay, Results, publish_days, table_asset
from rl_assets.models.served_names import PRODUCT
from rl_assets.routing.asked_alike import AskedAlike, asked_alike
from rl_assets.routing.best_arm import best_arm
from rl_assets.routing.cells import Cell
from rl_assets.routing.config import RouterFile
from rl_assets.routing.leaderboard import leaderboard
from rl_assets.routing.learned import salt_of, write_learned
from rl_assets.routing.state import State, count_answers, learn, shares_to_draw_by, state_rows
from rl_assets.tables.bandit_state import BANDIT_STATE
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import INTERACTIONS

ARMS_ANSWER = "arms_answer"
ASKED_ALIKE = "rewards_are_asked_alike"
MAX_SHOWN = 100
MAX_PLOTTED = 20


@table_asset(
    BANDIT_STATE,
    deps=[rated_interactions, dg.AssetDep(INTERACTIONS.name, partition_mapping=WINDOW)],
    group="routing",
    checks={
        ARMS_ANSWER: "No arm failed in more than 10 of its last 50 answers.",
        ASKED_ALIKE: (
            "Within categories, the answers of all arms are rewarded at one rate, as far as chance explains: rewards "
            "that are missing more often for one arm are not missing at random."
        ),
    },
)
def bandit_state(context: dg.AssetExecutionContext, home: HomeResource) -> Results:
    """What rewards say of every arm in every category, and each arm's share of the traffic of the next day.

    Of the newest day, the shares are written to `router/shares.json`, from which arms are drawn.
    """
    with without_retries():
        router = home.router_file()
    if router.features:
        context.log.warning(f"Nothing is drawn by the features {', '.join(router.features)} of the router file yet")

    def publish(day: str) -> PublishedDay:
        require_input(context, home.lake, RATED_INTERACTIONS, day)
        counts = count_answers(home.lake, home.window(day), router, home.duckdb_memory_limit)
        state = learn(day, counts, router)
        rows = state_rows(state)
        published = home.lake.publish(BANDIT_STATE, day, rows.to_reader())
        alike = asked_alike(state.cells)
        version = _write_newest(home, state, router)
        shown = {"policy_version": version} if version else {}
        checks = [_arms_answer(state.cells), _asked_alike(alike)]
        return PublishedDay.of_table(published, checks, **shown, **_metadata(state, rows.to_pylist()))

    yield from publish_days(context, publish)


def _write_newest(home: HomeResource, state: State, router: RouterFile) -> str | None:
    """Write the shares to draw by if no later day has a state; the version of the policy that they are."""
    if home.lake.keys(BANDIT_STATE)[-1:] != [state.day]:
        return None
    learned = shares_to_draw_by(state, router, salt_of(home.paths))
    write_learned(home.paths, learned)
    return learned.policy_version


def _arms_answer(cells: Sequence[Cell]) -> dg.AssetCheckResult:
    """Yellow if an arm fails: it keeps the lowest share until it answers again."""
    failing = sorted(
        {
            f"{arm} of {cell.segment or PRODUCT}"
            for cell in cells
            for arm, status in zip(cell.arms, cell.status, strict=True)
            if status == "failing"
        }
    )
    return dg.AssetCheckResult(
        check_name=ARMS_ANSWER,
        passed=not failing,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{', '.join(failing)}: more than 10 of the last 50 answers failed or fell back on another arm. "
        "Such an arm gets the lowest share until it answers again; look at its endpoint, or disable it in the file"
        if failing
        else None,
        metadata={"failing": len(failing)},
    )


def _asked_alike(segments: Sequence[AskedAlike]) -> dg.AssetCheckResult:
    """Yellow if rewards come for some arms of a segment more often than for others."""
    differing = [one for one in segments if one.differs]
    return dg.AssetCheckResult(
        check_name=ASKED_ALIKE,
        passed=not differing,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(_rates(one) for one in differing)
        + ". Ask for rewards at the same rate whoever answers: means of arms that are asked about differently do not "
        "compare"
        if differing
        else None,
        metadata={
            "rates": markdown_table(
                {"segment": one.segment or PRODUCT, "arm": arm, "rewarded": f"{rate:.1%}", "p": _number(one.p)}
                for one in segments
                for arm, rate in list(one.rates.items())[:MAX_SHOWN]
            )
        },
    )


def _rates(one: AskedAlike) -> str:
    rates = sorted(one.rates.items(), key=lambda pair: pair[1])
    (lowest, low), (highest, high) = rates[0], rates[-1]
    return (
        f"In {one.segment or PRODUCT}, {high:.1%} of the answers of {highest} were rewarded and {low:.1%} of {lowest}, "
        f"which chance explains with p = {_number(one.p)}"
    )


def _number(value: float | None) -> str:
    return "too few answers" if value is None else f"{value:.2g}"


def _metadata(state: State, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The leaderboard, the shares, the best arms, and of each arm the shares that plot over days."""
    board = leaderboard(rows)
    return {
        "leaderboard": markdown_table(map(_board_line, board[:MAX_SHOWN])),
        "shares": markdown_table(_share_lines(rows)[:MAX_SHOWN]),
        "best_arms": markdown_table(_verdict_lines(state.cells)[:MAX_SHOWN]),
        **{f"share of {_name(entry)}": entry["share"] for entry in board[:MAX_PLOTTED]},
        **{f"mean of {_name(entry)}": entry["mean"] for entry in board[:MAX_PLOTTED]},
    }


def _name(entry: dict[str, Any]) -> str:
    return f"{entry['segment']}: {entry['arm']}" if entry["segment"] else str(entry["arm"])


def _board_line(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "segment": entry["segment"] or PRODUCT,
        "arm": entry["arm"],
        "mean reward": f"{entry['mean']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]",
        "share": f"{entry['share']:.1%}",
        "categories won": entry["categories_won"],
        "answers": entry["answers"],
        "rewarded": entry["rewarded"],
    }


def _share_lines(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A line per segment and category: its arms with their shares, and what they are limited by."""
    lines: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: -row["share"]):
        limited = f" ({row['limited_by']})" if row["limited_by"] else ""
        lines[row["segment"] or PRODUCT, row["category"]].append(f"{row['arm']} {row['share']:.1%}{limited}")
    return [
        {"segment": segment, "category": category, "shares": ", ".join(arms)}
        for (segment, category), arms in sorted(lines.items())
    ]


def _verdict_lines(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    verdicts = [verdict for cell in cells if (verdict := best_arm(cell))]
    return [
        {
            "segment": verdict.segment or PRODUCT,
            "category": verdict.category,
            "best": verdict.winner or "undecided",
            "still in": ", ".join(verdict.still_in),
            "rewards": verdict.rewards,
            "evidence": f"{verdict.evidence:.2f} of {verdict.threshold:.2f}",
        }
        for verdict in verdicts
    ]
