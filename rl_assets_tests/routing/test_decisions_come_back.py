"""Decisions of both doors come back as evidence: logged with what was drawn from, rated, landed and learned."""

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from statistics import mean, stdev

import httpx2
import pytest
from starlette.responses import Response

from rl_assets.core.home import Home
from rl_assets.datasets.ratings import Window
from rl_assets.routing.config import RouterFile
from rl_assets.routing.learned import LearnedShares, write_learned
from rl_assets.routing.state import State, count_answers, learn, shares_to_draw_by
from rl_assets.service.landing import land
from rl_assets.service.state import open_service
from rl_assets.settings import Settings
from rl_assets_tests.support.gateways import BASE_ARM, CHAMPION_ARM, arm, gateway, routing
from rl_assets_tests.support.logs import Product, later
from rl_assets_tests.support.model_server import completion, model_server
from rl_assets_tests.support.rest_service import NOW, TRAINING, client_of

pytestmark = pytest.mark.slow
DECISIONS = 1_000
QUESTIONS = {"analytical": "Why is the valve of block {} so loud?", "factual": "In which year was mill {} finished?"}
SHARES = {"table_rag": 0.55, "graph_rag@v2": 0.3, "lookup": 0.15}
REWARDS = {"table_rag": 0.6, "graph_rag@v2": 0.7, "lookup": 0.4}


def learned_as_of(product: Product, day) -> State:
    """The state of a day, from its landing files on."""
    assert product.ingest(day).rejects == {}
    product.rated(day)
    return learn(str(day), count_answers(product.lake, Window(day, 30), RouterFile()), RouterFile())


def test_1000_routed_decisions_fit_the_policy_that_is_learned_of_them(tmp_path: Path):
    settings, ticks, random = Settings(home=tmp_path, _env_file=None), count(), Random(3)
    first = LearnedShares(day=str(later(1)), salt="a salt of tests", shares={"product": {"*": SHARES}})
    write_learned(settings.paths, first)
    service = open_service(settings, lambda: NOW + timedelta(seconds=next(ticks)))
    with client_of(service) as client:
        answers = []
        for number in range(DECISIONS):
            question = random.choice([*QUESTIONS.values()]).format(number % 20)
            route = client.post("/rl/route", json={"question": question, "session_id": f"s-{number}"}).json()
            fields = ("category", "propensity", "arms", "policy_version", "adapter")
            drawn = {name: route[name] for name in fields if route[name] is not None}
            names = {"interaction_id": route["decision_id"], "assigned_arm": route["arm"], "agent_type": route["agent"]}
            texts = {"query": question, "answer": f"{route['agent']} says {number % 9}."}
            answers.append({**texts, **names, **drawn, "timestamp": NOW.isoformat(), "session_id": f"s-{number}"})
        assert client.post(f"{TRAINING}/interactions", json=answers).json()["new"] == DECISIONS
        for answer in answers[:300]:
            reward = float(random.random() < REWARDS[answer["assigned_arm"]])
            body = {"interaction_id": answer["interaction_id"], "reward": reward}
            assert client.post("/feedback", json=body).status_code == 201
    land(service.store, service.home)
    product = Product.at(tmp_path)
    state = learned_as_of(product, later(2))
    assert sum(cell.answers.sum() for cell in state.cells) == DECISIONS
    assert sum(cell.rewarded.sum() for cell in state.cells) == 300
    shares = shares_to_draw_by(state, RouterFile(), first.salt).shares["product"]
    assert set(QUESTIONS) < set(shares)
    weights = [
        shares[row["category"]][row["assigned_arm"]] / row["propensity"] for row in product.rated(later(2)).values()
    ]
    assert len(weights) == DECISIONS
    assert abs(mean(weights) - 1) <= 3 * stdev(weights) / DECISIONS**0.5


def test_the_reward_of_an_answer_after_a_fallback_is_that_of_the_arm_that_was_drawn(tmp_path: Path):
    home = Home(tmp_path)
    with model_server(lambda asked: completion(f"{asked.body['model']} answers.")) as model, gateway(home) as started:
        model.answer = lambda asked: (
            completion("The base answers.") if asked.body["model"] == "base" else Response("{}", status_code=500)
        )
        arms = {CHAMPION_ARM: arm(model.url, fallback=[BASE_ARM]), BASE_ARM: arm(model.url, "base", None)}
        started.route(routing(arms, {CHAMPION_ARM: 1.0}))
        started.state.routing.look()
        reply = started.ask()
        assert reply.headers["x-arm"] == BASE_ARM and reply.status_code == 200
        name = reply.headers["x-interaction-id"]
        httpx2.post(f"{started.url}/feedback", json={"interaction_id": name, "thumbs": "down", "user_id": "mary"})
        started.lines()
    state = learned_as_of(Product.at(tmp_path), datetime.now(UTC).date())
    (cell,) = state.cells
    assert dict(zip(cell.arms, cell.rewarded.tolist(), strict=True)) == {CHAMPION_ARM: 1}
    assert cell.reward_sum.tolist() == [0.0] and cell.category == "factual"
