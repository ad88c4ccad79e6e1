"""The SFT builder: one best answer a prompt, and an account of the others."""

from rl_assets.datasets.builders import Built, build_sft
from rl_assets.datasets.policies import SftPolicy
from rl_assets_tests.support.logs import Product, Row, about, interaction, judged, reward


def built(product: Product, *lines: Row, feedback: tuple[Row, ...] = (), **policy) -> tuple[Built, list[Row]]:
    return product.build_of(build_sft, SftPolicy(**policy), *lines, feedback=feedback)


def ids(rows: list[Row]) -> list[str]:
    return sorted(row["metadata"]["interaction_id"] for row in rows)


def test_a_row_is_the_conversation_with_its_answer_and_where_it_came_from(product: Product):
    _, rows = built(product, judged("a1", 0.9, system="Be brief.", segment="acme", category="orders", task="chat"))
    assert rows[0]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Where is my order?"},
        {"role": "assistant", "content": "It is on its way, says a1."},
    ]
    assert rows[0]["metadata"] == {
        "interaction_id": "a1",
        "prompt_key": rows[0]["prompt_key"],
        "cluster_key": rows[0]["prompt_key"],
        "segment": "acme",
        "category": "orders",
        "task": "chat",
        "log_format": "interaction_log",
        "source": "log",
        "agent": "desk",
        "reward": 0.9,
        "reward_source": "judge",
        "latency_ms": 250.0,
    }


def test_every_candidate_is_selected_or_dropped_for_one_reason(product: Product):
    account, rows = built(
        product,
        judged("best", 0.95),
        judged("second", 0.9),
        judged("low", 0.79),
        judged("failed", 1.0, error_occurred=True),
        judged("blank", 1.0, answer=" \n\t"),
        judged("silent", 1.0, answer=None),
        judged("unrated", None),
        judged("odd", 1.0, messages=[{"role": "user", "content": "A"}]),
    )
    assert ids(rows) == ["best"]
    assert account.dropped == {
        "not_the_best": 1,
        "low_reward": 1,
        "error": 1,
        "no_answer": 2,
        "no_reward": 1,
        "untrainable_prompt": 1,
    }
    assert account.candidates == 8 == account.selected + sum(account.dropped.values())


def test_the_least_reward_is_reached_up_to_rounding(product: Product):
    half_way = [
        about("mean", f"f{i}", "rating", rating=stars, user_id=f"u{i}") for i, stars in enumerate((3, 3, 5, 5, 5))
    ]
    lines = (judged("exact", 0.8, query="A"), judged("below", 0.7999, query="B"), interaction("mean", query="C"))
    _, rows = built(product, *lines, feedback=tuple(half_way), sure_from=6)
    assert ids(rows) == ["exact", "mean"]
    assert len(product.build(build_sft, SftPolicy(min_reward=0.81))[1]) == 0


def thumbs(interaction_id: str, up: int, down: int) -> list[Row]:
    """Thumbs of so many people, each another."""
    kinds = ["thumbs_up"] * up + ["thumbs_down"] * down
    return [about(interaction_id, f"{interaction_id}{i}", kind, user_id=f"user-{i}") for i, kind in enumerate(kinds)]


def test_of_five_raters_or_more_who_disagree_the_lower_bound_must_reach_the_minimum(product: Product):
    verdicts = {"a": (4, 0), "b": (4, 1), "c": (5, 0), "d": (6, 1), "e": (95, 5)}
    said = [row for name, counts in verdicts.items() for row in thumbs(name, *counts)]
    account, rows = built(product, *(interaction(name, query=name) for name in verdicts), feedback=tuple(said))
    assert ids(rows) == ["a", "c", "e"]
    assert account.dropped == {"uncertain_reward": 2}


def test_an_answer_that_many_like_is_chosen_before_one_with_a_single_lucky_thumb(product: Product):
    shown = [interaction(f"popular-{i}", query="A", answer="Press the key.") for i in range(40)]
    liked = [row for i in range(40) for row in thumbs(f"popular-{i}", up=i > 0, down=i == 0)]
    liked = [{**row, "user_id": f"user-{i}"} for i, row in enumerate(liked)]
    lucky = interaction("lucky", query="A", answer="Ask the supplier.")
    account, rows = built(product, *shown, lucky, feedback=(*liked, *thumbs("lucky", 1, 0)))
    assert [row["messages"][-1]["content"] for row in rows] == ["Press the key."]
    assert rows[0]["metadata"]["reward"] == 0.975
    assert account.dropped == {"pooled": 39, "not_the_best": 1}


def test_synthetic_rewards_are_counted_and_used_only_if_asked_for(product: Product):
    product.log(reward("a1", 1.0, source="synthetic"), log_format="reward_log")
    account, rows = built(product, interaction("a1"))
    assert (rows, account.dropped) == ([], {"synthetic_not_asked_for": 1})
    assert ids(product.build(build_sft, SftPolicy(sources=["human", "synthetic"]))[1]) == ["a1"]


def test_a_prompt_gives_one_row_of_equal_rewards_the_shorter_then_the_newer_then_the_first_id(product: Product):
    newer = "2026-10-01T11:00:00Z"
    _, rows = built(
        product,
        judged("long", 0.9, query="A", answer="a long answer"),
        judged("short", 0.9, query="A", answer="short"),
        judged("old", 0.9, query="B", answer="same!"),
        judged("new", 0.9, query="B", answer="other", timestamp=newer),
        judged("z", 0.9, query="C", answer="same!"),
        judged("y", 0.9, query="C", answer="other"),
        judged("lower case", 0.9, query="Hello there"),
        judged("upper case", 0.95, query="HELLO  there?!"),
        *(judged(f"context {context}", 0.9, query="D", context=context) for context in "AB"),
        judged("task", 0.9, query="D", task="t"),
    )
    assert ids(rows) == ["context A", "context B", "new", "short", "task", "upper case", "y"]
    (raw,) = [row for row in rows if row["metadata"]["interaction_id"] == "upper case"]
    assert raw["messages"][0]["content"] == "HELLO  there?!"


def test_a_correction_outranks_every_logged_answer_unless_it_is_empty_or_of_an_unknown_answer(product: Product):
    mended = {"preferred_output": "As it should be."}
    account, rows = built(
        product,
        judged("a1", 0.1, query="Outranked"),
        judged("a2", 1.0, query="Outranked"),
        interaction("b1", query="Failed", error_occurred=True, answer=None),
        judged("c1", 0.9, query="Empty"),
        feedback=(
            about("a1", "f1", "correction", **mended),
            about("b1", "f2", "correction", **mended),
            about("c1", "f3", "correction", preferred_output="  \n"),
            about("unknown", "f4", "correction", preferred_output="x"),
        ),
    )
    said = {row["metadata"]["interaction_id"]: (row["messages"][-1]["content"], row["metadata"]) for row in rows}
    assert {name: (text, found["agent"]) for name, (text, found) in said.items()} == {
        "a1": ("As it should be.", "human"),
        "b1": ("As it should be.", "human"),
        "c1": ("It is on its way, says c1.", "desk"),
    }
    assert (said["a1"][1]["reward_source"], said["a1"][1]["reward"]) == ("human", 1.0)
    # The failed answer and the empty correction have no text; of the unknown answer there is no candidate.
    assert account.candidates == 7
    assert account.dropped == {"low_reward": 1, "not_the_best": 1, "error": 1, "no_answer": 1}


def test_the_cap_takes_the_best_prompts(product: Product):
    lines = [judged(f"a{i}", 0.8 + i / 100, query=f"Q{i}") for i in range(10)]
    account, rows = built(product, *lines, judged("low", 0.1, query="Q9"), max_samples=3)
    assert ids(rows) == ["a7", "a8", "a9"]
    assert account.dropped == {"low_reward": 1, "over_max_samples": 7}


def test_without_answers_there_are_no_rows(product: Product):
    account, rows = built(product)
    assert (account, rows) == (Built(candidates=0, selected=0, dropped={}), [])


def test_presets_say_how_good_is_good_enough_and_a_number_says_it_better(product: Product):
    lines = [judged(f"a{i}", score, query=f"Q{i}") for i, score in enumerate((0.65, 0.7, 0.8, 0.9))]
    built(product, *lines)
    for policy, rows in (
        (SftPolicy(preset="conservative"), 1),
        (SftPolicy(), 2),
        (SftPolicy(preset="aggressive"), 3),
        (SftPolicy(preset="conservative", min_reward=0.6), 4),
    ):
        assert len(product.build(build_sft, policy)[1]) == rows
