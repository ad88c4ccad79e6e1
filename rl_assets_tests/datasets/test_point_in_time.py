"""As of a day: what had landed by its end, inside the window, and nothing later."""

from datetime import timedelta

import pytest

from rl_assets.datasets.builders import build_sft
from rl_assets.datasets.policies import SftPolicy
from rl_assets.datasets.ratings import Window
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets_tests.support.logs import DAY, Product, about, interaction, judged, later, reward


def at(day: int, time: str = "10:00:00") -> str:
    return f"{later(day)}T{time}Z"


@pytest.mark.slow  # Several seconds of CPU.
def test_a_thumb_that_lands_five_days_later_changes_no_earlier_day(product: Product):
    product.log(judged("a1", 0.2))
    product.ingest()
    days = [later(day) for day in (0, 4, 5, 6)]
    before = [product.rated(day) for day in days]
    product.log(about("a1", "f1", created_at=at(0, "11:00:00")), log_format="feedback_table", day=later(5))
    product.ingest(later(5))
    after = [product.rated(day) for day in days]
    assert after[:2] == before[:2]
    assert [day["a1"]["reward"] for day in after] == [0.2, 0.2, 1.0, 1.0]


def test_feedback_that_lands_before_its_answer_waits_for_it(product: Product):
    product.log(reward("a1", 0.7), log_format="reward_log")
    product.log(interaction("a1", timestamp=at(1)), day=later(1))
    product.ingest()
    product.ingest(later(1))
    assert product.rated() == {}
    assert product.rated(later(1))["a1"]["reward"] == 0.7


def test_the_window_holds_its_first_and_its_last_moment_and_no_other(product: Product):
    moments = {
        "before": at(-1, "23:59:59.999999"),
        "first": at(0, "00:00:00"),
        "last": at(6, "23:59:59.999999"),
        "after": at(7, "00:00:00"),
        "of the first evening, in an older file": at(1, "00:00:05"),
    }
    *_, evening = moments
    product.log(*(interaction(name, timestamp=moment) for name, moment in moments.items()))
    product.ingest()
    assert set(product.rated(later(6), window=7)) == {"first", "last", evening}
    assert set(product.rated(later(7), window=7)) == {"last", "after", evening}
    assert set(product.rated(later(6), window=None)) == {"before", "first", "last", evening}
    assert (Window(later(7), 7).first, Window(later(7), 7).first_landing) == (later(1), DAY)


@pytest.mark.slow  # Several seconds of CPU.
def test_an_id_that_lands_again_counts_once_as_it_landed_first_and_another_content_is_a_conflict(product: Product):
    for day, answer in enumerate(["first", "first", "changed"]):
        product.log(interaction("a1", answer=answer), judged("b1", 1, answer=f"{answer} of b1"), day=later(day))
        product.ingest(later(day))
    row = product.rated(later(2))["a1"]
    assert (row["landed_day"], row["resent"], row["conflicts"], row["answer_chars"]) == (DAY, 2, 1, 5)
    assert product.rated(later(1))["a1"]["conflicts"] == 0
    _, rows = product.build(build_sft, SftPolicy(min_reward=0), later(2))
    assert [row["messages"][-1]["content"] for row in rows] == ["first of b1"]


def test_a_late_file_changes_the_content_of_its_own_day_only(product: Product):
    for day in range(3):
        product.log(interaction(f"a{day}", timestamp=at(day)), day=later(day))
    before = [product.ingest(later(day)).published["interactions"].sha256 for day in range(3)]
    product.log(interaction("late", timestamp=at(1)), day=later(1), name="late.jsonl")
    after = [product.ingest(later(day)).published["interactions"].sha256 for day in range(3)]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]


@pytest.mark.slow
def test_a_late_file_changes_only_the_days_that_look_back_on_it(product: Product):
    for day in range(4):
        product.log(judged(f"a{day}", 0.5, timestamp=at(day)), day=later(day))
        product.ingest(later(day))

    def hashes() -> list[str]:
        for day in range(4):
            product.rated(later(day), window=2)
        return [product.lake.published(RATED_INTERACTIONS, later(day)).sha256 for day in range(4)]

    before = hashes()
    product.log(judged("late", 0.5, timestamp=at(1)), day=later(1), name="late.jsonl")
    product.ingest(later(1))
    changed = [day for day, (old, new) in enumerate(zip(before, hashes(), strict=True)) if old != new]
    assert changed == [1, 2]


def test_a_day_without_anything_is_rated_as_empty(product: Product):
    assert product.rated(later(40)) == {}
    product.log(interaction("a1"))
    product.ingest()
    assert set(product.rated(later(29))) == {"a1"}
    assert product.rated(later(30)) == {}
    assert product.lake.days(RATED_INTERACTIONS) == [DAY + timedelta(days=29)]
