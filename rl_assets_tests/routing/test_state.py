"""From counts to the shares that are drawn by: segments, categories, and what holds in a category that nobody knows."""

import numpy as np
import pyarrow as pa
import pytest

from rl_assets.routing.config import RouterFile
from rl_assets.routing.state import learn, shares_to_draw_by
from rl_assets.routing.thompson import cell_shares
from rl_assets_tests.benchmarks.router import counts_table
from rl_assets_tests.support.cells import cell

DAY, SALT = "2026-10-01", "a salt of tests"
N = np.array([[20.0, 10], [30, 30]])
WON = np.array([[10.0, 9], [15, 3]])


def counts(segment: str | None) -> pa.Table:
    """Two categories and two arms of a segment."""
    table = counts_table(N, N, WON)
    return table.set_column(0, "segment", pa.array([segment] * len(table), pa.string()))


def drawn_by(table: pa.Table, **router):
    file = RouterFile(**router)
    return shares_to_draw_by(learn(DAY, table, file), file, SALT)


def test_a_category_that_nobody_knows_is_drawn_for_by_the_counts_of_all() -> None:
    together = cell(WON.sum(axis=0), N.sum(axis=0), category="*", arms=("arm-0", "arm-1"))
    expected = cell_shares(DAY, together, RouterFile()).share.tolist()
    assert list(drawn_by(counts(None)).shares["product"]["*"].values()) == expected
    # Its prior is that of any category, once.
    believed = drawn_by(counts(None), priors={"*/arm-1": (1000, 999)}).shares["product"]["*"]
    assert believed["arm-1"] == pytest.approx(0.975)


def test_where_every_answer_has_a_segment_the_product_is_drawn_for_by_all_of_them() -> None:
    both = pa.concat_tables([counts("acme"), counts("bolt")])
    learned = drawn_by(both)
    assert {segment: set(each) for segment, each in learned.shares.items()} == {
        "acme": {"category-0", "category-1", "*"},
        "bolt": {"category-0", "category-1", "*"},
        "product": {"*"},
    }
    twice = cell(2 * WON.sum(axis=0), 2 * N.sum(axis=0), category="*", arms=("arm-0", "arm-1"))
    assert list(learned.shares["product"]["*"].values()) == cell_shares(DAY, twice, RouterFile()).share.tolist()


def test_arms_that_may_not_be_drawn_are_not_in_the_file() -> None:
    assert drawn_by(counts(None), disabled=["arm-0"]).shares["product"]["*"] == {"arm-1": 1.0}
    assert drawn_by(counts(None), arms=["other"]).shares == {}
    assert drawn_by(counts(None).slice(0, 0)).shares == {}


def test_new_arms_are_named_whether_their_share_is_limited_or_not() -> None:
    table = counts(None)
    new = table.set_column(table.schema.get_field_index("is_new"), "is_new", pa.array([True, False, True, False]))
    found = drawn_by(new)
    assert found.new == {"product": {key: ["arm-0"] for key in ("category-0", "category-1", "*")}}
    assert found.shares["product"]["category-1"]["arm-0"] == pytest.approx(0.1)
