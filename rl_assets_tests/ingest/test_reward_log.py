"""The format `reward_log`: questions and rewards in one file."""

from datetime import UTC, datetime

import pytest

from rl_assets.metrics.scales import Metric
from rl_assets.tables.records import FEEDBACK, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import Product, later, question, reward


def refused(product: Product, *lines) -> list[tuple[str, str | None]]:
    product.log(*lines, log_format="reward_log")
    product.ingest()
    rows = sorted(product.rows(REJECTED_RECORDS), key=lambda row: row["source_line"])
    return [(row["reason"], row["detail"]) for row in rows]


def test_questions_become_answers_and_rewards_become_feedback(product: Product):
    product.log(question("q1"), reward("q1", 0.75, user_id="mary"), log_format="reward_log")
    ingested = product.ingest()
    assert (ingested.lines, ingested.rows) == (2, 2)
    answer, act = product.rows(INTERACTIONS)[0], product.rows(FEEDBACK)[0]
    assert answer["prompt"] == [{"role": "user", "content": "How much is 3 times 7?"}]
    assert (answer["answer"], answer["agent"], answer["category"], answer["top_k"]) == (
        "It is 21.",
        "solver",
        "maths",
        3,
    )
    assert (act["interaction_id"], act["kind"], act["value"], act["source"]) == ("q1", "reward", 0.75, "human")
    assert act["dimension"] == "overall"
    assert len(act["rater"]) == 64


def test_a_question_keeps_the_probability_with_which_its_agent_was_chosen(product: Product):
    product.log(question("q1", propensity=0.25), question("q2"), log_format="reward_log")
    product.log(question("q3", propensity=0), log_format="reward_log", name="part-1.jsonl")
    assert product.ingest().rejects == {"out_of_range": 1}
    assert {row["interaction_id"]: row["propensity"] for row in product.rows(INTERACTIONS)} == {"q1": 0.25, "q2": None}


def test_a_question_may_have_what_a_router_said_of_its_draw(product):
    drawn = {
        "propensity": 0.25,
        "arms": {"table_rag": 0.75, "graph_rag@v2": 0.25},
        "assigned_arm": "graph_rag@v2",
        "adapter": "v2",
        "policy_version": "0f3a5c779e21",
        "session_id": "s-1",
        "drawn": True,
    }
    product.log(question("q1", **drawn), question("q2", drawn=False), log_format="reward_log")
    product.log(question("q3", arms={"a": 0.5}), reward("q1"), log_format="reward_log", name="part-1.jsonl")
    assert product.ingest().rejects == {"out_of_range": 1}
    first, second = sorted(product.rows(INTERACTIONS), key=lambda row: row["interaction_id"])
    assert {name: first[name] for name in drawn} == {**drawn, "arms": '{"graph_rag@v2":0.25,"table_rag":0.75}'}
    assert second["drawn"] is False


def test_a_question_without_an_answer_is_kept(product: Product):
    product.log(question(answer=None), log_format="reward_log")
    assert product.ingest().rows == 1
    assert product.rows(INTERACTIONS)[0]["answer"] is None


def test_a_row_without_a_time_counts_from_the_start_of_its_log_day(product: Product):
    product.log(question(), reward(timestamp=None), log_format="reward_log", day=later(3))
    assert product.ingest(later(3)).outside_day == 0
    midnight = datetime(2026, 10, 4, tzinfo=UTC)
    assert product.rows(INTERACTIONS)[0]["answered_at"] == midnight
    assert product.rows(FEEDBACK)[0]["given_at"] == midnight


def test_the_same_reward_said_twice_is_a_duplicate_and_another_value_is_not(product: Product):
    product.log(reward("q1", 1), reward("q1", 1.0), reward("q1", 0.5), log_format="reward_log")
    ingested = product.ingest()
    assert (ingested.rows, ingested.duplicates, ingested.rejects) == (2, 1, {})


@pytest.mark.parametrize("source", ["human", "verifier", "judge", "synthetic"])
def test_a_reward_keeps_its_source(product: Product, source):
    product.log(reward(source=source, dimension="brand"), log_format="reward_log")
    product.ingest()
    act = product.rows(FEEDBACK)[0]
    assert (act["source"], act["dimension"]) == (source, "brand")


def test_rewards_at_the_ends_of_their_range_are_taken(product: Product):
    product.log(reward("a", 0), reward("b", "1.0"), log_format="reward_log")
    product.ingest()
    assert sorted(row["value"] for row in product.rows(FEEDBACK)) == [0.0, 1.0]


def test_every_fault_of_a_reward_is_told(product: Product):
    assert refused(
        product,
        reward(type="remark"),
        reward(type=1),
        reward(None),
        reward(timestamp="x"),
        reward(value=None),
        reward(value="good"),
        reward(value=True),
        reward(value=1.5),
        reward(value=-0.1),
        reward(dimension=1),
        reward(user_id=[]),
        reward(source="robot"),
    ) == [
        ("unknown_kind", "type 'remark' is none of feedback, retraction"),
        ("unknown_kind", "type is none of feedback, retraction"),
        ("missing_field", "interaction_id"),
        ("bad_timestamp", "timestamp = 'x'"),
        ("missing_field", "reward"),
        ("wrong_type", "reward"),
        ("wrong_type", "reward"),
        ("out_of_range", "overall = 1.5 is not between 0 and 1"),
        ("out_of_range", "overall = -0.1 is not between 0 and 1"),
        ("wrong_type", "dimension"),
        ("wrong_type", "user_id"),
        ("unknown_kind", "source 'robot' is none of human, verifier, judge, synthetic"),
    ]


def test_every_fault_of_a_question_is_told(product: Product):
    faults = {"category": 1, "top_k": "many", "answer": 1, "context": [], "segment": 1, "task": False}
    assert refused(
        product,
        question(question=None),
        question(agent=None),
        question(top_k=-1),
        *(question(**{name: value}) for name, value in faults.items()),
    ) == [
        ("missing_field", "question"),
        ("missing_field", "agent"),
        ("out_of_range", "top_k is not between 0 and 1000000000"),
        *(("wrong_type", name) for name in faults),
    ]


def test_a_reward_of_another_range_is_brought_to_one_and_kept_as_it_was_said(product: Product):
    metrics = {"overall": Metric(worst=-1, best=1), "stars": Metric(worst=1, best=5, dimension="accuracy")}
    product.log(
        reward("q1", -0.5),
        reward("q2", 3, dimension="stars"),
        reward("q3", 0.25, dimension="brand"),
        reward("q4", -1.5),
        reward("q5", 6, dimension="stars"),
        log_format="reward_log",
    )
    assert product.ingest(metrics=metrics).rejects == {"out_of_range": 2}
    found = {
        row["interaction_id"]: (row["value"], row["raw_value"], row["dimension"]) for row in product.rows(FEEDBACK)
    }
    assert found == {"q1": (0.25, -0.5, "overall"), "q2": (0.5, 3.0, "accuracy"), "q3": (0.25, None, "brand")}
