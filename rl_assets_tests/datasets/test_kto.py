"""The KTO builder: single answers that were good or bad, and the weights at which both count alike."""

import pytest
from pydantic import ValidationError

from rl_assets.datasets.builders import Built, build_kto
from rl_assets.datasets.policies import KtoPolicy
from rl_assets_tests.support.logs import Product, Row, about, interaction, judged


def built(product: Product, *lines: Row, feedback: tuple[Row, ...] = (), **policy) -> tuple[Built, list[Row]]:
    account, rows = product.build_of(build_kto, KtoPolicy(**policy), *lines, feedback=feedback)
    assert account.selected == len(rows)
    return account, rows


def labels(rows: list[Row]) -> dict[str, bool]:
    return {row["metadata"]["interaction_id"]: row["label"] for row in rows}


def test_a_thumb_without_a_partner_is_a_row(product: Product):
    up = about("a1", "f1", "thumbs_up")
    _, rows = built(product, interaction("a1", segment="acme", category="orders"), feedback=(up,))
    assert rows[0]["prompt"] == [{"role": "user", "content": "Where is my order?"}]
    assert rows[0]["completion"] == [{"role": "assistant", "content": "It is on its way, says a1."}]
    assert rows[0]["label"] is True
    metadata = rows[0]["metadata"]
    assert (metadata["interaction_id"], metadata["reward"], metadata["reward_source"]) == ("a1", 1.0, "human")
    assert (metadata["segment"], metadata["category"], metadata["agent"]) == ("acme", "orders", "desk")


def test_four_stars_are_good_two_are_bad_and_three_are_neither(product: Product):
    lines = [interaction(f"a{stars}", query=f"Q{stars}") for stars in range(1, 6)]
    stars = tuple(about(f"a{n}", f"f{n}", "rating", rating=n) for n in range(1, 6))
    account, rows = built(product, *lines, feedback=stars)
    assert labels(rows) == {"a1": False, "a2": False, "a4": True, "a5": True}
    assert account.dropped == {"undecided": 1}


def test_a_text_found_good_and_bad_is_labelled_by_the_mean_of_its_rewards(product: Product):
    even = [judged("good", 0.9, answer="Same."), judged("bad", 0.1, answer=" Same."), judged("other", 0.1)]
    mostly = [judged(f"m{i}", score, query="Q", answer="So.") for i, score in enumerate((0.9, 0.9, 0.9, 0.4))]
    account, rows = built(product, *even, *mostly)
    assert labels(rows) == {"other": False, "m0": True}
    assert account.dropped == {"undecided": 1, "pooled": 4}


def test_a_correction_that_was_rated_bad_as_an_answer_is_neither(product: Product):
    corrected = about("a1", "f1", "correction", preferred_output="Same.")
    account, rows = built(product, judged("a1", 0.5), judged("a2", 0.0, answer="Same."), feedback=(corrected,))
    assert rows == []
    assert account.dropped == {"undecided": 1, "contradiction": 2}


def test_one_text_is_taken_once_a_prompt(product: Product):
    lines = [judged("a", 0.9, answer="Same."), judged("b", 1.0, answer="Same."), judged("c", 1.0, query="Other?")]
    account, rows = built(product, *lines)
    assert labels(rows) == {"a": True, "c": True}
    assert account.dropped == {"pooled": 1}


def test_a_correction_is_a_good_answer_beside_the_bad_one_it_mends(product: Product):
    mended = about("a1", "f1", "correction", preferred_output="As it should be.")
    _, rows = built(product, judged("a1", 0.0), feedback=(mended,))
    assert {row["completion"][0]["content"]: row["label"] for row in rows} == {
        "It is on its way, says a1.": False,
        "As it should be.": True,
    }


def test_every_answer_that_gives_no_row_has_its_reason(product: Product):
    account, _ = built(
        product,
        judged("failed", 0.0, query="A", error_occurred=True),
        judged("blank", 0.0, query="B", answer=" "),
        judged("unrated", None, query="C"),
        judged("odd", 0.0, messages=[{"role": "user", "content": "A"}]),
        judged("middling", 0.5, query="D"),
    )
    assert account.dropped == {
        "error": 1,
        "no_answer": 1,
        "no_reward": 1,
        "untrainable_prompt": 1,
        "undecided": 1,
    }


def test_the_weights_make_good_and_bad_count_alike(product: Product):
    lines = [judged(f"a{i}", 0.9 if i % 5 else 0.1, query=f"Question {i}?") for i in range(200)]
    account, rows = built(product, *lines)
    measures = account.metrics
    train = [row["label"] for row in rows if row["split"] == "train"]
    assert (measures["good"], measures["bad"]) == (sum(train), len(train) - sum(train))
    assert measures["desirable_weight"] == 1
    assert measures["good"] * measures["desirable_weight"] == pytest.approx(
        measures["bad"] * measures["undesirable_weight"], rel=0.001
    )


def test_there_are_no_weights_where_one_label_is_missing(product: Product):
    measures = built(product, *(judged(f"a{i}", 0.9, query=f"Question {i}?") for i in range(5)))[0].metrics
    assert (measures["desirable_weight"], measures["undesirable_weight"]) == (None, None)


def test_the_cap_takes_the_clearest_verdicts(product: Product):
    lines = [judged(f"a{i}", reward, query=f"Q{i}") for i, reward in enumerate((0.8, 1.0, 0.0, 0.2))]
    account, rows = built(product, *lines, max_samples=2)
    assert labels(rows) == {"a1": True, "a2": False}
    assert account.dropped == {"over_max_samples": 2}


def test_thresholds_that_overlap_are_refused():
    with pytest.raises(ValidationError, match=r"bad_to \(0.8\) must lie below good_from \(0.75\)"):
        KtoPolicy(bad_to=0.8)
