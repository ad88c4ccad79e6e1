"""Rewards count in `/rl/stats` and `/rl/leaderboard` once they are kept, and are marked until they are learned."""

from collections import defaultdict
from pathlib import Path

import pytest

from rl_assets.datasets.ratings import Window
from rl_assets.models.served_names import BASE
from rl_assets.routing.config import RouterFile
from rl_assets.routing.state import count_answers, learn, state_rows
from rl_assets.service.landing import land
from rl_assets.tables.bandit_state import BANDIT_STATE
from rl_assets_tests.support.logs import Product, Row, about, interaction, later
from rl_assets_tests.support.rest_service import TRAINING, client_of, service_at

# Two days are landed, rated and learned.
pytestmark = pytest.mark.slow
LOGGED, NEXT = later(1), later(2)  # The service's clock stands on the day after the logged one.
GOOD, BAD = "desk@ad-1", "desk@base"
QUESTIONS = {"analytical": "Why is the valve of block 7 so loud?", "factual": "In which year was the mill finished?"}


def logged() -> list[Row]:
    """Two arms in two categories, one of them by the words of the question, with ids `<category>-<arm>-<number>`."""
    return [
        interaction(
            f"{category}-{arm}-{number}",
            timestamp=f"{LOGGED}T10:00:0{number}Z",
            query=query,
            answer=f"{arm} says {number} on {category}.",
            adapter=None if arm == BAD else "ad-1",
            assigned_arm=arm,
            category="factual" if category == "factual" else None,
            drawn=number != 3,
        )
        for category, query in QUESTIONS.items()
        for arm in (GOOD, BAD)
        for number in range(4)
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A state as of the logged day, which holds one reward: of the answer factual-desk@ad-1-0."""
    folder = tmp_path_factory.mktemp("waiting")
    product = Product.at(folder)
    product.log(*logged(), day=LOGGED)
    liked = about(f"factual-{GOOD}-0", "f-0", created_at=f"{LOGGED}T12:00:00Z")
    product.log(liked, log_format="feedback_table", day=LOGGED)
    build(product, LOGGED)
    return folder


def build(product: Product, day) -> None:
    """The state of a day, from the landing files on."""
    product.ingest(day)
    product.rated(day)
    router = RouterFile()
    state = learn(str(day), count_answers(product.lake, Window(day, None), router), router)
    product.lake.publish(BANDIT_STATE, str(day), state_rows(state).to_reader())


def sums(rows: list[Row]) -> dict[tuple[str, str], tuple[int, float]]:
    return {
        (row["category"], row["arm"]): (row["waiting"], row["waiting_reward_sum"]) for row in rows if row["waiting"]
    }


def test_rewards_count_at_once_and_once_and_then_in_the_state_of_the_day_on_which_they_landed(home):
    service = service_at(home)
    given = [
        *((f"analytical-{GOOD}-{number}", 1.0, None) for number in range(3)),
        (f"analytical-{BAD}-0", 0.25, "mary"),
        (f"analytical-{BAD}-0", 0.75, "tom"),
        (f"factual-{BAD}-1", 0.5, "mary"),
        (f"factual-{GOOD}-0", 0.0, "mary"),  # changes her mind: the state has her thumb
        (f"factual-{GOOD}-3", 1.0, "mary"),  # its arm was named by the caller
        ("nobody-knows", 1.0, "mary"),
        ("own-1", 0.5, None),
    ]
    with client_of(service) as client:
        own = {"interaction_id": "own-1", "timestamp": f"{NEXT}T08:00:00Z", "query": QUESTIONS["factual"]}
        own |= {"answer": "In 1854.", "agent_type": "desk", "adapter": BASE, "propensity": 0.5}
        assert client.post(f"{TRAINING}/interactions", json=own).status_code == 201
        before = client.get("/rl/stats").json()
        assert (before["as_of"], before["waiting"], sums(before["arms"])) == (str(LOGGED), 0, {})
        for number, (answer, value, rater) in enumerate(given):
            body = {"interaction_id": answer, "reward": value, "user_id": rater, "feedback_id": f"r-{number}"}
            for _ in range(2):  # Sent again, it is the same feedback.
                assert client.post("/feedback", json=body).status_code in (200, 201)
        changed = {"interaction_id": f"factual-{BAD}-1", "reward": 1.0, "user_id": "mary", "feedback_id": "r-new"}
        client.post("/feedback", json=changed)

        # The GROUP BY, written apart: the mean over raters of their latest value, over answers.
        values: dict[str, dict[str, float]] = defaultdict(dict)
        for number, (answer, value, rater) in enumerate([*given, (f"factual-{BAD}-1", 1.0, "mary")]):
            values[answer][rater or str(number)] = value
        expected: dict[tuple[str, str], tuple[int, float]] = {}
        for answer, by_rater in values.items():
            if answer in (f"factual-{GOOD}-0", f"factual-{GOOD}-3", "nobody-knows"):
                continue
            category, arm = ("factual", BAD) if answer == "own-1" else answer.rsplit("-", 1)[0].split("-", 1)
            count, total = expected.get((category, arm), (0, 0.0))
            expected[category, arm] = count + 1, total + sum(by_rater.values()) / len(by_rater)
        stats = client.get("/rl/stats").json()
        assert sums(stats["arms"]) == expected and (stats["orphans"], stats["waiting"]) == (1, 10)
        assert [row["waiting_changed"] for row in stats["arms"] if row["waiting_changed"]] == [1]
        board = {entry["arm"]: entry for entry in client.get("/rl/leaderboard").json()["leaderboard"]}
        assert {arm: board[arm]["waiting"] for arm in board} == {GOOD: 3, BAD: 3}
        learned = {name: before["arms"][0][name] for name in ("share", "mean", "rewarded")}
        assert {name: stats["arms"][0][name] for name in learned} == learned, "shares change with a new state only"

        land(service.store, service.home)
        assert sums(client.get("/rl/stats").json()["arms"]) == expected, "landed, and in no state yet"
        build(Product.at(home), NEXT)
        after = client.get("/rl/stats").json()
        assert (after["as_of"], after["waiting"], after["orphans"]) == (str(NEXT), 0, 0)
    state = {(row["category"], row["arm"]): (row["rewarded"], row["reward_sum"]) for row in after["arms"]}
    assert state == {**expected, ("factual", GOOD): (1, 0.0)}


def test_a_brand_sees_what_waits_for_its_own_answers(home):
    service = service_at(home)
    with client_of(service) as client:
        client.post("/feedback", json={"interaction_id": f"factual-{GOOD}-1", "reward": 1})
    with client_of(service, service.store.add_key("acme", ["read"], "acme")) as own:
        reply = own.get("/rl/stats").json()
    assert (reply["arms"], reply["waiting"], reply["orphans"]) == ([], 0, 0)
