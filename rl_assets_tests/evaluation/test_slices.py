import numpy as np
import pytest

from rl_assets.evaluation.run.columns import Column
from rl_assets.evaluation.run.inputs import Item
from rl_assets.evaluation.run.slices import slices


def item(row: int, category: str | None, agent: str = "desk") -> Item:
    return Item(({"role": "user", "content": f"q{row}"},), ("a",), f"c{row}", "parts", category, agent)


def column(values: list[float]) -> Column:
    return Column(np.asarray(values, dtype=float), np.ones(len(values)), [f"c{row}" for row in range(len(values))])


def found(items: list[Item], ours: list[float], theirs: list[float]) -> dict[str, tuple[str, int]]:
    result = slices(items, column(ours), column(theirs))
    return {f"{slice.dimension} {slice.value}": (slice.verdict, slice.candidate.n) for slice in result}


def test_a_gain_in_one_category_and_a_loss_in_another_are_both_seen():
    items = [item(row, "colour" if row < 40 else "price") for row in range(80)]
    ours = [1.0] * 40 + [0.0] * 30 + [1.0] * 10
    theirs = [0.0] * 30 + [1.0] * 10 + [1.0] * 40
    assert found(items, ours, theirs) == {"category colour": ("better", 40), "category price": ("worse", 40)}


def test_a_dimension_with_a_single_value_is_no_slice():
    assert found([item(row, "colour") for row in range(30)], [1.0] * 30, [0.0] * 30) == {}


def test_a_slice_of_few_clusters_is_shown_and_not_judged():
    items = [item(row, "colour" if row < 40 else None) for row in range(45)]
    assert found(items, [1.0] * 45, [0.0] * 45) == {
        "category colour": ("better", 40),
        "category (none)": ("too few clusters", 5),
    }


def test_what_would_pass_alone_does_not_among_many_slices():
    rng = np.random.default_rng(1)
    items = [item(row, f"k{row % 20:02d}", agent="a" if row % 2 else "b") for row in range(20 * 40)]
    ours, theirs = rng.integers(0, 2, (2, 800)).astype(float)
    result = slices(items, column(list(ours)), column(list(theirs)))
    alone = [slice for slice in result if slice.difference.p is not None and slice.difference.p < 0.05]
    assert len(result) == 22 and alone
    assert {slice.verdict for slice in result} == {"not significant"}


def test_columns_of_other_rows_are_rejected():
    with pytest.raises(ValueError, match="must be as many"):
        slices([item(0, "a")], column([1.0, 0.0]), column([1.0, 0.0]))
