"""The active learning queue as an operator materializes it: quotas, what leaves, what comes back, who is erased."""

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from rl_assets.annotation.active_learning.pairs import is_reversed, item_id
from rl_assets.defs.annotation.active_learning import active_learning_queue
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.governance.erasure import erase_scope, scope_of
from rl_assets.lake.tombstones import Erased
from rl_assets.settings import Settings
from rl_assets.tables.active_learning_queue import ACTIVE_LEARNING_QUEUE
from rl_assets.tables.records import FEEDBACK
from rl_assets_tests.support.logs import DAY, USER_KEY, Product, interaction, later
from rl_assets_tests.support.queued_products import answers, bad, good, log_product, preference
from rl_assets_tests.support.rated_days import check, metadata, rate

Row = dict[str, Any]


def queue(
    product: Product, instance: dg.DagsterInstance, day: date = DAY, batch: int = 50
) -> tuple[dg.ExecuteInProcessResult, list[Row]]:
    """Rate the day and draw the queue; the run and the rows."""
    assert rate(product, instance, day).success
    home = HomeResource.from_settings(Settings(home=product.landing.parent))
    result = dg.materialize(
        [active_learning_queue],
        instance=instance,
        resources={"home": home},
        partition_key=str(day),
        run_config={"ops": {"active_learning_queue": {"config": {"batch": batch}}}},
    )
    return result, product.rows(ACTIVE_LEARNING_QUEUE, day)


def lines(product: Product, day: date = DAY) -> list[Row]:
    path = product.landing.parent / "datasets" / "active_learning_queue" / str(day) / "queue.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def lanes(rows: list[Row]) -> dict[str, int]:
    return dict(Counter(row["lane"] for row in rows))


@pytest.fixture
def drawn(product: Product, instance: dg.DagsterInstance) -> tuple[dg.ExecuteInProcessResult, list[Row]]:
    log_product(product)
    return queue(product, instance)


@pytest.mark.slow  # Materializes five assets.
def test_fifty_items_of_which_ten_are_random_are_asked_and_leave_when_answered(
    product: Product, instance: dg.DagsterInstance, drawn: tuple[dg.ExecuteInProcessResult, list[Row]]
) -> None:
    result, rows = drawn
    assert len(rows) == 50 and lanes(rows)["random"] == 10
    assert lanes(rows)["informative"] + lanes(rows)["optimistic"] == 40, "no judge contradicts anything here"
    assert check(result, "queue_has_items").passed
    chosen = [row for row in rows if row["lane"] != "random"]
    assert len({row["cluster_key"] for row in chosen}) == len(chosen), "one item per cluster"
    compared = {item_id(f"good-{n}", f"bad-{n}") for n in range(60)}
    assert not compared & {row["item_id"] for row in rows}
    # Answered in three ways: with a verdict in the file's line, as a tie, and as the same pair from elsewhere.
    shown = lines(product)
    by_hand = {**shown[0], "verdict": "first", "user_id": "ann"}
    tie = {**shown[1], "verdict": "tie", "user_id": "ann"}
    number = int(shown[2]["interaction_id"].split("-")[1])
    elsewhere = preference(number, "from-elsewhere", created_at=f"{later(1)}T09:00:00Z")
    product.log(by_hand, tie, elsewhere, *shown[3:6], log_format="feedback_table", day=later(1))
    product.log(interaction("later"), day=later(1))
    again, remaining = queue(product, instance, later(1))
    gone = {line["id"].removeprefix("q-") for line in shown[:3]}
    assert not gone & {row["item_id"] for row in remaining}
    assert {line["id"].removeprefix("q-") for line in shown[3:6]} <= {row["item_id"] for row in remaining}
    assert len(remaining) == 50 and lanes(remaining)["random"] == 10
    assert metadata(again, "active_learning_queue")["answered"] == 3
    assert metadata(again, "active_learning_queue")["new"] == 3
    events = {row["feedback_id"].split("-")[1]: row for row in product.rows(FEEDBACK, later(1))}
    first = events[by_hand["id"].split("-")[1]]
    assert (first["kind"], first["preferred"]) == ("preference", by_hand["first_output"])
    assert events[tie["id"].split("-")[1]]["kind"] == "tie"


def test_the_order_of_two_answers_is_drawn_and_stored() -> None:
    names = [item_id(f"good-{n}", f"bad-{n}") for n in range(400)]
    assert 160 < sum(map(is_reversed, names)) < 240
    assert item_id("a", "b") == item_id("b", "a") != item_id("a")


@pytest.mark.slow  # Materializes five assets.
def test_before_people_compared_anything_all_items_are_random_and_the_page_says_so(
    product: Product, instance: dg.DagsterInstance
) -> None:
    log_product(product, questions=40, compared=0)
    result, rows = queue(product, instance, batch=20)
    assert lanes(rows) == {"random": 20} and all(row["p"] is None for row in rows)
    shown = metadata(result, "active_learning_queue")
    assert shown["heads"].startswith("none: people decided 0 pairs of the train split")
    assert check(result, "lanes_are_not_worse_than_random").description == (
        "Not measured: no label of the queue came back yet"
    )


@pytest.mark.slow  # Materializes five assets.
def test_with_nothing_to_ask_the_page_is_yellow_and_says_what_to_do(
    product: Product, instance: dg.DagsterInstance
) -> None:
    product.log(interaction("only", error_occurred=True, answer="It broke."))
    result, rows = queue(product, instance)
    found = check(result, "queue_has_items")
    assert rows == [] and lines(product) == []
    assert not found.passed and found.severity is dg.AssetCheckSeverity.WARN
    assert "no two different answers to one prompt" in str(found.description)


@pytest.mark.slow  # Materializes five assets.
def test_answers_without_a_rival_are_asked_to_be_rated_and_leave_with_their_rating(
    product: Product, instance: dg.DagsterInstance
) -> None:
    product.log(*(row for row in answers(range(12)) if row["interaction_id"].startswith("good")))
    _, rows = queue(product, instance, batch=5)
    assert len(rows) == 5 and all(row["second_id"] is None for row in rows)
    (rated, *_), day = lines(product), later(1)
    product.log({**rated, "rating": 5}, log_format="feedback_table", day=day)
    product.log(interaction("later"), day=day)
    _, remaining = queue(product, instance, day, batch=5)
    assert len(remaining) == 5 and rated["interaction_id"] not in {row["first_id"] for row in remaining}


@pytest.mark.slow  # Materializes five assets.
def test_an_item_expires_with_the_window(product: Product, instance: dg.DagsterInstance) -> None:
    log_product(product, questions=20, compared=0)
    _, rows = queue(product, instance, batch=5)
    late = later(2)
    # The answers landed again later, so only the age of the items speaks against them.
    product.log(*answers(range(20), timestamp=f"{late}T10:00:00Z"), day=late)
    assert rate(product, instance, late, window_days=2).success
    home = HomeResource.from_settings(Settings(home=product.landing.parent, window_days=2))
    result = dg.materialize(
        [active_learning_queue], instance=instance, resources={"home": home}, partition_key=str(late)
    )
    assert metadata(result, "active_learning_queue")["expired"] + metadata(result, "active_learning_queue")["gone"] == 5
    assert {row["batch"] for row in product.rows(ACTIVE_LEARNING_QUEUE, late)} <= {late}
    assert rows


@pytest.mark.slow  # Materializes five assets.
def test_a_judge_that_contradicts_a_verifier_fills_the_lane_of_disagreements(
    product: Product, instance: dg.DagsterInstance
) -> None:
    judged = [
        {**row, "quality_scores": {"overall": 0.9 if row["interaction_id"].startswith("bad") else 0.1}}
        for row in answers(range(40))
    ]
    product.log(*judged)
    verified = [
        {
            "type": "feedback",
            "interaction_id": f"{name}-{n}",
            "reward": value,
            "source": "verifier",
            "timestamp": f"{DAY}T11:00:00Z",
        }
        for n in range(40)
        for name, value in (("good", 1.0), ("bad", 0.0))
    ]
    product.log(*verified, log_format="reward_log")
    _, rows = queue(product, instance, batch=20)
    asked = [row for row in rows if row["lane"] == "disagreement"]
    assert len(asked) >= 6 and {tuple(row["reasons"]) for row in asked} == {("judge_against_reward",)}


@pytest.mark.slow  # Materializes five assets, and erases.
def test_an_erased_person_is_in_neither_the_table_nor_the_file(
    product: Product, instance: dg.DagsterInstance, drawn: tuple[dg.ExecuteInProcessResult, list[Row]]
) -> None:
    _, rows = drawn
    erased, home = rows[0]["second_id"], HomeResource.from_settings(Settings(home=product.landing.parent))
    order = Erased(frozenset({erased}))
    report = erase_scope(home.paths, home.lake, order, scope_of(home.lake, order), USER_KEY)
    assert report.rows["active_learning_queue"] == {str(DAY): 1}
    assert report.queue_lines == {f"active_learning_queue/{DAY}/queue.jsonl": 1}
    kept = product.rows(ACTIVE_LEARNING_QUEUE, DAY)
    assert len(kept) == 49 and erased not in json.dumps(lines(product)) and len(lines(product)) == 49
    text = {"good": good, "bad": bad}[erased.split("-")[0]](int(erased.split("-")[1]))
    assert text not in json.dumps(lines(product))
    assert Path(product.landing).is_dir()
