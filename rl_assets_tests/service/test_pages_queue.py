"""Items of the active learning queue on /compare and /rate: asked first, and answered for the next queue."""

from datetime import timedelta

import pytest

from rl_assets.annotation.active_learning.queue import build_queue
from rl_assets.datasets.ratings import Window, rated_as_of
from rl_assets.service.items import Items
from rl_assets.service.landing import land
from rl_assets.tables.active_learning_queue import ACTIVE_LEARNING_QUEUE
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets_tests.support.feedback_pages import Deployment, answers, deploy
from rl_assets_tests.support.logs import DAY, Row, later
from rl_assets_tests.support.queued_products import answers as pairs

MEMORY = "1GB"


def draw(deployment: Deployment, day, earlier: list[Row], batch: int) -> list[Row]:
    """Publish the queue as of a day; its rows."""
    lake = deployment.product.lake
    window = Window(day, 30)
    built = build_queue(rated_as_of(lake, window, MEMORY), day, window.first, earlier, earlier, batch)
    lake.publish(ACTIVE_LEARNING_QUEUE, day, built.reader())
    return built.rows


@pytest.fixture
def deployment(home) -> Deployment:
    """A service on thirty questions with two answers each, and forty single answers."""
    found = deploy(home)
    found.product.log(
        *pairs(range(30), segment="acme", task="support"),
        *answers(*(f"single-{n}" for n in range(40)), answer="It costs 3 euros."),
    )
    found.product.ingest()
    found.product.rated()
    return found


def test_open_items_are_asked_first_and_once(deployment):
    rows = draw(deployment, DAY, [], 6)
    items = Items(deployment.service.home, b"key", MEMORY).all()
    assert {frozenset(item.ids) for item in items[:6]} == {frozenset((r["first_id"], r["second_id"])) for r in rows}
    names = [(item.mode, item.name) for item in items]
    assert len(set(names)) == len(names), "a pair of the queue is no second pair of the log"
    train = {r["interaction_id"] for r in deployment.product.rows(RATED_INTERACTIONS, DAY) if r["split"] == "train"}
    assert {name for item in items[:6] for name in item.ids} <= train


def test_a_choice_on_the_page_comes_back_through_landing_and_takes_the_item_off(deployment):
    rows = draw(deployment, DAY, [], 2)
    with deployment.person("ann") as ann:
        ann.open("/compare")
        ann.send("form.main-form", choice="tie")
        kept = deployment.kept("ann")
    asked = {frozenset((row["first_id"], row["second_id"])): row["item_id"] for row in rows}
    answered = asked[frozenset((kept[0]["interaction_id"], kept[0]["other_interaction_id"]))]
    land(deployment.service.store, deployment.service.home)
    day = deployment.clock().date()
    assert day == later(1)
    deployment.product.ingest(day)
    deployment.product.rated(day)
    remaining = draw(deployment, day, rows, 2)
    assert answered not in {row["item_id"] for row in remaining} and len(remaining) == 2
    assert {row["item_id"] for row in rows} - {answered} <= {row["item_id"] for row in remaining}
    assert {row["batch"] for row in remaining} == {DAY, DAY + timedelta(days=1)}


def test_stars_for_a_single_answer_take_it_off_too(deployment):
    rows = [row for row in draw(deployment, DAY, [], 60) if row["second_id"] is None]
    assert rows, "pairs have run out"
    with deployment.person("ann") as ann:
        ann.open("/rate")
        ann.send("form.main-form", thumbs="up")
        (kept,) = deployment.kept("ann")
    assert kept["interaction_id"] in {row["first_id"] for row in rows}
    land(deployment.service.store, deployment.service.home)
    day = deployment.clock().date()
    deployment.product.ingest(day)
    deployment.product.rated(day)
    assert kept["interaction_id"] not in {row["first_id"] for row in draw(deployment, day, rows, 60)}
