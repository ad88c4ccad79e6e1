"""Rewards, routing and what the router learned, over REST."""

from collections import Counter
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from rl_assets.lake.delta import Lake
from rl_assets.routing.choices import arm_at, uniform
from rl_assets.routing.learned import LearnedShares, write_learned
from rl_assets.service.state import open_service
from rl_assets.serving.drawing import draw
from rl_assets.serving.routing import Arm, Routing, write_routing
from rl_assets.settings import Settings
from rl_assets_tests.support.logs import Product, interaction
from rl_assets_tests.support.rest_service import NOW, client_of, service_at


@pytest.fixture
def service(tmp_path: Path):
    return service_at(tmp_path)


@pytest.fixture
def client(service):
    with client_of(service) as opened:
        yield opened


def test_a_reward_is_kept_once_per_feedback_id(client, service):
    body = {"interaction_id": "i-1", "reward": 0.5, "feedback_id": "f-1", "user_id": "mary", "comment": "Fine."}
    first, again = client.post("/feedback", json=body), client.post("/feedback", json=body)
    assert (first.status_code, again.status_code) == (201, 200) and first.json() == again.json()
    assert "has landed yet" in first.json()["message"] and first.json()["reward"] == 0.5
    other = client.post("/feedback", json={**body, "reward": 1})
    assert (other.status_code, other.json()["field"]) == (409, "feedback_id")
    acts = [service.store.find_act(name) for name in ("f-1", "f-1-comment")]
    assert [(act.kind, act.value, act.comment, act.rater) for act in acts] == [
        ("reward", 0.5, None, "mary"),
        ("comment", None, "Fine.", "mary"),
    ]
    assert client.post("/feedback", json={"interaction_id": "i-1", "reward": 0}).json()["feedback_id"]


def test_a_comment_that_is_a_missing_value_of_a_table_makes_no_act(client, service):
    client.post("/feedback", json={"interaction_id": "i-1", "reward": 1, "feedback_id": "f-1", "comment": "None"})
    assert service.store.counts()["acts"] == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"reward": 1.2}, "reward"),
        ({"reward": "1"}, "reward"),
        ({"reward": -0.1}, "reward"),
        ({"reward": True}, "reward"),
        ({"reward": None}, "reward"),
        ({"interaction_id": None}, "interaction_id"),
        ({"interaction_id": " "}, "interaction_id"),
        ({"comment": 7}, "comment"),
        ({"comment": " "}, "comment"),
        ({"stars": 5}, "stars"),
    ],
)
def test_a_reward_that_is_none_is_refused_with_its_field(client, service, fields, field):
    reply = client.post("/feedback", json={"interaction_id": "i-1", "reward": 0.5, **fields})
    assert (reply.status_code, reply.json()["field"]) == (422, field)
    assert service.store.counts()["acts"] == 0


def test_nan_is_no_json_and_refused(client, service):
    content = b'{"interaction_id": "i-1", "reward": NaN}'
    reply = client.post("/feedback", content=content, headers={"content-type": "application/json"})
    assert reply.status_code == 422 and service.store.counts()["acts"] == 0


def routing() -> Routing:
    def arm(model: str, role: str) -> Arm:
        return Arm(
            agent="assistant", endpoint="local", urls=["http://127.0.0.1:1"], model=model, adapter=model, role=role
        )

    arms = {"assistant@a": arm("a", "champion"), "assistant@b": arm("b", "canary"), "assistant@c": arm("c", "previous")}
    shares = {"*": {"assistant@a": 0.75, "assistant@b": 0.25}, "maths": {"assistant@b": 1.0}}
    return Routing(version=1, salt="a salt of tests", written_at="now", arms=arms, shares={"product": shares})


def test_an_arm_is_drawn_as_the_gateway_draws_it(client, tmp_path: Path):
    write_routing(Settings(home=tmp_path).paths, routing())
    drawn = [client.post("/rl/route", json={"session_id": f"s-{i}"}).json() for i in range(40)]
    expected = [draw(routing(), f"s-{i}") for i in range(40)]
    assert [(reply["arm"], reply["propensity"]) for reply in drawn] == [
        (each.arm, each.propensity) for each in expected
    ]
    assert {reply["arm"] for reply in drawn} == {"assistant@a", "assistant@b"}
    assert {reply["policy_version"] for reply in drawn} == {routing().policy_version}
    assert (
        drawn[0]["arms"] == {"assistant@a": 0.75, "assistant@b": 0.25} and len({r["decision_id"] for r in drawn}) == 40
    )
    maths = client.post("/rl/route", json={"category": "maths"}).json()
    assert (maths["agent"], maths["adapter"], maths["propensity"]) == ("assistant", "b", 1.0)


def test_of_some_arms_one_is_drawn_with_their_shares_scaled(client, tmp_path: Path):
    write_routing(Settings(home=tmp_path).paths, routing())
    reply = client.post("/rl/route", json={"arms": ["assistant@b", "assistant@c"]}).json()
    assert (reply["arm"], reply["arms"]) == ("assistant@b", {"assistant@b": 1.0, "assistant@c": 0.0})
    assert reply["policy_version"] != routing().policy_version


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"arms": ["assistant@x"]}, "arms"),
        ({"arms": ["assistant@c"]}, "arms"),
        ({"category": "poems"}, "category"),
        ({"segment": "acme"}, "segment"),
        ({"question": ""}, "question"),
        ({"prompt": "Why?"}, "prompt"),
    ],
)
def test_an_unknown_arm_or_category_is_refused_and_the_known_are_named(client, tmp_path: Path, body, field):
    write_routing(Settings(home=tmp_path).paths, routing())
    reply = client.post("/rl/route", json=body)
    assert (reply.status_code, reply.json()["field"]) == (422, field)
    assert field != "category" or "maths" in reply.json()["detail"]


def test_a_question_is_drawn_by_the_category_of_its_words_unless_one_is_given(client, tmp_path: Path):
    shares = {**routing().shares["product"], "analytical": {"assistant@c": 1.0}}
    write_routing(Settings(home=tmp_path).paths, routing().model_copy(update={"shares": {"product": shares}}))
    asked = client.post("/rl/route", json={"question": "Why is the valve of block 7 so loud?"}).json()
    assert (asked["arm"], asked["category"], asked["propensity"]) == ("assistant@c", "analytical", 1.0)
    given = client.post("/rl/route", json={"question": "Why is it loud?", "category": "maths"}).json()
    assert (given["arm"], given["category"]) == ("assistant@b", "maths")
    # Of a category that the rules give, but nothing was learned of, arms are drawn as of every other one.
    other = client.post("/rl/route", json={"question": "In which year was the mill of Ostheim finished?"}).json()
    assert (other["category"], other["arms"]) == ("factual", {"assistant@a": 0.75, "assistant@b": 0.25})
    assert client.post("/rl/route", json={"category": "factual"}).json()["arms"] == other["arms"]


def test_while_nothing_is_routed_arms_are_drawn_by_what_was_learned_of_the_products_own_agents(client, tmp_path: Path):
    shares = {"product": {"*": {"table_rag": 0.3, "graph_rag@v2": 0.5, "assistant@base": 0.2}}}
    learned = LearnedShares(day="2026-10-01", salt="a salt of tests", shares=shares)
    write_learned(Settings(home=tmp_path).paths, learned)
    replies = [client.post("/rl/route", json={"session_id": f"s-{i}"}).json() for i in range(40)]
    numbers = [uniform(learned.salt, learned.policy_version, f"s-{i}") for i in range(40)]
    assert [reply["arm"] for reply in replies] == [arm_at(shares["product"]["*"], number) for number in numbers]
    assert {(reply["agent"], reply["adapter"], reply["propensity"]) for reply in replies} == {
        ("table_rag", None, 0.3),
        ("graph_rag", "v2", 0.5),
        ("assistant", None, 0.2),
    }
    assert replies[0]["policy_version"] == learned.policy_version and "as of 2026-10-01" in replies[0]["message"]
    reply = client.post("/rl/route", json={"arms": ["vector_rag"]})
    assert reply.status_code == 422 and "table_rag" in reply.json()["detail"]


def test_categories_of_the_router_file_may_be_named_before_anything_is_learned_of_them(tmp_path: Path):
    router = tmp_path / "router.yaml"
    router.write_text("categories: [poems]\n", encoding="utf-8")
    with client_of(service_at(tmp_path, router=router)) as opened:
        assert opened.post("/rl/route", json={"category": "poems"}).json()["propensity"] == 1.0
        refused = opened.post("/rl/route", json={"category": "songs"})
    assert refused.status_code == 422 and "poems" in refused.json()["detail"]


def test_a_new_policy_is_drawn_from_at_once(client, tmp_path: Path):
    paths = Settings(home=tmp_path).paths
    write_routing(paths, routing())
    first = client.post("/rl/route", json={}).json()["policy_version"]
    write_routing(paths, routing().model_copy(update={"shares": {"product": {"*": {"assistant@a": 1.0}}}}))
    second = client.post("/rl/route", json={}).json()
    assert second["policy_version"] != first and second["arms"] == {"assistant@a": 1.0}


def test_a_damaged_file_keeps_what_it_said_last_and_is_named_if_it_never_said_anything(client, tmp_path: Path):
    paths = Settings(home=tmp_path).paths
    paths.serving.mkdir()
    paths.routing.write_text("{", encoding="utf-8")
    refused = client.post("/rl/route", json={})
    assert refused.status_code == 503 and "routing.json" in refused.json()["detail"]
    write_routing(paths, routing())
    assert client.post("/rl/route", json={}).status_code == 200
    paths.routing.write_text("{", encoding="utf-8")
    assert client.post("/rl/route", json={}).json()["policy_version"] == routing().policy_version


@pytest.mark.slow
def test_200_draws_fit_the_shares_that_the_reply_states(tmp_path: Path):
    from scipy.stats import chisquare

    settings = Settings(home=tmp_path, _env_file=None)
    write_routing(settings.paths, routing())
    ticks = count()
    with client_of(open_service(settings, lambda: NOW + timedelta(seconds=next(ticks)))) as client:
        bodies = [{"question": "Where is it?", "session_id": f"s{number}"} for number in range(200)]
        replies = [client.post("/rl/route", json=body).json() for body in bodies]
    stated = replies[0]["arms"]
    counts = Counter(reply["arm"] for reply in replies)
    assert chisquare([counts[arm] for arm in stated], [200 * share for share in stated.values()]).pvalue > 0.01
    assert all(reply["propensity"] == reply["arms"][reply["arm"]] for reply in replies)


def test_a_key_of_a_brand_routes_that_brand_alone(service, tmp_path: Path):
    shares = {**routing().shares, "bolt": {"*": {"assistant@c": 1.0}}}
    write_routing(Settings(home=tmp_path).paths, routing().model_copy(update={"shares": shares}))
    for brand, arms in (("acme", {"assistant@a", "assistant@b"}), ("bolt", {"assistant@c"})):
        with client_of(service, service.store.add_key(brand, ["read"], brand)) as own:
            for body in ({}, {"segment": brand}):
                assert own.post("/rl/route", json=body).json()["arms"].keys() == arms
            assert own.post("/rl/route", json={"segment": "other"}).status_code == 404


def test_a_key_of_a_brand_gives_no_feedback_on_another_brands_answer(service, client, home: Path):
    product = Product(home / "landing", Lake(service.settings.paths.lake_url))
    product.log(interaction("landed", segment="bolt"), interaction("of-nobody"))
    product.ingest()
    logged = interaction("logged", segment="bolt") | {"timestamp": "2026-11-29T10:00:00Z"}
    assert client.post("/api/v1/training/interactions", json=logged).status_code == 201
    keys = {brand: service.store.add_key(str(brand), ["log"], brand) for brand in ("acme", "bolt", None)}
    statuses = {}
    for brand, key in keys.items():
        with client_of(service, key) as own:
            names = ("landed", "logged", "of-nobody", "not-landed-yet")
            replies = [own.post("/feedback", json={"interaction_id": name, "reward": 1}) for name in names]
        statuses[brand] = [reply.status_code for reply in replies]
        assert all(reply.json()["field"] == "interaction_id" for reply in replies if reply.status_code == 404)
    assert statuses == {"acme": [404, 404, 404, 201], "bolt": [201, 201, 404, 201], None: [201] * 4}
    assert service.store.counts()["acts"] == 8


def test_without_a_routing_the_base_answers_and_the_reply_says_so(client):
    reply = client.post("/rl/route", json={}).json()
    assert (reply["arm"], reply["adapter"], reply["propensity"]) == ("assistant@base", None, 1.0)
    assert reply["policy_version"] is None and "served_champion" in reply["message"]


def test_without_a_bandit_state_the_command_is_named(client):
    for path in ("/rl/stats", "/rl/leaderboard"):
        reply = client.get(path)
        assert reply.status_code == 503 and "dg launch --assets bandit_state" in reply.json()["detail"]


def test_the_leaderboard_compares_arms_at_one_mix_of_categories(client, tmp_path: Path):
    names = ("category", "arm", "answers", "rewarded", "mean", "low", "high", "share")
    values = [
        ("facts", "good", 10, 5, 0.9, 0.6, 1.0, 0.8),
        ("facts", "bad", 30, 5, 0.5, 0.3, 0.7, 0.2),
        ("poems", "good", 55, 9, 0.6, 0.5, 0.7, 0.6),
        ("poems", "bad", 5, 1, 0.7, 0.1, 1.0, 0.4),
    ]
    rows = [{"day": date(2026, 10, 1), "segment": None, **dict(zip(names, row, strict=True))} for row in values]
    write_deltalake(tmp_path / "lake" / "bandit_state", pa.Table.from_pylist(rows), partition_by=["day"])
    stats = client.get("/rl/stats").json()
    assert stats["as_of"] == "2026-10-01" and len(stats["arms"]) == 4 and stats["waiting"] == 0
    board = client.get("/rl/leaderboard").json()["leaderboard"]
    assert [(entry["arm"], entry["categories_won"], entry["answers"]) for entry in board] == [
        ("good", 1, 65),
        ("bad", 1, 35),
    ]
    assert [entry["mean"] for entry in board] == [pytest.approx(0.72), pytest.approx(0.62)]
