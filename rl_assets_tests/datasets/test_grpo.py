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


def test_the_best_and_the_worst_are_in_every_group(product: Product):
    product.log(*group(*(i / 20 for i in range(20))))
    product.ingest()
    for size in (2, 3, 10):
        _, rows = product.build(build_grpo, GrpoPolicy(group_size=size))
        assert len(rewards(rows)[0]) == size
        assert (rewards(rows)[0][0], rewards(rows)[0][-1]) == (0.95, 0.0)


def test_a_group_without_signal_is_dropped_and_counted(product: Product):
    account, rows = built(product, *group(0.5, 0.55, 0.5, query="A"), *group(0.5, 0.6, query="B"))
    assert rewards(rows) == [[0.6, 0.5]]
    assert account.dropped == {"no_signal": 3}


def test_the_signal_is_measured_on_the_answers_that_are_taken(product: Product):
    account, rows = built(product, *group(1.0, *[0.5] * 20, 0.0), group_size=2)
    assert rewards(rows) == [[1.0, 0.0]]
    assert account.dropped == {"over_group_size": 20}


def test_every_answer_that_joins_no_group_has_its_reason(product: Product):
    account, rows = built(
        product,
        *group(0.9, 0.1, query="A"),
        judged("failed", 0.5, query="A", error_occurred=True),
        judged("blank", 0.5, query="A", answer="\n"),
        judged("unrated", None, query="A"),
        judged("again", 0.5, query="A", answer="It is on its way, says A-0. "),
        judged("odd", 0.5, messages=[{"role": "user", "content": "A"}]),
        *group(0.9, query="lonely"),
    )
    assert len(rows) == 1
    assert account.dropped == {
        "error": 1,
        "no_answer": 1,
        "no_reward": 1,
        "pooled": 1,
        "untrainable_prompt": 1,
        "too_few_answers": 1,
    }


def test_equal_texts_are_one_answer_with_the_mean_of_their_rewards(product: Product):
    _, rows = built(product, *group(0.3, 0.7, 0.5, query="A", answer="Same."), judged("b", 0.0, query="A"))
    assert rewards(rows) == [[0.5, 0.0]]


def test_groups_hold_one_reward_source_each(product: Product):
    product.log(reward("Q-2", 0.0), reward("Q-3", 1.0), log_format="reward_log")
    _, rows = built(product, *group(0.9, 0.1, 0.5, 0.5))
    assert sorted((row["metadata"]["scorer"], answers) for row, answers in zip(rows, rewards(rows), strict=True)) == [
        ("human", [1.0, 0.0]),
        ("judge", [0.9, 0.1]),
    ]


def test_one_question_in_two_contexts_gives_two_groups(product: Product):
    lines = [
        *group(0.9, 0.1),
        *(dict(line, interaction_id=f"c{i}", context="C") for i, line in enumerate(group(0.8, 0.2))),
    ]
    assert sorted(rewards(built(product, *lines)[1])) == [[0.8, 0.2], [0.9, 0.1]]


def test_the_least_group_size_is_kept(product: Product):
    account, rows = built(product, *group(0.9, 0.5, 0.1, query="A"), *group(0.9, 0.1, query="B"), min_group_size=3)
    assert rewards(rows) == [[0.9, 0.5, 0.1]]
    assert account.dropped == {"too_few_answers": 2}


def test_an_answer_that_nobody_judged_costs_a_group_nothing(product: Product):
    _, rows = built(product, *group(0.9, 0.1, query="A"), interaction("a", query="A"))
    assert rewards(rows) == [[0.9, 0.1]]


@pytest.mark.parametrize(("best", "taken"), [(0.15, 0), (0.2, 1)])
def test_a_group_that_failed_as_a_whole_gives_no_advantage(product: Product, best, taken):
    account, rows = built(product, *group(best, 0.0))
    assert len(rows) == taken
    assert account.dropped == ({} if taken else {"all_failed": 2})


def test_other_selections_take_the_best_or_any(product: Product):
    lines = group(*(i / 20 for i in range(20)))
    assert rewards(built(product, *lines, selection="top")[1]) == [[0.95, 0.9, 0.85, 0.8]]
    chance = rewards(product.build(build_grpo, GrpoPolicy(selection="random"))[1])
    assert chance == rewards(product.build(build_grpo, GrpoPolicy(selection="random"))[1])
    assert chance[0] not in ([0.95, 0.9, 0.85, 0.8], [0.95, 0.65, 0.3, 0.0])


def test_the_account_counts_groups_and_what_they_carry(product: Product):
    lines = [*group(1.0, 0.0, query="A"), *group(0.9, 0.9, query="B"), *group(0.1, 0.0, query="C")]
    assert built(product, *lines)[0].metrics == {
        "groups": 1,
        "mean_sd": 0.5,
        "groups_without_signal": 1,
        "groups_all_failed": 1,
    }


def test_a_least_group_above_the_largest_is_refused():
    with pytest.raises(ValidationError, match=r"min_group_size \(5\) is above group_size \(4\)"):
        GrpoPolicy(min_group_size=5)


def test_long_questions_are_called_complex(product: Product):
    long = "word " * 50
    _, rows = built(product, *group(1.0, 0.0, query=long), *group(1.0, 0.0, query="word " * 20))
    assert sorted(row["metadata"]["query_complexity"] for row in rows) == ["complex", "moderate"]
