"""`make loop`: the loop once round on the demo's champion, and a table of what went round.

    python -m rl_assets.quickstart.loop [--users 200]

Everything is on this machine. It ends with an error if a call or a verdict was lost, came twice, or if a row was
trained on that did not go round.
"""

import argparse
import sys
from dataclasses import astuple
from datetime import UTC, datetime

from rl_assets.evaluation.promotion.champion import read_champion
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.lake.delta import Lake
from rl_assets.quickstart.loop.account import (
    Count,
    count_answers,
    count_comparisons,
    count_feedback,
    count_rewards,
    rejected_lines,
    rows_of,
    strangers,
)
from rl_assets.quickstart.loop.processes import ProgramError
from rl_assets.quickstart.loop.story import USERS, Story, go_round
from rl_assets.quickstart.summary import text_table
from rl_assets.settings import load_settings


def main() -> None:
    """Go round once, and print what did."""
    parser = argparse.ArgumentParser(prog="python -m rl_assets.quickstart.loop", description="The loop, once round.")
    parser.add_argument("--users", type=int, default=USERS)
    options, home = parser.parse_args(), load_settings().paths
    if read_champion(home) is None:
        sys.exit(f"{home.champion()} names no champion, so there is nothing to serve: run `make demo` first.")
    story = Story(home, f"loop-{datetime.now(UTC):%Y%m%dT%H%M%S}", lambda line: print(line, flush=True))
    try:
        go_round(story, options.users)
    except ProgramError as error:
        sys.exit(str(error))
    counts = counted(story)
    print(f"\n{report(story, counts)}")
    if faults := faults_of(story, counts):
        sys.exit("\n".join(faults))


def counted(story: Story) -> list[Count]:
    """Each kind of thing that was acknowledged, with what the lake has of it."""
    lake, days, traffic = Lake(story.home.lake_url), story.days, story.traffic
    return [
        count_answers(lake, days, traffic.answers),
        count_feedback(lake, days, traffic.by_gateway),
        count_rewards(lake, days, traffic.by_service),
        count_comparisons(load_settings(), lake, days, {name: done.total for name, done in story.compared.items()}),
    ]


def report(story: Story, counts: list[Count]) -> str:
    """The tables that end the loop, and the decision."""
    day = str(story.days[-1])
    decision = Decision.model_validate_json((story.home.reports(day) / "decision.json").read_bytes())
    arms = sorted(story.traffic.answers.values())
    shares = [(arm, f"{arms.count(arm):,}", f"{arms.count(arm) / len(arms):.0%}") for arm in dict.fromkeys(arms)]
    return "\n\n".join(
        [
            text_table(("step", "result", "seconds"), [(s.name, s.result, f"{s.seconds:.1f}") for s in story.steps]),
            text_table(("arm", "answers", "share"), shares),
            text_table(("went round", "acknowledged", "in the lake"), [astuple(count) for count in counts]),
            text_table(("dataset of the night", "rows"), rows_of(story.home, day).items()),
            "\n".join([f"{decision.verdict}: {decision.reasons[0]}", *decision.reasons[1:]]),
            f"report: {(story.home.reports(day) / 'report.html').resolve()}",
        ]
    )


def faults_of(story: Story, counts: list[Count]) -> list[str]:
    """What does not balance, as sentences; none if all is well."""
    lake, days = Lake(story.home.lake_url), story.days
    faults = [f"{c.what}: {c.acknowledged} acknowledged, {c.landed} in the lake" for c in counts if not c.balances]
    if story.traffic.failed_calls:
        faults.append(f"{story.traffic.failed_calls} calls failed")
    if rejected := rejected_lines(lake, days):
        faults.append(f"{rejected} lines were rejected: see the table rejected_records")
    for name, unknown in strangers(story.home, lake, days, str(days[-1])).items():
        if unknown:
            faults.append(f"{unknown} rows of {name} name answers that never landed on these days")
    return faults


if __name__ == "__main__":
    main()
