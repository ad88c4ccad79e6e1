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
    account, rows = built(product, interaction("a1", segment="acme", category="orders"), feedback=(up,))
    assert rows[0]["prompt"] == [{"role": "user", "content": "Where is my order?"}]
    assert rows[0]["completion"] == [{"role": "assistant", "content": "It is on its way, says a1."}]
    assert rows[0]["label"] is True
    metadata = rows[0]["metadata"]
    assert (metadata["interaction_id"], metadata["reward"], metadata["reward_source"]) == ("a1", 1.0, "human")
    assert (metadata["segment"], metadata["category"], metadata["agent"]) == ("acme", "orders", "desk")
    measures = account.metrics
    assert (measures["desirable_weight"], measures["undesirable_weight"]) == (None, None), "nothing is bad"


def test_every_answer_is_good_or_bad_or_has_its_reason(product: Product):
    """Each kind has a prompt of its own."""
    stars = [interaction(f"a{stars}", query=f"Stars {stars}") for stars in range(1, 6)]
    account, rows = built(
        product,
        *stars,
        judged("good", 0.9, query="Even", answer="Same."),
        judged("bad", 0.1, query="Even", answer=" Same."),
        judged("other", 0.1, query="Even"),
        *(judged(f"m{i}", score, query="Mostly", answer="So.") for i, score in enumerate((0.9, 0.9, 0.9, 0.4))),
        judged("c1", 0.5, query="Corrected to a bad one"),
        judged("c2", 0.0, query="Corrected to a bad one", answer="Wrong."),
        judged("mended", 0.0, query="Corrected"),
        judged("failed", 0.0, query="A", error_occurred=True),
        judged("blank", 0.0, query="B", answer=" "),
        judged("unrated", None, query="C"),
        judged("odd", 0.0, messages=[{"role": "user", "content": "A"}]),
        judged("middling", 0.5, query="D"),
        feedback=(
            *(about(f"a{n}", f"f{n}", "rating", rating=n) for n in range(1, 6)),
            about("c1", "g1", "correction", preferred_output="Wrong."),
            about("mended", "g2", "correction", preferred_output="As it should be."),
        ),
    )
    of_stars = {"a1": False, "a2": False, "a4": True, "a5": True}
    taken = [(row["metadata"]["interaction_id"], row["label"]) for row in rows]
    expected = {**of_stars, "other": False, "m0": True}
    assert sorted(taken) == sorted([*expected.items(), ("mended", False), ("mended", True)])
    assert {row["completion"][0]["content"]: row["label"] for row in rows if "mended" in str(row["metadata"])} == {
        "It is on its way, says mended.": False,
        "As it should be.": True,
    }
    # Undecided are three stars, a text of both verdicts, and two answers that are middling; contradicted are a bad
    # answer and the correction that repeats it.
    assert account.dropped == {
        "undecided": 4,
        "pooled": 1 + 3,
        "contradiction": 2,
        "error": 1,
        "no_answer": 1,
        "no_reward": 1,
        "untrainable_prompt": 1,
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


def test_the_cap_takes_the_clearest_verdicts(product: Product):
    lines = [judged(f"a{i}", reward, query=f"Q{i}") for i, reward in enumerate((0.8, 1.0, 0.0, 0.2))]
    account, rows = built(product, *lines, max_samples=2)
    assert labels(rows) == {"a1": True, "a2": False}
    assert account.dropped == {"over_max_samples": 2}


def test_thresholds_that_overlap_are_refused():
    with pytest.raises(ValidationError, match=r"bad_to \(0.8\) must lie below good_from \(0.75\)"):
        KtoPolicy(bad_to=0.8)
