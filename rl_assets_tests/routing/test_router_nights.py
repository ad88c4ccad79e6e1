"""Nights of the router through the real graph: what is drawn by day is learned by night, and drawn by the next day."""

import statistics
from collections import Counter
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.tables.records import REJECTED_RECORDS
from rl_assets_tests.support.admin_server import admin_server
from rl_assets_tests.support.router_world import ARMS, RouterWorld

NIGHTS, SEGMENTS = 3, 8


@pytest.mark.slow
def test_a_few_nights_learn_what_was_drawn_and_late_and_repeated_rewards_give_the_same_state(
    tmp_path: Path, instance: dg.DagsterInstance
):
    with admin_server() as server:
        world = RouterWorld(tmp_path, server.url, SEGMENTS, bad=4, batch=100, delay=1, seed=1)
        for night in range(NIGHTS + 1):
            world.run_night(night, instance)
    assert world.product.rows(REJECTED_RECORDS) == []
    daily = len(world.regrets) // NIGHTS
    first, last = world.regrets[:daily], world.regrets[-daily:]
    assert statistics.mean(last) < statistics.mean(first) < 1.1 * world.random_regret
    assert world.drawn[-1]["bad"] / world.drawn[-1]["all"] < 0.2 < world.drawn[0]["bad"] / world.drawn[0]["all"]
    answers = Counter[str]()
    for row in world.state(NIGHTS):
        answers[row["arm"]] += row["answers"]
    assert sum(answers[arm] for arm in ARMS) == 12 * 100 * NIGHTS, "each decision counts for the arm that was drawn"
    mean, error = statistics.mean(world.weights), statistics.stdev(world.weights) / len(world.weights) ** 0.5
    assert abs(mean - 1) <= 3 * error
    rows, learned = world.rebuilt(NIGHTS, tmp_path / "other")
    assert rows == world.state(NIGHTS) and learned == world.learned.model_dump()
