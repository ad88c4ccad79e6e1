"""The DPO builder: which pairs are made, which never, and how many."""

import pytest

from rl_assets.datasets.builders import Built, build_pairs
from rl_assets.datasets.policies import DpoPolicy
from rl_assets_tests.support.logs import Product, Row, about, interaction, judged, reward

TEXTS = ["Blue is what you see.", "It went out at noon, sir.", "Nobody can say why not.", "We are closed on Monday!"]


def built(product: Product, *lines: Row, feedback: tuple[Row, ...] = (), **policy) -> tuple[Built, list[Row]]:
    account, rows = product.build_of(build_pairs, DpoPolicy(**policy), *lines, feedback=feedback)
    assert account.selected == len(rows)
    return account, rows


def answers(*scores: float | None, query: str = "Q", **fields) -> list[Row]:
    """Answers of one prompt with different texts of about one length: `a0`, `a1`, ..."""
    return [
        judged(f"{query}-{i}", score, query=query, **{"answer": TEXTS[i], **fields}) for i, score in enumerate(scores)
    ]


def pairs(rows: list[Row]) -> list[tuple[str, str]]:
    return sorted((row["metadata"]["chosen_id"], row["metadata"]["rejected_id"]) for row in rows)


def test_a_pair_is_a_prompt_two_answers_and_where_they_came_from(product: Product):
    _, rows = built(product, *answers(0.9, 0.1, segment="acme", category="c"))
    row = rows[0]
    assert row["prompt"] == [{"role": "user", "content": "Q"}]
    assert row["chosen"] == [{"role": "assistant", "content": TEXTS[0]}]
    assert row["rejected"] == [{"role": "assistant", "content": TEXTS[1]}]
    metadata = row["metadata"]
    assert (metadata["chosen_reward"], metadata["rejected_reward"], metadata["margin"]) == (0.9, 0.1, 0.8)
    assert (metadata["strategy"], metadata["reward_source"], metadata["same_agent"]) == ("all_margin", "judge", True)
    assert (metadata["segment"], metadata["category"], metadata["prompt_key"]) == ("acme", "c", row["prompt_key"])
    assert metadata["length_ratio"] == pytest.approx(len(TEXTS[1]) / len(TEXTS[0]))


def test_the_margin_is_reached_up_to_rounding(product: Product):
    scores = [(1.0, 0.8), (0.3, 0.1), (1.0, 0.81), (0.5, 0.5)]
    _, rows = built(product, *(line for pair in scores for line in answers(*pair, query=f"{pair}")))
    assert sorted(row["prompt"][0]["content"] for row in rows) == ["(0.3, 0.1)", "(1.0, 0.8)"]


def test_answers_are_never_paired_across_prompts_contexts_or_tasks_nor_unrated_or_blank(product: Product):
    turns = [{"role": "user", "content": "A"}, {"role": "assistant", "content": "B"}]
    account, _ = built(
        product,
        judged("a", 0.9, answer=TEXTS[0]),
        judged("b", 0.1, answer=TEXTS[1], context="C"),
        judged("c", 0.1, answer=TEXTS[2], task="t"),
        judged("d", 0.1, answer=TEXTS[3], query="Another?"),
        judged("e", 0.1, answer=TEXTS[1], system="S"),
        judged("f", 0.1, answer=TEXTS[2], messages=turns),
        *answers(0.9, None, query="Unrated?"),
        *answers(0.9, query="Blank?"),
        judged("b", 0.0, query="Blank?", answer=" \n"),
    )
    assert account.candidates == 0


def test_answers_are_never_paired_across_reward_sources(product: Product):
    product.log(reward("Q-1", 0.1), reward("Q-2", 0.9, source="verifier"), log_format="reward_log")
    account, rows = built(product, *answers(0.9, 0.5, 0.5, 0.1))
    assert pairs(rows) == [("Q-0", "Q-3")]
    assert account.candidates == 1


def test_identical_and_near_identical_texts_are_never_a_pair_and_have_successors(product: Product):
    text = "The parcel left our warehouse this morning and arrives tomorrow."
    near = [judged(f"n{i}", 0.1, query="Three", answer=text + "!" * (i + 1)) for i in range(2)]
    account, rows = built(
        product,
        judged("a", 0.9, answer=text, query="Equal"),
        judged("b", 0.1, answer=f" {text}\n", query="Equal"),
        judged("c", 0.9, answer=text, query="Near"),
        judged("d", 0.1, answer=text.replace("tomorrow", "tomorrow!"), query="Near"),
        judged("e", 0.9, query="Three", answer=text),
        *near,
        judged("f", 0.25, query="Three", answer=text[::-1]),
        judged("g", 0.9, query="Both sides", answer=text),
        judged("h", 0.5, query="Both sides", answer=text[::-1]),
        judged("i", 0.1, query="Both sides", answer=f"{text}!"),
    )
    assert pairs(rows) == [("e", "f"), ("g", "h"), ("h", "i")]
    assert account.dropped == {"near_identical": 1 + 2 + 1}
    asked = {row["metadata"]["chosen_id"]: row["prompt"][0]["content"] for row in rows}
    assert asked == {"e": "Three", "g": "Both sides", "h": "Both sides"}, "a rejected answer that is chosen next"


def test_a_text_is_paired_once_by_the_mean_of_its_rewards_and_neither_side_if_it_failed(product: Product):
    scores = (0.9, 0.4, 0.1, 0.2, 0.8)
    account, rows = built(
        product,
        *(judged(f"m{i}", score, query="Mean", answer=TEXTS[i % 2]) for i, score in enumerate(scores)),
        *answers(0.9, 0.1, query="Once"),
        judged("again", 0.8, query="Once", answer=TEXTS[0]),
        *answers(0.9, query="Failed best", error_occurred=True),
        judged("b", 0.1, query="Failed best", answer=TEXTS[1]),
        judged("c", 0.5, query="Failed best", answer=TEXTS[2]),
        *answers(0.9, 0.5, query="Failed worst"),
        judged("d", 0.1, query="Failed worst", answer=TEXTS[2], error_occurred=True),
    )
    found = {row["prompt"][0]["content"]: row for row in rows}
    mean = found.pop("Mean")
    assert (mean["chosen"][0]["content"], mean["rejected"][0]["content"]) == (TEXTS[0], TEXTS[1])
    assert (mean["metadata"]["chosen_reward"], mean["metadata"]["rejected_reward"]) == (0.6, 0.3)
    assert pairs(list(found.values())) == [("Failed worst-0", "Failed worst-1"), ("Once-0", "Once-1"), ("c", "b")]
    assert (len(rows), account.dropped) == (4, {})


def preferences(better: str, worse: str, people: int, first: int = 0, name: str = "Q-0") -> list[Row]:
    fields = {"preferred_output": better, "rejected_output": worse}
    return [
        about(name, f"{name}{better}{i}", "preference", user_id=f"user-{i}", **fields)
        for i in range(first, first + people)
    ]


def test_stated_preferences_of_two_texts_are_put_to_the_vote(product: Product):
    votes = {"A": (1, 0), "B": (3, 0), "C": (9, 2), "D": (1, 1), "E": (3, 2), "F": (2, 9)}
    said = [
        row
        for name, (agree, disagree) in votes.items()
        for row in preferences(TEXTS[0], TEXTS[1], agree, name=name)
        + preferences(TEXTS[1], TEXTS[0], disagree, first=agree, name=name)
    ]
    account, rows = built(product, *(interaction(name, query=name) for name in votes), feedback=tuple(said))
    chosen = {row["prompt"][0]["content"]: row["chosen"][0]["content"] for row in rows}
    assert chosen == {"A": TEXTS[0], "B": TEXTS[0], "C": TEXTS[0], "F": TEXTS[1]}
    # Of B two repeat the first, of C and of F eight; all of D and E, and the few of C and F, are contradicted.
    assert account.dropped == {"repeated": 2 + 8 + 8, "contradiction": 2 + 5 + 2 + 2}


def test_a_stated_preference_is_the_latest_of_a_person_and_is_outvoted_or_contradicted_by_rewards(product: Product):
    """Each kind has a prompt of its own."""
    changed = preferences(TEXTS[0], TEXTS[1], 1, name="Changed-0"), preferences(TEXTS[1], TEXTS[0], 1, name="Changed-0")
    thumbs = [
        about(f"Outvoted-{i}", f"t{i}{n}", "thumbs_down" if i else "thumbs_up", user_id=f"rater-{n}")
        for i in (0, 1)
        for n in range(10)
    ]
    account, rows = built(
        product,
        interaction("Changed-0", query="Changed"),
        *(interaction(f"Outvoted-{i}", query="Outvoted", answer=TEXTS[i]) for i in (0, 1)),
        *answers(0.9, 0.1, query="Contradicted"),
        feedback=(
            {**changed[0][0], "created_at": "2026-10-01T12:00:00Z"},
            {**changed[1][0], "created_at": "2026-10-01T13:00:00Z"},
            *thumbs,
            *preferences(TEXTS[1], TEXTS[0], 1, name="Outvoted-0"),
            *preferences(TEXTS[1], TEXTS[0], 1, name="Contradicted-0"),
        ),
    )
    chosen = {row["prompt"][0]["content"]: row["chosen"][0]["content"] for row in rows}
    assert chosen == {"Changed": TEXTS[1], "Outvoted": TEXTS[0]}
    # One that many raters outvote, and both sides of one that one judge contradicts; what a person said before does
    # not count any more.
    assert account.dropped == {"contradiction": 1 + 2}


def test_stated_preferences_and_corrections_come_first_but_not_of_an_answer_without_text(product: Product):
    told = (
        about(
            "Q-0", "f1", "preference", preferred_output="Stated better text.", rejected_output="Stated worse text, no."
        ),
        about("Q-1", "f2", "correction", preferred_output="As it should have been."),
        about("silent", "f3", "correction", preferred_output="As it should have been."),
    )
    account, rows = built(
        product, *answers(0.9, 0.1), interaction("silent", query="Silent", answer=None), feedback=told
    )
    assert [row["metadata"]["strategy"] for row in rows] == ["explicit", "explicit"]
    sides = {(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in rows}
    assert sides == {("Stated better text.", "Stated worse text, no."), ("As it should have been.", TEXTS[1])}
    assert [row["metadata"]["margin"] for row in rows] == [None, None]
    assert {row["metadata"]["rejected_id"] for row in rows} == {None, "Q-1"}
    assert account.dropped["empty_side"] == 1


def test_the_longer_answer_is_at_most_twice_as_long(product: Product):
    lines = [
        judged("a", 0.9, answer="x" * 21),
        judged("b", 0.1, answer="abcdefghij"),
        judged("c", 0.5, answer="y" * 20),
    ]
    account, rows = built(product, *lines, length_allowance=11)
    assert pairs(rows) == [("a", "c"), ("c", "b")]
    assert account.dropped == {"length_ratio": 1}
    assert product.build(build_pairs, DpoPolicy(max_len_ratio=2.1, length_allowance=0, per_prompt=3))[0].selected == 3


def test_a_short_answer_is_paired_with_one_that_is_less_than_80_characters_longer(product: Product):
    sentence = ("Use the round socket at the back, the one beside the fan and the lamp, and wait for it. " * 2).strip()
    lines = [
        judged(f"{characters}-{score}", score, query=f"{characters}", answer=answer)
        for characters in (79, 80)
        for score, answer in ((0.9, "Port 7."), (0.1, sentence[: 7 + characters]))
    ]
    account, rows = built(product, *lines)
    assert pairs(rows) == [("79-0.9", "79-0.1")]
    assert account.dropped == {"length_ratio": 1}


def test_two_pairs_of_a_prompt_are_taken_the_widest_margins_first(product: Product):
    account, rows = built(product, *answers(1.0, 0.7, 0.4, 0.1))
    assert sorted(row["metadata"]["margin"] for row in rows) == pytest.approx([0.6, 0.9])
    assert account.dropped == {"over_per_prompt": 4}


def test_the_cap_goes_round_the_prompts_before_it_takes_second_pairs(product: Product):
    wide = [*answers(1.0, 0.2, 0.0, query="A"), *answers(1.0, 0.3, 0.0, query="B")]
    account, rows = built(product, *wide, *answers(0.5, 0.1, query="C"), max_pairs=4)
    assert pairs(rows) == [("A-0", "A-1"), ("A-0", "A-2"), ("B-0", "B-2"), ("C-0", "C-1")]
    assert account.dropped == {"over_max_pairs": 1, "over_per_prompt": 2}
