"""What other ways of choosing would have earned, from files that were dropped to the pages of the report."""

import json
import random
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from rl_assets.defs.routing.ope_report import ope_report
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.routing.report import read_routing_report
from rl_assets.routing.off_policy import OffPolicyReport
from rl_assets.settings import Settings
from rl_assets_tests.support.logs import DAY, Product, Row, judged
from rl_assets_tests.support.rated_days import check, metadata, rate

SHARES = {"factual": {"fast@base": 0.75, "slow@base": 0.25}, "visual": {"fast@base": 0.5, "slow@base": 0.5}}
GOOD = {"fast@base": 0.5, "slow@base": 0.9}


def drawn_answer(number: int, coin: random.Random, **fields: Any) -> Row:
    """An answer of an arm that was drawn by the shares; every second one is the second of its conversation."""
    category = coin.choice(sorted(SHARES))
    shares = SHARES[category]
    arm = coin.choices(list(shares), list(shares.values()))[0]
    agent, adapter = arm.split("@")
    row = {"agent_type": agent, "adapter": adapter, "assigned_arm": arm, "propensity": shares[arm], "arms": shares}
    row |= {"drawn": True, "category": category, "query": f"What of {number}?", "session_id": f"s{number // 2}"}
    return judged(f"a{number:05d}", float(coin.random() < GOOD[arm]), **row, **fields)


def report(product: Product, instance: dg.DagsterInstance) -> tuple[OffPolicyReport, Path, dg.ExecuteInProcessResult]:
    """The report of the day, its folder, and what was materialized."""
    assert rate(product, instance).success
    home = HomeResource.from_settings(Settings(home=product.landing.parent))
    result = dg.materialize([ope_report], instance=instance, resources={"home": home}, partition_key=str(DAY))
    folder = product.landing.parent / "reports" / str(DAY)
    return read_routing_report(folder), folder, result


@pytest.mark.slow  # Materializes four assets of some thousand answers.
def test_a_drawn_log_says_which_agent_would_have_earned_more(product: Product, instance: dg.DagsterInstance) -> None:
    coin = random.Random(3)
    named = {"propensity": None, "arms": None, "drawn": False}
    rows = [drawn_answer(number, coin) for number in range(1_600)]
    product.log(*rows, *(row | {"interaction_id": f"n{number}"} | named for number, row in enumerate(rows[:100])))
    found, folder, result = report(product, instance)
    (segment,) = found.segments
    assert (segment.answers, segment.sessions, segment.refusals) == (1_600, 800, [])
    values = {policy.policy: policy for policy in segment.policies}
    assert values["always slow@base"].earns == "more" and values["always fast@base"].earns == "less"
    interval = values["always slow@base"].value
    assert interval and interval.low and interval.high and interval.low < GOOD["slow@base"] < interval.high
    assert check(result, "policies_overlap").passed
    shown = metadata(result, "ope_report")
    assert shown["always slow@base value"] == interval.mean and shown["uniform low"] == values["uniform"].value.low
    headline = "Would have earned more than the log: uniform, always slow@base."
    assert headline in shown["headline"] and headline.replace("@", r"\@") in (folder / "routing.md").read_text()
    assert "<svg" in (folder / "routing.html").read_text()
    assert "SegmentValues" in json.loads((folder / "routing.schema.json").read_text())["$defs"]


@pytest.mark.slow  # Materializes four assets.
def test_a_log_without_propensities_says_what_to_log(product: Product, instance: dg.DagsterInstance) -> None:
    coin = random.Random(4)
    product.log(*(drawn_answer(number, coin) | {"propensity": None, "arms": None} for number in range(40)))
    found, folder, result = report(product, instance)
    assert [refusal.reason for refusal in found.segments[0].refusals] == ["no_propensity"]
    noticed = check(result, "policies_overlap")
    assert not noticed.passed and noticed.severity is dg.AssetCheckSeverity.WARN
    assert "Log `propensity` (and `arms`" in str(noticed.description)
    assert "Log `propensity`" in (folder / "routing.html").read_text()
