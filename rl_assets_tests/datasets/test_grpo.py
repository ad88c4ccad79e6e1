"""The GRPO builder: groups of different answers to one prompt whose rewards differ."""

import pytest
from pydantic import ValidationError

from rl_assets.datasets.builders import Built, build_grpo
from rl_assets.datasets.policies import GrpoPolicy
from rl_assets_tests.support.logs import Product, Row, interaction, judged, reward


def built(product: Product, *lines: Row, **policy) -> tuple[Built, list[Row]]:
    account, rows = product.build_of(build_grpo, GrpoPolicy(**policy), *lines)
    assert account.selected == sum(len(row["responses"]) for row in rows)
    return account, rows


def group(*scores: float, query: str = "Q", **fields) -> list[Row]:
    return [judged(f"{query}-{i}", score, query=query, **fields) for i, score in enumerate(scores)]


def rewards(rows: list[Row]) -> list[list[float]]:
    return [[answer["reward"] for answer in row["responses"]] for row in rows]


def test_a_group_is_a_prompt_and_its_answers_from_best_to_worst(product: Product):
    lines = [judged("a", 0.2, agent_type="x"), judged("b", 0.8, agent_type="y", segment="acme")]
    _, rows = built(product, *lines)
    row = rows[0]
    assert row["prompt"] == [{"role": "user", "content": "Where is my order?"}]
    assert [(answer["interaction_id"], answer["reward"]) for answer in row["responses"]] == [("b", 0.8), ("a", 0.2)]
    assert row["responses"][0]["text"] == "It is on its way, says b."
    assert row["metadata"] == {
        "prompt_key": row["prompt_key"],
        "cluster_key": row["prompt_key"],
        "segment": "acme",
        "category": None,
        "task": None,
        "log_format": "interaction_log",
        "sd": pytest.approx(0.3),
        "scorer": "judge",
        "size": 2,
        "query_complexity": "simple",
        "agents": ["x", "y"],
    }


def test_of_many_answers_those_are_taken_that_lie_evenly_over_the_sorted_rewards(product: Product):
    places = {4: [0, 1, 2, 3], 5: [0, 1, 3, 4], 7: [0, 2, 4, 6], 10: [0, 3, 6, 9], 13: [0, 4, 8, 12]}
    lines = [line for count in places for line in group(*(1 - i / 20 for i in range(count)), query=f"{count}")]
    account, rows = built(product, *lines)
    taken = {int(row["prompt"][0]["content"]): rewards([row])[0] for row in rows}
    assert taken == {count: [pytest.approx(1 - place / 20) for place in found] for count, found in places.items()}
    assert account.dropped == {"over_group_size": sum(count - 4 for count in places)}


def test_the_best_and_the_worst_are_in_every_group_and_other_selections_take_the_best_or_any(product: Product):
    product.log(*group(*(i / 20 for i in range(20))))
    product.ingest()
    for size in (2, 3, 10):
        _, rows = product.build(build_grpo, GrpoPolicy(group_size=size))
        assert len(rewards(rows)[0]) == size
        assert (rewards(rows)[0][0], rewards(rows)[0][-1]) == (0.95, 0.0)
    assert rewards(product.build(build_grpo, GrpoPolicy(selection="top"))[1]) == [[0.95, 0.9, 0.85, 0.8]]
    chance = rewards(product.build(build_grpo, GrpoPolicy(selection="random"))[1])
    assert chance == rewards(product.build(build_grpo, GrpoPolicy(selection="random"))[1])
    assert chance[0] not in ([0.95, 0.9, 0.85, 0.8], [0.95, 0.65, 0.3, 0.0])


def test_every_answer_joins_a_group_or_has_its_reason(product: Product):
    account, rows = built(
        product,
        *group(0.9, 0.1, query="A"),
        judged("failed", 0.5, query="A", error_occurred=True),
        judged("blank", 0.5, query="A", answer="\n"),
        judged("unrated", None, query="A"),
        interaction("unjudged", query="A"),
        judged("again", 0.5, query="A", answer="It is on its way, says A-0. "),
        judged("odd", 0.5, messages=[{"role": "user", "content": "A"}]),
        *group(0.9, query="lonely"),
        *group(0.5, 0.55, 0.5, query="No signal"),
        *group(0.5, 0.6, query="A little signal"),
        *group(0.15, 0.0, query="All failed"),
        *group(0.2, 0.0, query="Nearly all failed"),
    )
    assert sorted(rewards(rows)) == [[0.2, 0.0], [0.6, 0.5], [0.7, 0.1]]
    assert account.dropped == {
        "error": 1,
        "no_answer": 1,
        "no_reward": 2,
        "pooled": 1,
        "untrainable_prompt": 1,
        "too_few_answers": 1,
        "no_signal": 3,
        "all_failed": 2,
    }
    measures = account.metrics
    assert (measures["groups"], measures["groups_without_signal"], measures["groups_all_failed"]) == (3, 1, 1)
    assert measures["mean_sd"] == pytest.approx((0.1 + 0.05 + 0.3) / 3, abs=0.001)


def test_a_group_is_of_one_prompt_and_one_reward_source_and_each_text_is_one_answer(product: Product):
    long = "word " * 50
    product.log(reward("Sources-2", 0.0), reward("Sources-3", 1.0), log_format="reward_log")
    _, rows = built(
        product,
        *group(0.3, 0.7, 0.5, query="Equal", answer="Same."),
        judged("b", 0.0, query="Equal"),
        *group(0.9, 0.1, 0.5, 0.5, query="Sources"),
        *group(0.9, 0.1, query="Contexts"),
        *(dict(line, interaction_id=f"c{i}", context="C") for i, line in enumerate(group(0.8, 0.2, query="Contexts"))),
        *group(1.0, 0.0, query=long),
        *group(1.0, 0.0, query="word " * 20),
    )
    found = [(row["prompt"][-1]["content"][:8], row["metadata"]["scorer"], rewards([row])[0]) for row in rows]
    assert sorted(one for one in found if not one[0].startswith("word")) == [
        ("Contexts", "judge", [0.8, 0.2]),
        ("Contexts", "judge", [0.9, 0.1]),
        ("Equal", "judge", [0.5, 0.0]),
        ("Sources", "human", [1.0, 0.0]),
        ("Sources", "judge", [0.9, 0.1]),
    ]
    words = [row["metadata"]["query_complexity"] for row in rows if row["prompt"][-1]["content"].startswith("word")]
    assert sorted(words) == ["complex", "moderate"]


def test_the_signal_is_measured_on_the_answers_that_are_taken(product: Product):
    account, rows = built(product, *group(1.0, *[0.5] * 20, 0.0), group_size=2)
    assert rewards(rows) == [[1.0, 0.0]]
    assert account.dropped == {"over_group_size": 20}


def test_the_least_group_size_is_kept(product: Product):
    account, rows = built(product, *group(0.9, 0.5, 0.1, query="A"), *group(0.9, 0.1, query="B"), min_group_size=3)
    assert rewards(rows) == [[0.9, 0.5, 0.1]]
    assert account.dropped == {"too_few_answers": 2}


def test_a_least_group_above_the_largest_is_refused():
    with pytest.raises(ValidationError, match=r"min_group_size \(5\) is above group_size \(4\)"):
        GrpoPolicy(min_group_size=5)
